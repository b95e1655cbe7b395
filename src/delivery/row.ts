import type { Hit } from '../hit/hit.ts'

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
  from?: number
  /** The page that has it on lease. */
  owner?: string
  /** The {@link Client} era in which it was made. */
  era?: string | undefined
  /** When it first reached an endpoint whose answers cannot be read. */
  reachedAt?: number
}

/** The `due` of a hit that waits to learn whose it is. */
export const held: number = Infinity

/** Whether a row's time has come. A `due` ahead counts only as long as it was meant to. */
export function isDue({ at, due, from = at }: Row, now: number): boolean {
  return due <= now || (due !== held && from > now)
}
