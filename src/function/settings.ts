import { field, lostId, text, tidy } from '../hit/read.ts'
import { type Route, parseRoute } from '../hit/route.ts'
import type { MappingSettings } from '../hit/source.ts'

/** Throwing this tells Segment not to retry. */
declare const ValidationError: new (message: string) => Error

/** The Function's settings in Segment, checked and complete. */
export type FunctionSettings = {
  mapping: MappingSettings
  endpoint: string
  includeBrowser: boolean
}

/** Something Segment gives for a setting that nobody filled in. */
const isBlank = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'string' && value.trim() === '')

// What was given is not quoted: a secret may have been pasted into the wrong field.
function wrong(name: string, allowed: string): Error {
  return new ValidationError(`The setting \`${name}\` must be ${allowed}.`)
}

function textSetting(raw: unknown, name: string): string | undefined {
  const value = field(raw, name)
  if (isBlank(value)) return undefined
  const given = typeof value === 'string' ? text(value) : undefined
  // A lost value must not count as none: test data would go to the real collector.
  if (given === undefined) throw wrong(name, 'a text, and no word for nothing such as `null`')
  return given
}

/** A list; Segment does not document how it arrives, so one text with commas will do as well. */
function listSetting(raw: unknown, name: string): string[] {
  const value = field(raw, name)
  if (isBlank(value)) return []
  const items: unknown[] = typeof value === 'string' ? value.split(',') : (value as unknown[])
  if (!Array.isArray(items) || !items.every((item) => typeof item === 'string')) {
    throw wrong(name, 'a list of texts')
  }
  if (typeof value === 'string' && /^\s*\[\s*"/.test(value)) {
    throw wrong(name, 'a list of texts, or one text with commas and no JSON')
  }
  if (items.some((item) => lostId(item) !== undefined)) {
    throw wrong(name, 'a list of texts, and no word for nothing such as `null`')
  }
  return [...new Set(items.map((item) => item.trim()).filter((item) => item !== ''))]
}

function mapSetting(raw: unknown, name: string): Map<string, string> {
  const value = field(raw, name)
  if (isBlank(value)) return new Map()
  if (typeof value !== 'object' || Array.isArray(value)) throw wrong(name, 'a map of texts')
  return new Map(
    Object.entries(value as object).map(([key, item]: [string, unknown]) => {
      if (!isBlank(item) && typeof item !== 'string') throw wrong(name, 'a map of texts')
      return [tidy(key), isBlank(item) ? '' : (item as string)]
    }),
  )
}

function pathsSetting(raw: unknown): Route[] {
  return listSetting(raw, 'paths').map((pattern, index) => {
    const route = parseRoute(pattern)
    if (route === undefined) {
      throw wrong('paths', `a list of route patterns; number ${index + 1} of it is none`)
    }
    return route
  })
}

function endpointSetting(raw: unknown): string {
  const endpoint = textSetting(raw, 'endpoint') ?? 'https://collect.skalin.io/hit'
  try {
    const { protocol, username, password, href } = new URL(endpoint)
    // As it is understood here: node-fetch cannot read all that `URL` can.
    if (/^https?:$/.test(protocol) && username + password === '') return href
  } catch {
    // No URL at all.
  }
  throw wrong('endpoint', 'an absolute http(s) URL without credentials')
}

/**
 * Checks the settings of one invocation; a bad one is a `ValidationError` that names it. Each has to
 * be created in Segment, with exactly this name and type:
 *
 * - `clientId`, `STRING`, required
 * - `endpoint`, `STRING`
 * - `customerId`, `STRING`
 * - `featureNames`, `TEXT_MAP`
 * - `paths`, `ARRAY`
 * - `traits`, `ARRAY`
 * - `includeBrowser`, `BOOLEAN`
 */
export function resolveSettings(raw: unknown): FunctionSettings {
  const clientId = textSetting(raw, 'clientId')
  if (clientId === undefined) throw wrong('clientId', 'your Skalin Client ID')
  const includeBrowser = field(raw, 'includeBrowser')
  if (!isBlank(includeBrowser) && typeof includeBrowser !== 'boolean') {
    throw wrong('includeBrowser', 'true or false')
  }
  const names = mapSetting(raw, 'featureNames')
  return {
    mapping: {
      clientId,
      customerId: textSetting(raw, 'customerId'),
      featureName: (_event, name) => names.get(name),
      paths: pathsSetting(raw),
      traits: listSetting(raw, 'traits')
        .filter((name) => name !== 'id' && name !== 'email')
        .sort(),
      url: undefined,
    },
    endpoint: endpointSetting(raw),
    includeBrowser: includeBrowser === true,
  }
}
