import { clockSkewMs, hour, timeoutMs } from './limits.ts'
import type { Mode, WaitReason } from './outcome.ts'

/**
 * What is known of an endpoint, by all tabs and after a reload. Times are epoch milliseconds. Each
 * wait has a beginning too: by a clock that is not between the two, it is over.
 */
export type EndpointState = {
  /** Rate limit: the collector asked for silence from then … */
  limitedFrom: number
  /** … until then, our share of the spread included. */
  limitedUntil: number
  /** Exponential backoff: no request from then … */
  retryFrom: number
  /** … until then. */
  retryAt: number
  /** How often the backoff has doubled. */
  step: number
  /** When it last did. */
  steppedAt: number
  /** Why there is a backoff. */
  cause: WaitReason
  /** Network errors in a row while online; three open the circuit breaker. */
  networkErrors: number
  /** Answers since the last accepted hit that say the endpoint is not set up for us; three open it as well. */
  rejections: number
  /** Whether this browser can read the endpoint's answers. */
  answers: 'unknown' | 'readable' | 'opaque'
  /** When an endpoint with opaque answers was last asked for a readable one. */
  probedAt: number
}

export const initialState: EndpointState = {
  limitedFrom: 0,
  limitedUntil: 0,
  retryFrom: 0,
  retryAt: 0,
  step: 0,
  steppedAt: 0,
  cause: 'network',
  networkErrors: 0,
  rejections: 0,
  answers: 'unknown',
  probedAt: 0,
}

/** No wait is decided to be longer: a stored one that is does not count. */
const maxWaitMs = 2 * hour

const isWithin = (from: number, until: number, now: number) =>
  from <= now + clockSkewMs && now < until && until - from <= maxWaitMs

export const isLimited = (state: EndpointState, now: number): boolean =>
  isWithin(state.limitedFrom, state.limitedUntil, now)

const isBackingOff = (state: EndpointState, now: number) =>
  isWithin(state.retryFrom, state.retryAt, now)

/** Few tries are made: nothing gets there, or nothing is taken there. */
export function isBreakerOpen(state: EndpointState): boolean {
  return state.networkErrors >= 3 || state.rejections >= 3
}

/** The last request failed, or the breaker is half-open: one probe is to find out how the endpoint is. */
export function isInTrouble(state: EndpointState): boolean {
  return state.step > 0 || isBreakerOpen(state)
}

/** What stands between a hit and the network now. */
export type Traffic = {
  now: number
  online: boolean
  /** Requests of this tab in flight. */
  requests: number
  /** How many there may be: see `window.ts`. */
  window: number
  /** The bytes of their bodies, and of this one's. */
  bytes: number
  /** The page is hidden or going away: this may be the last chance. */
  leaving: boolean
  /** It is going: this is. */
  left: boolean
}

/**
 * Whether a request may go out now: the reason why not, or `undefined`. Browsers allow 64 KiB of
 * keepalive bodies in flight, beacons included: https://fetch.spec.whatwg.org/#http-network-or-cache-fetch.
 * A page that is only hidden may have a draft to save, and keeps half of it.
 */
export function obstacle(state: EndpointState, traffic: Traffic): WaitReason | undefined {
  const { now, online, requests, window, bytes, leaving, left } = traffic
  if (!online) return 'offline'
  if (isLimited(state, now)) return 'rate-limited'
  if (leaving) {
    if (isBreakerOpen(state)) return 'blocked'
    return requests >= 200 || bytes > (left ? 60 : 32) * 1024 ? 'busy' : undefined
  }
  if (isBackingOff(state, now)) return state.cause
  const limit = isInTrouble(state) ? 1 : window
  return requests >= limit || bytes > 48 * 1024 ? 'busy' : undefined
}

/** When a waiting hit can be tried, as far as the endpoint is concerned. */
export function availableFrom(state: EndpointState, now: number): number {
  const until = isLimited(state, now) ? state.limitedUntil : now
  return isBackingOff(state, now) ? Math.max(until, state.retryAt) : until
}

/**
 * From a failure to the next answer, leaving gives each hit one chance only: changing or closing tabs
 * must not send all that waits.
 */
export function chancesOnLeaving(state: EndpointState): number {
  return isInTrouble(state) ? 1 : Infinity
}

/**
 * The state once a request is on its way. In trouble one request is a probe: the other tabs wait for
 * what it finds.
 */
export function onSend(state: EndpointState, mode: Mode, now: number): EndpointState {
  const asks = state.answers === 'opaque' && mode === 'cors'
  const asked = asks ? { ...state, probedAt: now } : state
  if (!isInTrouble(state)) return asked
  const answeredBy = now + timeoutMs
  // On leaving, a request may go out in the middle of a backoff, which goes on all the same.
  return isBackingOff(state, now)
    ? { ...asked, retryAt: Math.max(state.retryAt, answeredBy) }
    : { ...asked, retryFrom: now, retryAt: answeredBy }
}

/**
 * The page with the probe goes and will not hear of it: nobody needs to wait for it any more, only
 * for what is left of the backoff `before` it.
 */
export function onProbeLost(
  state: EndpointState,
  before: EndpointState,
  sent: EndpointState,
): EndpointState {
  if (state.retryAt !== sent.retryAt) return state
  return { ...state, retryFrom: before.retryFrom, retryAt: before.retryAt }
}

/**
 * How to send: `no-cors` where answers cannot be read anyway, but for one readable try an hour, if
 * anything gets there at all.
 */
export function modeFor(state: EndpointState, now: number): Mode {
  const since = now - state.probedAt
  const probed = isBreakerOpen(state) || (since >= 0 && since < hour)
  return state.answers === 'opaque' && probed ? 'no-cors' : 'cors'
}

/** Back on the network, or somebody asks: try afresh. A rate limit stays. */
export function afresh(state: EndpointState): EndpointState {
  return { ...state, step: 0, retryAt: 0, networkErrors: 0 }
}

/** Reads a stored state; a field that is missing, or of another kind, is as at the beginning. */
export function parseEndpointState(json: unknown): EndpointState {
  const stored = json as Partial<Record<string, unknown>>
  const state: Record<string, unknown> = { ...initialState }
  for (const name of Object.keys(state)) {
    if (typeof stored[name] === typeof state[name]) state[name] = stored[name]
  }
  return state as EndpointState
}
