import type { SegmentEvent } from '../hit/event.ts'
import { field } from '../hit/read.ts'

/** What a consent tool has stamped on an event. */
const stampOf = ({ context }: SegmentEvent) =>
  field(field(context, 'consent'), 'categoryPreferences')

/**
 * What the stamp on an event says to the categories asked for. Only `true` to all of them is a yes;
 * `withdrawn` is an explicit no, not a stamp that is missing.
 *
 * @see {@link https://segment.com/docs/privacy/consent-management/ | Segment: consent management}
 */
export function consentOf(
  event: SegmentEvent,
  categories: readonly string[] | undefined,
): 'given' | 'missing' | 'withdrawn' {
  if (categories === undefined) return 'given'
  const stamp = stampOf(event)
  const answers = categories.map((category) => field(stamp, category))
  if (answers.every((answer) => answer === true)) return 'given'
  return answers.includes(false) ? 'withdrawn' : 'missing'
}

/** A category asked for that a stamp does not know, and those that it does: one is misspelt. */
export function unknownCategory(
  event: SegmentEvent,
  categories: readonly string[] = [],
): string | undefined {
  const stamp = stampOf(event)
  const known = typeof stamp === 'object' && stamp !== null ? Object.keys(stamp) : []
  const unknown = categories.find((category) => !known.includes(category))
  return known.length > 0 && unknown !== undefined
    ? `${unknown}, not in ${known.join(', ')}`
    : undefined
}

/** Asks events for consent, and tells `onWithdrawn` once when the visitor says no. */
export function createConsent(
  categories: readonly string[] | undefined,
  onWithdrawn: () => void,
): (event: SegmentEvent) => boolean {
  let isWithdrawn = false
  return (event) => {
    const consent = consentOf(event, categories)
    if (consent === 'withdrawn' && !isWithdrawn) onWithdrawn()
    // A missing stamp does not change an earlier answer.
    isWithdrawn = consent === 'withdrawn' || (isWithdrawn && consent === 'missing')
    return consent === 'given'
  }
}

/** An event as JSON; of one with a circle or a BigInt nothing, so that it counts as changed. */
export function toJson(event: object): string {
  try {
    return JSON.stringify(event)
  } catch {
    return ''
  }
}

/**
 * Whether an event is the one that was made, of which `json` is the JSON, but for its consent stamp:
 * then what stands between is a consent tool, and takes nothing out.
 */
export function isOnlyStamped(json: string, event: SegmentEvent): boolean {
  try {
    const made = JSON.parse(json) as SegmentEvent
    const arrived = JSON.parse(JSON.stringify(event)) as SegmentEvent
    const [before, after] = [made.context, arrived.context] as [object, object]
    const areSame = (one: object, other: object, but: string) =>
      Object.keys(one).every(
        (name) =>
          name === but || JSON.stringify(field(one, name)) === JSON.stringify(field(other, name)),
      )
    return (
      !areSame({ consent: field(after, 'consent') }, before, '') &&
      areSame(before, after, 'consent') &&
      areSame(made, arrived, 'context') &&
      areSame(arrived, made, 'context')
    )
  } catch {
    return false
  }
}
