// The script-tag entry point, and the only file that acts when it is loaded.
import { complain } from './browser/console.ts'
import { type SkalinPlugin, skalin } from './plugin.ts'
import { registeredPlugin } from './segment/host.ts'
import { shared } from './segment/shared.ts'

declare global {
  interface Window {
    /** The factory, for pages that register the plugin by hand. */
    skalinPlugin: typeof skalin
  }
}

/** A comma too many says nothing, but a list of none is one. */
const list = (given: string) => {
  const items = given.split(',').map((item) => item.trim())
  return items.some((item) => item !== '') ? items.filter((item) => item !== '') : items
}
const flag = (text: string) =>
  text === '' || text === 'true' ? true : text === 'false' ? false : text

const text = (given: string) => given
const number = (given: string) =>
  given.trim() !== '' && Number.isFinite(Number(given)) ? Number(given) : given

/** Each `data-` attribute by its name in `dataset`, and how it is read. What is wrong, settings.ts says. */
const attributes: Record<string, (text: string) => unknown> = {
  clientId: text,
  endpoint: text,
  enabled: flag,
  customerId: text,
  anonymous: text,
  visitTimeoutMs: number,
  respectGpc: flag,
  paths: list,
  traits: list,
  consentCategories: list,
}

/** No text can be one of these, which settings.ts says then. */
const otherSettings = {
  consent: text,
  featureName: text,
  url: text,
  onDelivery: text,
  apiKey: text,
}

/** Others put attributes of their own on tags; one that begins so is meant for this script. */
const beginning = /^(skalin|client|customer|anonym|consent|respect|visit|trait|endpoint|enable)/

/** How long a page may take to register by hand, or to load Segment, before it is told what seems wrong. */
const useWithinMs = 5000

/** The document's own, also where an image or a form of that name is in the way (DOM clobbering). */
const own = <Name extends keyof Document>(name: Name) =>
  Reflect.get(Object.getPrototypeOf(document) as Document, name, document) as Document[Name]

const scripts = (selector: string): HTMLScriptElement[] => [
  ...own('querySelectorAll').call<Document, [string], NodeListOf<HTMLScriptElement>>(
    document,
    selector,
  ),
]

/** HTML has no capitals in names: `data-clientId` is meant as `data-client-id`, and tells as much. */
const bare = (name: string) => name.toLowerCase().replace(/[-_]/g, '')

/** What a tag says by that name. */
const saidBy = ({ dataset }: HTMLOrSVGScriptElement, name: string): string | undefined =>
  Object.entries(dataset).find(([written]) => bare(written) === bare(name))?.[1]

const says = (tag: HTMLOrSVGScriptElement) =>
  ['analyticsKey', ...Object.keys(attributes)].some((name) => saidBy(tag, name) !== undefined)

/** Attributes that are meant for this script, and are none of it. */
const misspelt = ({ dataset }: HTMLOrSVGScriptElement): string[] => {
  const known = ['analyticsKey', ...Object.keys({ ...attributes, ...otherSettings })].map(bare)
  return Object.keys(dataset).filter(
    (name) => beginning.test(bare(name)) && !known.includes(bare(name)),
  )
}

