import type { SegmentEvent } from '../hit/event.ts'
import { field } from '../hit/read.ts'

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
  const stamp = field(field(event.context, 'consent'), 'categoryPreferences')
  const answers = categories.map((category) => field(stamp, category))
  if (answers.every((answer) => answer === true)) return 'given'
  return answers.includes(false) ? 'withdrawn' : 'missing'
}
