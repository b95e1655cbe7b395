import { type SegmentEvent, ownOptions } from '../hit/event.ts'
import { field } from '../hit/read.ts'

// Segment's own types are nominal (classes with private members) and differ from version to version;
// these say only what is used, so that one build fits them all.

/** What the plugin needs of a Segment context, the envelope around an event. */
export type SegmentContext = {
  event: object
  log: (level: 'debug' | 'info' | 'warn' | 'error', message: string, extras?: object) => void
}

/** A destination middleware, as `analytics.addDestinationMiddleware` hands it over. */
export type DestinationMiddleware = (call: {
  payload: never
  integration: string
  next: (payload: never) => void
}) => unknown

/** What the plugin needs of a live `Analytics`. */
export type Analytics = {
  user: () => unknown
  group: () => unknown
  on: (name: string, listener: (argument: never) => void) => unknown
  off: (name: string, listener: (argument: never) => void) => unknown
  register: (plugin: never) => unknown
  settings?: unknown
  options?: unknown
  queue?: unknown
}

const isFunction = (value: unknown): value is (...args: unknown[]) => unknown =>
  typeof value === 'function'

/** Whether it is a browser's `Analytics`; the one for Node has no user. */
export function isBrowserAnalytics(instance: unknown): instance is Analytics {
  return ['user', 'group', 'on', 'off'].every((name) => isFunction(field(instance, name)))
}

/**
 * Whether it is the stand-in that Segment puts where nothing may be sent: it has no write key, and
 * its `track` works all the same.
 */
export function isNullAnalytics(instance: Analytics): boolean {
  return field(instance.settings, 'writeKey') === ''
}

/** The stores of an instance's user in their order, where that was set. */
export function storesOf({ options }: Analytics): unknown {
  return field(field(field(options, 'user'), 'storage') ?? field(options, 'storage'), 'stores')
}

/**
 * Whether an instance keeps its user in `localStorage`, as its `User` decides it. Where it may not,
 * nothing else of a person is kept there either.
 */
export function isPersistent(instance: Analytics): boolean {
  const { options } = instance
  const own = field(options, 'user')
  const stores = storesOf(instance)
  return (
    field(options, 'disableClientPersistence') !== true &&
    field(own, 'persist') !== false &&
    field(own, 'localStorageFallbackDisabled') !== true &&
    (!Array.isArray(stores) || stores.includes('localStorage'))
  )
}

/** What a method of something foreign answers; `undefined` where there is none, or it throws. */
export function callMethod(source: unknown, method: string): unknown {
  const call = field(source, method)
  try {
    return isFunction(call) ? call.call(source) : undefined
  } catch {
    return undefined
  }
}

function pluginsOf(instance: Pick<Analytics, 'queue'>): unknown[] | undefined {
  const plugins = field(instance.queue, 'plugins')
  return Array.isArray(plugins) ? plugins : undefined
}

/** The plugin with this `load`, as Segment has it registered. */
export function registeredPlugin(instance: Pick<Analytics, 'queue'>, load: unknown): unknown {
  return pluginsOf(instance)?.find((plugin) => field(plugin, 'load') === load)
}

/** Segment's own plugin that runs before destinations and never stops an event, from 1.72.2 to 1.84.3. */
const plainPlugin = 'Page Enrichment'

/** Promises that are settled. */
let settled: WeakSet<object> | undefined

/** Whether a source middleware is being loaded, for which Segment holds back the calls made since. */
function isAwaitingMiddleware(instance: Analytics): boolean {
  const loading = callMethod(field(instance.queue, 'criticalTasks'), 'done')
  if (typeof loading !== 'object' || loading === null || settled?.has(loading)) return false
  const known = (settled ??= new WeakSet())
  const settle = () => void known.add(loading)
  void (loading as Promise<void>).then(settle, settle)
  return true
}

/**
 * How many plugins of others run before destinations, and may change or stop an event. Where there
 * is none, the first that is being loaded counts, if this was asked before that began.
 */
export function countBetween(instance: Analytics): number {
  const plugins = pluginsOf(instance)
  if (plugins === undefined) return Infinity
  const between = plugins.filter((plugin: unknown) => {
    const type = field(plugin, 'type')
    return (type === 'before' || type === 'enrichment') && field(plugin, 'name') !== plainPlugin
  })
  return between.length || Number(isAwaitingMiddleware(instance))
}

/** Whether an event is meant for this destination. As Segment's queue decides it: a name, else an alternative name, else `All`. */
export function isMeant(event: SegmentEvent): boolean {
  return Boolean(ownOptions(event) ?? field(event.integrations, 'All') !== false)
}
