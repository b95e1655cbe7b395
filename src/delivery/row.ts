import type { Hit } from '../hit/hit.ts'
import { clockSkewMs, leaseMs, timeoutMs } from './limits.ts'

/** A hit in the outbox, and what is known of its way. Times are epoch milliseconds. */
export type Row = {
  /** The hit's `event_id`. */
  id: string
  hit: Hit
  endpoint: string
  /** When the call was made. */
  at: number
  /**
   * When it may be tried: ahead while a page has it on lease or the collector wants it later, `at`
   * when it just waits, {@link held} while its visitor is unknown.
   */
  due: number
  /** How often it has been sent. */
  attempts: number
  /** When `due` was decided, if not `at`: a clock that is behind was set back, and `due` means nothing. */
  from?: number | undefined
  /** The page that has it on lease. */
  owner?: string | undefined
  /** The {@link Client} era in which it was made. */
  era?: string | undefined
  /** When it first reached an endpoint whose answers cannot be read. */
  reachedAt?: number | undefined
}

/** Each row once, as it is in the list last. */
export const unique = (rows: readonly Row[]): Row[] => [
  ...new Map(rows.map((row) => [row.id, row])).values(),
]

/** The `due` of a hit that waits to learn whose it is. */
export const held: number = Infinity

/**
 * Whether a row's time has come. A `due` ahead counts only as long as it was meant to; its fraction of a
 * millisecond is no time, but the order of calls of that millisecond.
 */
export function isDue({ at, due, from = at }: Row, now: number): boolean {
  return Math.floor(due) <= now || (due !== held && from > now + clockSkewMs)
}

/** A row as a page's own, for as long as a lease lasts. */
export function leased(row: Row, page: string, from: number): Row {
  return { ...row, due: from + leaseMs, from, owner: page }
}

/** The collector wants it later: it holds up nobody. Others that are not due may still be on their way. */
export function isDeferred({ owner, due, from = due }: Row): boolean {
  return owner === undefined && due - from > leaseMs
}

/** When a page that has left sent what, and heard of no answer. */
export type Sent = ReadonlyMap<string, number>

/**
 * A row that a page which has left had on lease, or that waits by a clock that was set back since: it
 * can go at once. What was sent and not heard of goes once more when its lease is over; an identity,
 * which holds up others of the same person, when it cannot arrive any more.
 */
export function freed({ owner, from = 0, ...rest }: Row, now: number, sentAt?: number): Row {
  const isIdentity = rest.hit.action === 'ui'
  if (sentAt !== undefined) {
    return { ...rest, due: sentAt + (isIdentity ? timeoutMs : leaseMs), from: sentAt }
  }
  const arrivesBy = from + timeoutMs
  const mayArrive = owner !== undefined && isIdentity && from <= now + clockSkewMs
  if (mayArrive && now < arrivesBy) return { ...rest, due: arrivesBy, from }
  return { ...rest, due: Math.min(rest.at, now) }
}

/**
 * When a page that has since left sent this row; `undefined` if another page has leased it later, or
 * if that time lies ahead, because the clock was set back.
 */
export function sentBefore(row: Row, sent: Sent, now: number): number | undefined {
  const at = sent.get(row.id)
  return at !== undefined && at <= now + clockSkewMs && (row.from ?? 0) <= at ? at : undefined
}

/** A row that such a page sent a moment ago, as it waits to go once more; `undefined` if it need not. */
export function unanswered(row: Row, sent: Sent, now: number): Row | undefined {
  const sentAt = sentBefore(row, sent, now)
  const waiting = sentAt === undefined ? undefined : freed(row, now, sentAt)
  return waiting && !isDue(waiting, now) ? waiting : undefined
}
