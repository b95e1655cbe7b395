import { ask } from './ask.ts'
import type { SegmentEvent } from './event.ts'
import { shortened, withoutSecrets } from './path.ts'
import { field, wellFormed } from './read.ts'
import type { MappingSource } from './source.ts'

const maxUrlLength = 2048

/** The URL that a text is. */
export function parseUrl(text: unknown): URL | undefined {
  try {
    const url = typeof text === 'string' ? new URL(text) : undefined
    // A page may have replaced `URL`.
    return typeof url?.href === 'string' ? url : undefined
  } catch {
    return undefined
  }
}

/** Whether a page is on the web, or an application's with a scheme of its own; not on somebody's disk. */
export const hasAddress = ({ protocol }: URL): boolean =>
  !/^(file|filesystem|content|about|data|blob|javascript|view-source):$/.test(protocol)

/** What is printed is no place for one, wherever in a text it stands. */
export const mayHoldPassword = (text: string): boolean => /:.*@/s.test(text)

const isUrlOrNothing = (answer: unknown): answer is string | null =>
  answer === null || answer === '' || parseUrl(answer) !== undefined

/** Scheme, host and path: query, fragment and credentials carry tokens and personal data, and a path may. */
function ownAddress(url: URL): string | null {
  if (!hasAddress(url)) return null
  // Not put together from its parts: those of `app:` and its like differ from browser to browser.
  const rest = { username: '', password: '', search: '', hash: '' }
  return withoutSecrets((/[?#@]/.test(url.href) ? Object.assign(url, rest) : url).href)
}

/** Most calls of a page are made at one address, and reading it takes time. */
let last: { href?: unknown; address?: string | undefined } = {}

/** The `url` field, of the page on which the call was made, which is not always the page of today. */
export function urlOf(event: SegmentEvent, source: MappingSource): string | undefined {
  const href = field(field(event.context, 'page'), 'url')
  const { url: own } = source.settings
  if (own === undefined && href === last.href) return last.address
  const url = parseUrl(href)
  if (url === undefined) return undefined
  const choose = own ?? ownAddress
  const chosen = ask('url', () => choose(url), isUrlOrNothing, source.warn)
  // Cut first: half a surrogate pair may be left.
  const address = wellFormed(shortened(chosen ?? '', maxUrlLength)) || undefined
  // A page's own `URL` may be mended.
  if (own === undefined && address !== undefined) last = { href, address }
  return address
}
