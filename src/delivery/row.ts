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
   * When it may be tried: ahead while a tab sends it or the collector wants it later, `at` when it
   * just waits, {@link held} while its visitor is unknown.
   */
  due: number
  /** How often it has been sent. */
  attempts: number
  /** When it first reached an endpoint whose answers cannot be read. */
  reachedAt?: number
}

/** The `due` of a hit that waits to learn whose it is. */
export const held: number = Infinity
