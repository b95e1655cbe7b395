import { copy } from './copy.ts'

/** What a middleware is given of an event. */
export type Payload = { obj: Record<string, unknown>; [method: string]: unknown }

type Method = (...given: never[]) => unknown

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null
const isOwn = (source: object, name: string) => Object.prototype.hasOwnProperty.call(source, name)

/** Those members that say something. */
const filled = (members: object) =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value))

const normal = (path: string) => path.replace(/[^a-zA-Z0-9.]+/g, '').toLowerCase()

/** What is at a path, whose words may be written in any case and with any joints. */
function find(source: unknown, given: string): unknown {
  let [at, path] = [source, normal(given)]
  while (isObject(at)) {
    const here: Record<string, unknown> = at
    const key = Object.keys(here).find((name) => `${path}.`.startsWith(`${normal(name)}.`))
    if (key === undefined) return undefined
    path = path.slice(normal(key).length + 1)
    at = here[key]
    if (path === '' || at === undefined || at === null) return at
  }
  return undefined
}

/**
 * An event as a middleware sees it: Segment's Facade, as far as middlewares use it. What is left out
 * (money, parts of names and addresses, events turned into others) answers nothing, and `onMissing`
 * is told.
 *
 * @see {@link https://github.com/segmentio/facade | Segment: facade}
 */
export function facade(source: object, onMissing: (method: string) => void): Payload {
  const payload: Payload = { obj: source as Record<string, unknown> }
  const { type } = payload.obj
  const isView = type === 'page' || type === 'screen'
  const isGroup = type === 'group'

  const field = (name: string) => copy(payload.obj[name])

  function proxy(path: string): unknown {
    const [first = '', ...rest] = path.split('.')
    const own = payload[first] || payload.obj[first]
    const found: unknown = typeof own === 'function' ? (own as Method)() || {} : own
    return found && copy(rest.length === 0 ? found : find(found, rest.join('.')))
  }

  function enabled(name: string): boolean {
    const own = integrations()
    const { providers } = own
    if (isOwn(own, name)) return own[name] !== false
    if (isObject(providers) && isOwn(providers, name)) return !!providers[name]
    const all = ['options.providers.all', 'options.all', 'integrations.all'].map(proxy)
    return all.find((answer) => typeof answer === 'boolean') !== false && name !== 'Salesforce'
  }

  function options(name?: string): unknown {
    const all = copy(payload.obj['options'] || payload.obj['context'] || {})
    if (!name) return all
    if (!enabled(name)) return undefined
    const own = integrations()[name] || find(integrations(), name)
    const found = typeof own === 'object' ? own : find(all, name)
    return typeof found === 'object' ? found : {}
  }

  const integrations = () =>
    (payload.obj['integrations'] || proxy('options.providers') || options()) as Record<
      string,
      unknown
    >
  const userId = () => field('userId') || field(type === 'alias' ? 'to' : 'userId')
  const groupId = () => (isGroup ? field('groupId') : proxy('options.groupId'))
  const ownId = () => (isGroup ? groupId() : userId())
  const anonymousId = () => field('anonymousId') || field('sessionId')
  const previousId = () => field('previousId') || field('from')

  function email(): unknown {
    const id = ownId()
    const found = proxy('traits.email') || (type !== 'identify' && proxy('properties.email'))
    return found || (/.+@.+\..+/.test(String(id)) ? id : undefined)
  }

  function properties(): unknown {
    if (isGroup) return field('traits') || field('properties') || {}
    return {
      ...(field('properties') || {}),
      ...(isView && filled({ category: field('category'), name: field('name') })),
    }
  }

  function traits(): unknown {
    const own = isGroup
      ? properties()
      : type === 'identify'
        ? field('traits')
        : proxy('options.traits')
    return { ...(own || {}), ...filled({ id: ownId() }) }
  }

  function event(name?: string): unknown {
    const what = type === 'page' ? 'Page' : 'Screen'
    return !isView ? field('event') : name ? `Viewed ${name} ${what}` : `Loaded a ${what}`
  }

  function name(): unknown {
    if (type === 'track' || isGroup) return proxy('properties.name')
    if (type !== 'identify') return field('name')
    const parts = ['name', 'firstName', 'lastName'].map((part) => proxy(`traits.${part}`))
    const [whole, first, last] = parts.map((part) => typeof part === 'string' && part.trim())
    return whole !== false ? whole : first && last ? `${first} ${last}` : undefined
  }

  Object.assign(payload, {
    type: () => type,
    action: () => type,
    rawEvent: () => payload.obj,
    json: () => payload.obj,
    field,
    proxy,
    enabled,
    options,
    context: options,
    integrations,
    userId,
    groupId,
    anonymousId,
    sessionId: anonymousId,
    messageId: () => field('messageId'),
    timestamp: () => field('timestamp'),
    channel: () => field('channel'),
    userAgent: () => proxy('context.userAgent'),
    email,
    ...((isView || type === 'track' || isGroup) && { properties }),
    traits,
    ...((isView || type === 'track') && { event }),
    name,
    category: () => (type === 'track' ? proxy('properties.category') : field('category')),
    previousId,
    from: previousId,
    to: userId,
  })
  return new Proxy(payload, {
    get(target, method) {
      if (typeof method !== 'string' || method in target || silent.includes(method)) {
        return Reflect.get(target, method) as unknown
      }
      return () => {
        onMissing(method)
      }
    },
  })
}

/** What the language itself looks for. */
const silent = ['then', 'toJSON']
