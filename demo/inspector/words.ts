// Pure: what the inspector says of a row.
import type { SegmentEvent } from './messages.ts'
import type { Row, Way } from './row.ts'
import { type Kind, type Status, isOff } from './status.ts'
import { jsonFields } from './who.ts'

export const kindLabels: Record<Kind, string> = {
  sending: 'Sending',
  waiting: 'Waiting',
  accepted: 'Accepted',
  dropped: 'Dropped',
  skipped: 'Skipped',
}

const waitReasons: Record<string, string> = {
  offline: 'the browser is offline',
  network: 'no answer came: network error',
  timeout: 'no answer within 10 s',
  'rate-limited': 'asked to slow down',
  blocked: 'requests are blocked',
  anonymous: 'held until the visitor is known',
  busy: 'waits its turn',
}

const endReasons: Record<string, string> = {
  unconfirmed: 'unconfirmed: no answer can be read',
  refused: 'refused',
  'too-old': 'older than 7 days',
  evicted: 'too many waited: the oldest go first',
  'too-large': 'larger than 16 KiB',
  'no-name': 'the feature has no name',
  'no-identity': 'nobody knows who this is',
  'no-group': 'the group has no id',
  unsupported: 'Skalin knows no such call',
  'feature-name': 'renamed to nothing',
  gpc: 'Global Privacy Control is on',
  middleware: 'stopped by a middleware',
  duplicate: 'this message was already taken',
}

function endReason(outcome: string, reason: string | undefined): string {
  if (reason === undefined) return ''
  if (reason === 'consent') {
    return outcome === 'skipped' ? 'no consent' : 'consent withdrawn, or clear() called'
  }
  if (reason === 'anonymous') {
    return outcome === 'skipped' ? 'unknown visitor' : 'reset before the visitor was known'
  }
  return endReasons[reason] ?? reason
}

const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })
/** Anybody may have named a time that no clock has. */
export const clockTime = (at: number): string =>
  Number.isNaN(new Date(at).getTime()) ? '–' : clock.format(at)

const seconds = (ms: number) => {
  const count = Math.ceil(ms / 1000)
  return count < 100 ? `${count} s` : `${Math.ceil(count / 60)} min`
}

function waitReason({ reason, status, attempts }: Way['reports'][number]): string {
  if (reason !== 'status') return waitReasons[reason ?? ''] ?? reason ?? ''
  if (status !== undefined) return `answered ${status}`
  // Not tried itself: others that went before it were turned away.
  return attempts ? 'answered with a redirect' : 'collector fails'
}

function waitingNote(way: Way, now: number, roadOpensAt: number): string {
  const { told } = way
  if (!told) {
    const last = way.arrivals.at(-1)
    return last?.status ? `answered ${last.status}` : 'no answer was given'
  }
  const reason = waitReason(told)
  if (told.reason === 'anonymous') return reason
  const at = Math.max(told.nextTryAt ?? 0, roadOpensAt)
  return at > now ? `${reason}, next try in ${seconds(at - now)}` : reason
}

/** That a hit came, and was taken, more than once. */
const takenNote = ({ taken }: Way) =>
  taken > 1 ? `duplicate: taken ${taken} times, the last one counts` : ''

/** What the collector said of a request that it did not take. */
function refusal(way: Way): string {
  const { status = 0, problems = [] } = way.arrivals.at(-1) ?? {}
  return problems[0] ?? (status ? `answered ${status}` : '')
}

/** Why a row is where it is, in a few words. */
export function noteOf(row: Row, { kind, way }: Status, now: number, roadOpensAt: number): string {
  const told = way ? way.told : row.ended
  const attempts = told?.attempts ?? 0
  if (kind === 'sending') {
    if (!way) return now - row.at > 15_000 ? 'no word from the plugin' : ''
    return `attempt ${attempts + 1}`
  }
  if (kind === 'waiting') return way ? waitingNote(way, now, roadOpensAt) : ''
  if (kind === 'dropped' && way && !told) return refusal(way)
  if (kind === 'skipped' && !told) {
    return row.call && isOff(row.call)
      ? 'the plugin is off: `enabled` is false'
      : 'kept from Skalin by `integrations`'
  }
  const reason = endReason(kind, told?.reason)
  const status = told?.reason === 'refused' && told.status ? ` with ${told.status}` : ''
  const words = told?.reason === 'refused' && way?.arrivals.length ? refusal(way) : ''
  const tries = kind === 'accepted' && attempts > 1 ? `after ${attempts} attempts` : ''
  const twice = way ? takenNote(way) : ''
  return [[reason + status, words].filter(Boolean).join(': '), tries, twice]
    .filter(Boolean)
    .join(', ')
}

const textOf = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)

/** Where a call without a name was made. */
function pathOf({ context }: SegmentEvent): string {
  const { page } = (context ?? {}) as { page?: { path?: unknown } }
  return textOf(page?.path) ?? ''
}

function nameOf(event: SegmentEvent): string {
  const { type, userId, groupId, category, name } = event
  switch (type) {
    case 'track':
      return textOf(event['event']) ?? ''
    case 'identify':
      return textOf(userId) ?? 'unknown visitor'
    case 'group':
      return textOf(groupId) ?? ''
    default:
      return [category, name].map(textOf).filter(Boolean).join(' ') || pathOf(event)
  }
}

function subjectOf({ hit, arrivals }: Way): string {
  const { action, event, identity } = hit
  const { name, id, email } = jsonFields(action === 'ev' ? event : identity)
  const { method = '', url = '' } = arrivals[0] ?? {}
  return textOf(name) ?? textOf(id) ?? textOf(email) ?? (action ? '' : `${method} ${url}`)
}

/** What was called, as the row's title: `track`, `Report exported`. */
export function titleOf(row: Row): { method: string; name: string } {
  const main = row.ways.at(-1)
  const event = row.call?.event
  const ofHit = main ? subjectOf(main) : ''
  return {
    method: event?.type ?? main?.hit['action'] ?? (main ? 'request' : 'call'),
    // A page without a name has one in its hit: the template of its path.
    name: (event && nameOf(event)) || ofHit || row.id,
  }
}

export type Step = { at: number; text: string; detail?: string }

function reportStep(report: Way['reports'][number]): Step {
  const { at, outcome, reason, attempts, nextTryAt } = report
  const why = outcome === 'waiting' ? waitReason(report) : endReason(outcome, reason)
  const parts = [why, attempts && attempts > 1 ? `attempt ${attempts}` : '']
  if (nextTryAt !== undefined && nextTryAt > at) parts.push(`next try at ${clockTime(nextTryAt)}`)
  return { at, text: kindLabels[outcome], detail: parts.filter(Boolean).join(', ') }
}

function arrivalStep({ at, status, accepted, problems }: Way['arrivals'][number]): Step {
  const answer = accepted ? `takes it: ${status}` : status ? `answers ${status}` : 'does not answer'
  return { at, text: 'Collector', detail: [answer, ...problems].join(' ') }
}

/** The way of a hit, oldest step first. */
export function stepsOf(way: Way, row: Row): Step[] {
  const made = row.call
    ? [{ at: row.at, text: 'Called', detail: `${row.call.event.type ?? ''}()` }]
    : []
  return [...made, ...way.arrivals.map(arrivalStep), ...way.reports.map(reportStep)].sort(
    (a, b) => a.at - b.at,
  )
}
