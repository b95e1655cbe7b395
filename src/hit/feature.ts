import { ask } from './ask.ts'
import { type SegmentEvent, ownOptions } from './event.ts'
import { field, wellFormed } from './read.ts'
import type { MappingSource } from './source.ts'

const maxNameLength = 255

/** A feature's name as it is sent: one line, no outer space, at most 255 code points; empty is missing. */
function featureName(raw: unknown): string | undefined {
  if (typeof raw !== 'string') return undefined
  const name = wellFormed(raw).trim().replace(/\s+/gu, ' ')
  // Cutting by code points, not by UTF-16 units, keeps every character whole.
  return Array.from(name).slice(0, maxNameLength).join('').trim() || undefined
}

const identifiers = [
  /^\d+$/,
  /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i,
  /^(?=.*\d)[\da-f]{8,}$/i,
  // https://github.com/ulid/spec#canonical-string-representation
  /^[0-7][\da-hjkmnp-tv-z]{25}$/i,
  /@/,
  /^(?=(.*\d){3}).{12,}$/s,
]

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

/**
 * A path with every segment that looks like an identifier replaced by `:id`. Raw paths carry
 * personal data and would make a new feature of every record.
 *
 * @example pathTemplate('/projects/8f14e45f/edit') //=> '/projects/:id/edit'
 */
function pathTemplate(path: string): string {
  const bare = path.replace(/[?#].*$/s, '')
  const segments = bare
    .split('/')
    .map((segment) => (identifiers.some((looks) => looks.test(decoded(segment))) ? ':id' : segment))
  // No /\/+$/ here: on a link of thousands of slashes it would freeze the page.
  while (segments.length > 1 && segments[segments.length - 1] === '') segments.pop()
  return segments.join('/') || (bare === '' ? '' : '/')
}

function pagePath(event: SegmentEvent): string | undefined {
  const page = field(event.context, 'page')
  const path = field(page, 'path')
  if (typeof path === 'string' && path !== '') return path
  const url = field(page, 'url')
  try {
    return typeof url === 'string' ? new URL(url).pathname : undefined
  } catch {
    return undefined
  }
}

/** What the event itself says of its feature, before anybody renames it. */
function ownName(event: SegmentEvent): string | undefined {
  if (event.type === 'track') return featureName(event.event)
  const named = featureName(
    [featureName(event.category), featureName(event.name)].filter(Boolean).join(' '),
  )
  if (named !== undefined || event.type === 'screen') return named
  return featureName(pathTemplate(pagePath(event) ?? ''))
}

/** The feature an event reports, or why it reports none. */
export function nameFeature(
  event: SegmentEvent,
  source: MappingSource,
): { name: string } | { skipped: 'no-name' | 'feature-name' } {
  const chosen = field(ownOptions(event), 'featureName')
  if (chosen === null || typeof chosen === 'string') {
    const name = featureName(chosen)
    return name === undefined ? { skipped: 'feature-name' } : { name }
  }
  const name = ownName(event)
  if (name === undefined) return { skipped: 'no-name' }
  const rename = source.settings.featureName
  const renamed = rename && ask('featureName', () => rename(event, name), isName, source.warn)
  if (renamed === undefined) return { name }
  const final = featureName(renamed)
  return final === undefined ? { skipped: 'feature-name' } : { name: final }
}

const isName = (answer: unknown): answer is string | null | undefined =>
  answer === undefined || answer === null || typeof answer === 'string'
