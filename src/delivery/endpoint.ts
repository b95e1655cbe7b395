import type { Mode, WaitReason } from './policy.ts'

/** What is known of an endpoint, by all tabs and after a reload. Times are epoch milliseconds. */
export type EndpointState = {
  /** The collector asked for silence until then (`Retry-After`). */
  floor: number
  /** Our own backoff lasts until then. */
  retryAt: number
  /** How often the backoff has doubled. */
  step: number
  /** When it last did. */
  steppedAt: number
  /** Why there is a backoff. */
  cause: WaitReason
  /** Network errors in a row while online; three open the breaker. */
  networkErrors: number
  /** Answers since the last accepted hit that say the endpoint is not set up for us; three close the road as well. */
  rejections: number
  /** Whether this browser can read the endpoint's answers. */
  sight: 'unknown' | 'readable' | 'opaque'
  /** When an opaque endpoint was last asked for a readable answer. */
  probedAt: number
}

export const untried: EndpointState = {
  floor: 0,
  retryAt: 0,
  step: 0,
  steppedAt: 0,
  cause: 'network',
  networkErrors: 0,
  rejections: 0,
  sight: 'unknown',
  probedAt: 0,
}

export const second: number = 1000
export const minute: number = 60 * second
export const hour: number = 60 * minute

/** Hits older than this are dropped: Skalin's health scores look at recent usage. */
export const maxAgeMs: number = 7 * 24 * hour
/** How long a row belongs to the tab that sends it. It is longer than a request may take. */
export const leaseMs: number = 20 * second
/** How long a request may take, its answer's body included. */
export const timeoutMs: number = 10 * second

/** Whether `until` is still ahead; further ahead than we ever wait, it means the clock was set back. */
export function inForce(until: number, now: number): boolean {
  return until > now && until <= now + hour
}

/** No jitter goes below three quarters: three tries an hour are the most for a blocked endpoint. */
export function jittered(delayMs: number, random: number): number {
  return Math.round(delayMs * (0.75 + 0.25 * random))
}

/** Few tries are made: nothing gets there, or nothing is taken there. */
export function isBreakerOpen(state: EndpointState): boolean {
  return state.networkErrors >= 3 || state.rejections >= 3
}

/** What stands between a hit and the network now. */
export type Traffic = {
  now: number
  online: boolean
  /** Requests of this tab in flight. */
  requests: number
  /** The bytes of their bodies, and of this one's. */
  bytes: number
  /** The page is hidden or going away: this may be the last chance. */
  leaving: boolean
}

/**
 * Whether a request may go out now: the reason why not, or `undefined`. Two in flight leave the
 * page enough connections to the same host, and browsers allow 64 KiB of keepalive bodies at once.
 */
export function obstacle(state: EndpointState, traffic: Traffic): WaitReason | undefined {
  const { now, online, requests, bytes, leaving } = traffic
  if (!online) return 'offline'
  if (inForce(state.floor, now)) return 'rate-limited'
  if (leaving) {
    if (isBreakerOpen(state)) return 'blocked'
    return requests >= 200 || bytes > 60 * 1024 ? 'busy' : undefined
  }
  if (inForce(state.retryAt, now)) return state.cause
  const limit = state.step > 0 || isBreakerOpen(state) ? 1 : 2
  return requests >= limit || bytes > 48 * 1024 ? 'busy' : undefined
}

/** When a waiting hit can be tried, as far as the endpoint is concerned. */
export function freeFrom(state: EndpointState, now: number): number {
  return Math.max(now, ...[state.floor, state.retryAt].filter((until) => inForce(until, now)))
}

/**
 * The state once a request is on its way. In a backoff one request is a probe: the other tabs wait
 * for what it finds.
 */
export function departed(state: EndpointState, mode: Mode, now: number): EndpointState {
  const probed = state.sight === 'opaque' && mode === 'cors' ? { ...state, probedAt: now } : state
  if (state.step === 0 && !isBreakerOpen(state)) return probed
  const answeredBy = now + timeoutMs
  // On leaving, a request may go out in the middle of a backoff, which goes on all the same.
  const retryAt = inForce(state.retryAt, now) ? Math.max(state.retryAt, answeredBy) : answeredBy
  return { ...probed, retryAt }
}

/**
 * How to send: `no-cors` where answers cannot be read anyway, but for one readable try an hour, if
 * anything gets there at all.
 */
export function modeFor(state: EndpointState, now: number): Mode {
  const probed = isBreakerOpen(state) || Math.abs(now - state.probedAt) < hour
  return state.sight === 'opaque' && probed ? 'no-cors' : 'cors'
}

/** Back on the network, or somebody asks: try afresh. A floor stays. */
export function encouraged(state: EndpointState): EndpointState {
  return { ...state, step: 0, retryAt: 0, networkErrors: 0 }
}

/** No hit waits for longer: a later `due` is of a clock that was set back since. */
export function latestDue(state: EndpointState, now: number): number {
  return (inForce(state.floor, now) ? state.floor : now) + hour
}

export function isDue(due: number, state: EndpointState, now: number): boolean {
  return due <= now || (due !== Infinity && due > latestDue(state, now))
}

/** Reads a stored state; a field that is missing, or of another kind, is as if the endpoint were untried. */
export function parseEndpointState(json: unknown): EndpointState {
  const stored = json as Partial<Record<string, unknown>>
  const fields = Object.entries(untried).map(([name, initial]) => {
    const value = stored[name]
    return [name, typeof value === typeof initial ? value : initial] as const
  })
  return Object.fromEntries(fields) as unknown as EndpointState
}
