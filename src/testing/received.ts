import type { IncomingHttpHeaders } from 'node:http'
import type { HitFields } from './protocol.ts'

/** One request to `/hit`, whatever became of it; written down before it is answered. */
export type ReceivedRequest = {
  /** When it had arrived completely, in epoch milliseconds. */
  readonly at: number
  readonly method: string
  /** The request target: path and query. */
  readonly url: string
  readonly headers: Readonly<IncomingHttpHeaders>
  /** The body as it came, at most 64 KiB of it. */
  readonly body: string
  /** The body's decoded fields; of one that came twice, the last. */
  readonly hit: HitFields
  /** Why it is no valid hit, a sentence each. */
  readonly problems: readonly string[]
  /** The status it was answered with, even if nobody stayed to read it; 0 when there was none. */
  readonly status: number
  /** Whether the collector took the hit: a valid one, with a complete 2xx. */
  readonly accepted: boolean
}

/** A hit that the collector took. */
export type ReceivedHit = ReceivedRequest & { readonly accepted: true }
