import { ask } from './ask.ts'
import type { SegmentEvent } from './event.ts'
import { field, wellFormed } from './read.ts'
import type { MappingSource } from './source.ts'

const maxUrlLength = 2048
const pageless = new Set(['about:', 'data:', 'blob:', 'javascript:'])

function parse(url: string): URL | undefined {
  try {
    return new URL(url)
  } catch {
    return undefined
  }
}

const isUrlOrNothing = (answer: unknown): answer is string | null =>
  answer === null || answer === '' || (typeof answer === 'string' && parse(answer) !== undefined)

/** Scheme, host and path: query, fragment and credentials carry tokens and personal data. */
function withoutSecrets(url: URL): string | null {
  if (pageless.has(url.protocol)) return null
  // Not put together from its parts: those of `app:` and its like differ from browser to browser.
  return Object.assign(url, { username: '', password: '', search: '', hash: '' }).href
}

/** The `url` field, of the page on which the call was made, which is not always the page of today. */
export function urlOf(event: SegmentEvent, source: MappingSource): string | undefined {
  const raw = field(field(event.context, 'page'), 'url')
  const url = typeof raw === 'string' ? parse(raw) : undefined
  if (url === undefined) return undefined
  const choose = source.settings.url ?? withoutSecrets
  const chosen = ask('url', () => choose(url), isUrlOrNothing, source.warn)
  // Cut first: half a surrogate pair may be left.
  return wellFormed((chosen ?? '').slice(0, maxUrlLength)) || undefined
}
