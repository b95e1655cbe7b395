import { URL, URLSearchParams } from 'node:url'
import { short } from './printable.ts'
import { check, isBlank, isId, mustBe, optional, required, type Rule } from './rules.ts'

/**
 * A hit as it came: the decoded fields of the form, in Skalin's own names. Which there are depends on
 * its action: a `ui` has no `event`.
 */
export type HitFields = Readonly<Partial<Record<string, string>>>

/** Who sends hits: browsers, or servers, which may say whose address a hit is from. */
export type Sender = 'browser' | 'server'

/** What of an HTTP request decides whether it can carry a hit. */
export type HitRequest = {
  method: string
  /** What follows the `?` of the target; empty without one. */
  query: string
  contentType: string | undefined
  body: string
  sender?: Sender
}

type Rules = Readonly<Record<string, Rule<string>>>

const MAX_BODY_BYTES = 16 * 1024
const FORM = 'application/x-www-form-urlencoded'

const hasLength = (text: string, least: number, most: number): boolean => {
  // Code points, so that an emoji counts as one character here as in the plugin.
  const { length } = Array.from(text)
  return length >= least && length <= most
}

/** The fields of a JSON object; any other text has none that a rule asks for. */
const jsonFields = (text: string): Record<string, unknown> => {
  try {
    return { ...(JSON.parse(text) as object) }
  } catch {
    return {}
  }
}

// The round trip refuses what `Date` would roll over, such as 30 February or 24:00:00; the length,
// its years of six digits.
const isDateTime = (value: string): boolean => {
  const date = new Date(`${value}Z`)
  const isReal = !Number.isNaN(date.getTime()) && date.toISOString() === `${value}.000Z`
  return isReal && value.length === 'YYYY-MM-DDTHH:MM:SS'.length
}

/** Whether a form is text at all: what is not, `URLSearchParams` would repair. */
const isUtf8 = (body: string): boolean => {
  try {
    decodeURIComponent(body)
    return !body.includes('\ufffd')
  } catch {
    return false
  }
}

const isFeature = (text: string): boolean => {
  const { name, event_name, ...others } = jsonFields(text)
  return (
    typeof name === 'string' &&
    hasLength(name, 1, 255) &&
    !isBlank(name) &&
    event_name === 'feature' &&
    Object.keys(others).length === 0
  )
}

const isProperty = (value: unknown): boolean =>
  value === null || ['string', 'boolean'].includes(typeof value) || Number.isFinite(value)

const isIdentity = (text: string, isFurther: (value: unknown) => boolean): boolean => {
  const { id, email, ...further } = jsonFields(text)
  return (
    (id !== undefined || email !== undefined) &&
    (id === undefined || isId(id)) &&
    (email === undefined || (typeof email === 'string' && email.includes('@'))) &&
    Object.values(further).every(isFurther)
  )
}

const id = ['an id, not blank nor a word such as `undefined`', isId] as const
const sixteen = ['16 characters', (value: string) => hasLength(value, 16, 16)] as const
const dateTime = ['a real date and time, YYYY-MM-DDTHH:MM:SS', isDateTime] as const
const identity = 'a JSON object with an id as `id`, an address with an @ as `email`, or both'

const common: Rules = {
  rec: required('`1`', (value) => value === '1'),
  client_id: required(...id),
  action: required('`ui` or `ev`', (value) => value === 'ui' || value === 'ev'),
  event_id: required(...sixteen),
  visitor_id: required(...sixteen),
  visit_id: required(...sixteen),
  localtime: required('a real time, HH:MM:SS', (value) => isDateTime(`1970-01-01T${value}`)),
  customer_id: optional(...id),
  url: optional(
    'an absolute URL of at most 2048 characters',
    (value) => value.length <= 2048 && URL.canParse(value),
  ),
}

const rulesOf = {
  ui: {
    ...common,
    identity: required(
      `${identity}; further values may be strings, finite numbers, booleans or null`,
      (value) => isIdentity(value, isProperty),
    ),
    ts: optional(...dateTime),
  },
  ev: {
    ...common,
    identity: optional(`${identity}, and nothing else`, (value) => isIdentity(value, () => false)),
    event: required(
      'the JSON object {"name": <1 to 255 characters, not all blank>, "event_name": "feature"}',
      isFeature,
    ),
    ts: required(...dateTime),
  },
} satisfies Record<string, Rules>

const checkField = (name: string, rule: Rule<string>, values: string[]): string[] =>
  values.length > 1
    ? [`\`${name}\` must come once (received: ${values.length} times).`]
    : check(name, rule, values[0])

const checkUnknown = (name: string, action: string): string =>
  name === 'cip'
    ? '`cip` is for server-side senders only.'
    : `\`${short(name)}\` is not a field of a hit with the action \`${action}\`.`

/**
 * The reasons why these fields are no hit of this plugin, a sentence each; none for a valid hit.
 *
 * It asks for what the plugin promises, which is more than Skalin is known to insist on: a field
 * that gets lost must fail a test. https://docs.skalin.io/en/dev/tracking/1.0.0/sst/feature/
 */
export const checkHit = (fields: URLSearchParams, sender: Sender = 'browser'): string[] => {
  const action = fields.get('action')
  const isKnown = action === 'ui' || action === 'ev'
  const rules: Rules = {
    ...(isKnown ? rulesOf[action] : common),
    ...(sender === 'server' && { cip: optional('non-empty', (value) => value !== '') }),
  }
  const wrong = Object.entries(rules).flatMap(([name, rule]) =>
    checkField(name, rule, fields.getAll(name)),
  )
  // Which other fields belong to it, only the action tells.
  if (!isKnown) return wrong
  const unknown = [...new Set(fields.keys())].filter((name) => !Object.hasOwn(rules, name))
  return [...wrong, ...unknown.map((name) => checkUnknown(name, action))]
}

/** {@link checkHit} for a whole request. What keeps it from carrying a hit hides what it carries. */
export const checkRequest = ({
  method,
  query,
  contentType,
  body,
  sender,
}: HitRequest): string[] => {
  if (method === 'OPTIONS') {
    return ['A preflight came: a hit is a CORS-simple request, without headers of its own.']
  }
  const mediaType = contentType?.replace(/;.*/s, '').trim().toLowerCase()
  const bytes = Buffer.byteLength(body)
  const problems = [
    ...(method === 'POST' ? [] : [mustBe('method', 'POST', method)]),
    ...(query === '' ? [] : [mustBe('query', 'empty: the fields belong in the body', query)]),
    ...(mediaType === FORM ? [] : [mustBe('content-type', FORM, contentType)]),
    ...(isUtf8(body) ? [] : [mustBe('body', 'UTF-8, percent-encoded', body)]),
    ...(bytes <= MAX_BODY_BYTES ? [] : [mustBe('body', `at most ${MAX_BODY_BYTES} bytes`, bytes)]),
  ]
  return problems.length > 0 ? problems : checkHit(new URLSearchParams(body), sender)
}

/** The feature that an `ev` hit reports, if it names one. */
export const featureOf = (hit: HitFields): string | undefined => {
  const { name } = jsonFields(hit['event'] ?? '')
  return typeof name === 'string' ? name : undefined
}
