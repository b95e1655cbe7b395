import { ask } from './ask.ts'
import { type SegmentEvent, ownOptions } from './event.ts'
import { withoutIdentifiers } from './identifier.ts'
import { pathTemplate } from './path.ts'
import { cutName, field, tidy } from './read.ts'
import type { MappingSource } from './source.ts'
import { hasAddress, parseUrl } from './url.ts'

/** A feature's name as it is sent: one line, no outer space, at most 255 code points; empty is missing. */
function featureName(raw: unknown): string | undefined {
  if (typeof raw !== 'string') return undefined
  return tidy(cutName(tidy(raw))) || undefined
}

/** A hash router's fragment is the path: `#/projects/7`, `#!/projects/7`. */
const hashRoute = /^#!?(?=\/)/

/**
 * The path of a page. Without an address on the web it is one of somebody's disk, or none at all, but
 * for what a hash router says.
 */
function pagePath(
  event: SegmentEvent,
  { moment: { fragment }, warn }: MappingSource,
): string | undefined {
  const page = field(event.context, 'page')
  const url = parseUrl(field(page, 'url'))
  const hash = [fragment, url?.hash].find((text) => text !== undefined && hashRoute.test(text))
  if (hash !== undefined) return hash.replace(hashRoute, '')
  if (url && !hasAddress(url)) {
    warn('A page without a web address has no path: give `page()` a name.')
    return undefined
  }
  const path = field(page, 'path')
  return typeof path === 'string' && path !== '' ? path : url?.pathname
}

/** What the event itself says of its feature, before anybody renames it. */
function ownName(event: SegmentEvent, source: MappingSource): string | undefined {
  if (event.type === 'track') return featureName(event.event)
  const named = featureName(
    [featureName(event.category), featureName(event.name)].filter(Boolean).join(' '),
  )
  if (named !== undefined || event.type === 'screen') return named
  return featureName(pathTemplate(pagePath(event, source) ?? '', source.settings.paths))
}

/** Names are the application's and stay as they are; but one with an identifier is a feature of its own. */
function final(raw: string | null, { warn }: MappingSource): Named {
  const name = featureName(raw)
  if (name === undefined) return { skipped: 'feature-name' }
  const template = withoutIdentifiers(name)
  if (template !== name) {
    warn(
      'A name holds an identifier, so each record is a feature: put it into the properties, or rename it by the `featureName` setting.',
      template,
    )
  }
  return { name }
}

type Named = { name: string } | { skipped: 'no-name' | 'feature-name' }

/** The feature an event reports, or why it reports none. */
export function nameFeature(event: SegmentEvent, source: MappingSource): Named {
  const chosen = field(ownOptions(event), 'featureName')
  if (chosen === null || typeof chosen === 'string') return final(chosen, source)
  const name = ownName(event, source)
  if (name === undefined) return { skipped: 'no-name' }
  const rename = source.settings.featureName
  const renamed = rename && ask('featureName', () => rename(event, name), isName, source.warn)
  return final(renamed === undefined ? name : renamed, source)
}

const isName = (answer: unknown): answer is string | null | undefined =>
  answer === undefined || answer === null || typeof answer === 'string'