/** Copies that tools leave behind do not count: with another type, or without `src`, they never ran. */
const isOurs = ({ src, type }: HTMLScriptElement) =>
  /skalin[^/?#]*\.m?js\b/i.test(src) &&
  /^\s*(module|(text|application)\/(x-)?(java|ecma)script)?\s*$/i.test(type)

/**
 * The tags of this script: the one that runs, if it says anything. Modules, and copies of a script
 * that jQuery runs, are not current or have no attributes: then all that could be meant.
 */
function ownTags(): HTMLOrSVGScriptElement[] {
  const current = own('currentScript')
  if (current && says(current)) return [current]
  const ours = scripts('script[src]').filter(isOurs)
  // One that has an address of its own does not speak for another.
  const address = (current as HTMLScriptElement | null)?.src
  return address ? ours.filter(({ src }) => src === address) : ours
}

type Analytics = Partial<Record<'push' | 'register', (argument: unknown) => unknown>>

/** Segment's snippet, or an `AnalyticsBrowser` from npm. */
const isSegments = (value: Analytics | undefined) =>
  typeof value?.push === 'function' || typeof value?.register === 'function'

/**
 * Joins once the page has set a global to Segment; whether that can be heard of. Until then the page
 * has what it put there, if anything: an array of ours would be taken for Segment by code that asks for
 * it before the snippet has run, or has consent to.
 */
function expectSegment(key: string, join: () => void): boolean {
  const earlier = Object.getOwnPropertyDescriptor(window, key)
  let value: unknown = earlier && Reflect.get(window, key)
  return Reflect.defineProperty(window, key, {
    configurable: true,
    get: () => value,
    set(given: Analytics | undefined) {
      value = given
      if (!isSegments(given)) return
      Reflect.deleteProperty(window, key)
      // Of another tag that waits, say.
      if (earlier) Object.defineProperty(window, key, earlier)
      Reflect.set(window, key, given)
      attempt(join)
    },
  })
}

/** Registers with Segment's global, whose name may have been changed for this script or in Segment's own snippet. */
function registerWithSegment(plugin: SkalinPlugin, tag: HTMLOrSVGScriptElement): void {
  const [segments] = scripts('script[data-global-segment-analytics-key]')
  const key =
    saidBy(tag, 'analyticsKey')?.trim() ||
    segments?.dataset['globalSegmentAnalyticsKey'] ||
    'analytics'
  const globals = window as unknown as Record<string, Analytics | unknown[] | undefined>
  // Read anew at each moment: once Segment has loaded, nobody reads the array that was there before.
  // What is no property of the window's own is an element with that id, or a frame with that name.
  const analytics = () =>
    Object.getOwnPropertyDescriptor(window, key) && (globals[key] as Analytics | undefined)

  function join(): void {
    const segment = analytics()
    // Turbo and the like run the scripts of a body again at each visit of one page.
    const registered = shared(
      window,
      'skalin-analytics-plugin:tags',
      (): Partial<Record<string, SkalinPlugin>> => ({}),
    )
    const said = JSON.stringify(tag.dataset)
    if (registeredPlugin(segment as object, (registered[said] ?? plugin).load)) return
    registered[said] = plugin
    if (typeof segment?.push === 'function') segment.push(['register', plugin])
    else segment?.register?.(plugin)
  }

  if (isSegments(analytics())) return join()
  // A `var` of that name lets nobody hear what it is set to.
  if (!expectSegment(key, join) && !analytics()) globals[key] = [['register', plugin]]
  setTimeout(() => {
    if (analytics() && !isSegments(analytics()))
      complain(
        'error',
        `\`window.${key}\` is not Segment's: name the right one by \`data-analytics-key\`.`,
      )
  }, useWithinMs)
}

/** The inline stub of docs/compatibility.md: registered before this script came, it kept what was called. */
type Stub = { calls: [method: 'track', given: Parameters<SkalinPlugin['track']>][] }

const isStub = (value: unknown): value is Stub =>
  Array.isArray((value as Partial<Stub> | undefined)?.calls)

/** Makes the stub the plugin, wherever Segment has it, and makes up for what was called. */
function replace(stub: Stub, plugin: SkalinPlugin): void {
  Object.assign(stub, plugin)
  for (const [method, given] of stub.calls.splice(0)) plugin[method](...given)
}

/** Registers what a tag says. */
function register(tag: HTMLOrSVGScriptElement, earlier: unknown): void {
  const given: Record<string, unknown> = {}
  for (const [name, read] of Object.entries({ ...attributes, ...otherSettings })) {
    const written = saidBy(tag, name)
    if (written !== undefined) given[name] = read(written)
  }
  // For settings.ts to name.
  for (const name of misspelt(tag)) given[name] = tag.dataset[name]
  const { consentCategories: categories, ...settings } = given
  const plugin = skalin({
    ...settings,
    ...(categories ? { consent: { categories } } : {}),
  } as never)
  if (isStub(earlier)) replace(earlier, plugin)
  else registerWithSegment(plugin, tag)
}

/** Says how to write the tag, unless somebody registers by hand. */
function expectUse(): void {
  const timer = setTimeout(
    () =>
      complain(
        'error',
        'nothing is sent: the script did not find its own tag with its attributes. ' +
          'Write <script src="…/skalin.min.js" data-client-id="…"></script>, or call `skalinPlugin()`.',
      ),
    useWithinMs,
  )
  window.skalinPlugin = (settings) => {
    clearTimeout(timer)
    return skalin(settings)
  }
}

/** No error of ours may end a script of the page. */
function attempt(step: () => void): void {
  try {
    step()
  } catch (error) {
    complain('error', 'the script could not start.', error)
  }
}

attempt(() => {
  const earlier: unknown = window.skalinPlugin
  Reflect.set(window, 'skalinPlugin', skalin)
  const tags = ownTags()
  const [first, ...more] = tags.filter(says)
  if (first) register(first, earlier)
  // Without attributes it is there for registering by hand; but a stub waits for what they say.
  else if (tags.every((tag) => misspelt(tag).length > 0) || isStub(earlier)) expectUse()
  for (const tag of more) register(tag, undefined)
})
