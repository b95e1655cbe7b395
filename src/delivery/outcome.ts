/**
 * Why a hit waits.
 *
 * - `offline`: the browser has no network, or Global Privacy Control is respected and on.
 * - `network`: the request failed, and the page is not told why.
 * - `timeout`: no complete answer in 10 seconds.
 * - `status`: the collector answered with a `status` that is no acceptance.
 * - `rate-limited`: the collector asked for silence.
 * - `blocked`: the circuit breaker is open: nothing gets through, so few tries are made.
 * - `anonymous`: it is held until its visitor is known.
 * - `busy`: enough requests are on their way.
 */
export type WaitReason =
  'offline' | 'network' | 'timeout' | 'status' | 'rate-limited' | 'blocked' | 'anonymous' | 'busy'

/**
 * Why a hit is gone for good.
 *
 * - `refused`: the collector will not have it, with 400, 413 or 422.
 * - `too-old`: it waited for 7 days.
 * - `evicted`: more than 5,000 hits or 5 MB waited, or more than 100 of unknown visitors.
 * - `too-large`: more than 16 KiB.
 * - `anonymous`: it was held, and `reset()` came before `identify`.
 * - `consent`: consent was withdrawn, or `clear()` called.
 */
export type DropReason = 'refused' | 'too-old' | 'evicted' | 'too-large' | 'anonymous' | 'consent'

/** How a request is made: readable for the page, or not. */
export type Mode = 'cors' | 'no-cors'

/** What came of one request. */
export type Outcome =
  | { kind: 'answer'; status: number; retryAfterMs?: number | undefined }
  /** A redirect, which is not followed: it would turn the POST into a GET. */
  | { kind: 'redirect' }
  /** A `no-cors` request got some answer that the page may not read. */
  | { kind: 'opaque' }
  /** Refused, reset, blocked, no name, no CORS headers, or somebody else's answer. */
  | { kind: 'network' }
  | { kind: 'timeout' }

/** The collector has the hit. */
export const isAcceptance = (status: number): boolean => status >= 200 && status < 300

/** What becomes of the hit. */
export type Ending = {
  outcome: 'accepted' | 'dropped' | 'waiting'
  reason?: 'unconfirmed' | 'refused' | WaitReason
  status?: number | undefined
  /** When a waiting hit may be tried again; absent: as soon as the endpoint can be. */
  due?: number
  reachedAt?: number
}
