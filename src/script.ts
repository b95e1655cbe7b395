// The script-tag door, and the only file that acts when it is loaded.
import { type SkalinPlugin, skalin } from './plugin.ts'
import type { SkalinSettings } from './settings.ts'

declare global {
  interface Window {
    /** The factory, for pages that register the plugin by hand. */
    skalinPlugin: typeof skalin
  }
}

const list = (text: string) => text.split(',').map((item) => item.trim())
const flag = (text: string) =>
  text === '' || text === 'true' ? true : text === 'false' ? false : text

/** Each attribute, the setting it stands for, and how its text is read. What is wrong, settings.ts says. */
const attributes: Record<string, (text: string) => Record<string, unknown>> = {
  'data-client-id': (clientId) => ({ clientId }),
  'data-endpoint': (endpoint) => ({ endpoint }),
  'data-enabled': (text) => ({ enabled: flag(text) }),
  'data-customer-id': (customerId) => ({ customerId }),
  'data-anonymous': (anonymous) => ({ anonymous }),
  'data-visit-timeout-ms': (text) => ({ visitTimeoutMs: text.trim() === '' ? text : Number(text) }),
  'data-respect-gpc': (text) => ({ respectGpc: flag(text) }),
  'data-traits': (text) => ({ traits: list(text) }),
  'data-consent-categories': (text) => ({ consent: { categories: list(text) } }),
}
const keyAttribute = 'data-analytics-key'

/** The tag of this script. A tag manager puts scripts in without their being current. */
function ownTag(): Element | undefined {
  if (document.currentScript) return document.currentScript
  const tags = [...document.querySelectorAll<HTMLScriptElement>('script[data-client-id]')].filter(
    ({ src }) => /\/skalin(\.min)?\.js([?#]|$)/.test(src),
  )
  return tags.length === 1 ? tags[0] : undefined
}

/** Segment's global, whose name may have been changed for this script or in Segment's own snippet. */
function analyticsKey(tag: Element): string {
  const segments = document.querySelector('script[data-global-segment-analytics-key]')
  return (
    tag.getAttribute(keyAttribute) ??
    segments?.getAttribute('data-global-segment-analytics-key') ??
    'analytics'
  )
}

/** The inline stub of docs/compatibility.md: registered before this script came, it kept what was called. */
type Stub = { calls: [method: 'track', given: Parameters<SkalinPlugin['track']>][] }

const isStub = (value: object | undefined): value is Stub => value !== undefined && 'calls' in value

/** Makes the stub the plugin, wherever Segment has it, and makes up for what was called. */
function replace(stub: Stub, plugin: SkalinPlugin): void {
  Object.assign(stub, plugin)
  for (const [method, given] of stub.calls.splice(0)) plugin[method](...given)
}

function register(tag: Element, earlier: object | undefined): void {
  const given = Object.entries(attributes).flatMap(([name, read]) => {
    const text = tag.getAttribute(name)
    return text === null ? [] : [read(text)]
  })
  if (given.length === 0 && !tag.hasAttribute(keyAttribute)) return
  const plugin = skalin(Object.assign({}, ...given) as SkalinSettings)
  if (isStub(earlier)) {
    replace(earlier, plugin)
    return
  }
  const globals = window as unknown as Record<
    string,
    { push: (call: unknown[]) => void } | undefined
  >
  // Read anew at this moment: once Segment has loaded, an array kept from before is nobody's any more.
  const analytics = (globals[analyticsKey(tag)] ??= [] as unknown[] as {
    push: (call: unknown[]) => void
  })
  analytics.push(['register', plugin])
}

try {
  const earlier = window.skalinPlugin as object | undefined
  window.skalinPlugin = skalin
  const tag = ownTag()
  if (tag) register(tag, earlier)
} catch (error) {
  // eslint-disable-next-line no-console -- there is no Segment to log to
  console.error('Skalin: the script could not start.', error)
}
