import {
  type EndpointState,
  hour,
  inForce,
  isBreakerOpen,
  jittered,
  minute,
  second,
} from './endpoint.ts'

/**
 * Why a hit waits.
 *
 * - `offline`: the browser has no network, or Global Privacy Control is respected and on.
 * - `network`: the request failed, and the page is not told why.
 * - `timeout`: no complete answer in 10 seconds.
 * - `status`: the collector answered with a `status` that is no acceptance.
 * - `rate-limited`: the collector asked for silence.
 * - `blocked`: nothing has got through for three tries; few are made.
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

/** What came of one request. */
export type Outcome =
  | { kind: 'answer'; status: number; retryAfterMs?: number | undefined }
  /** A redirect, which is not followed: it would turn the POST into a GET. */
  | { kind: 'redirect' }
  /** A `no-cors` request got some answer that the page may not read. */
  | { kind: 'opaque' }
  /** Refused, reset, blocked, no name, no CORS headers: the page is not told which. */
  | { kind: 'network' }
  | { kind: 'timeout' }

export type Mode = 'cors' | 'no-cors'

/** A request, and the circumstances of its outcome. */
export type Attempt = {
  mode: Mode
  sentAt: number
  now: number
  online: boolean
  /** The page was already gone: what fails then says nothing about the endpoint. */
  left: boolean
  /** When this hit first reached an endpoint whose answer could not be read. */
  reachedAt: number | undefined
  /** A number in [0, 1). */
  random: number
  /** Whether the page may send `no-cors` requests at all. */
  noCors: boolean
}

/** What becomes of the hit. */
export type Ending = {
  outcome: 'accepted' | 'dropped' | 'waiting'
  reason?: 'unconfirmed' | 'refused' | WaitReason
  status?: number
  /** When a waiting hit may be tried again; absent: as soon as the endpoint can be. */
  due?: number
  reachedAt?: number
}

/** `again`: the same hit once more, at once, `no-cors`. */
export type Verdict = Ending | { outcome: 'again' }

export type Judgement = { state: EndpointState; verdict: Verdict }

/**
 * Requests that were in flight together fail together: that is one failure, not several. A step
 * that lies ahead was taken by a clock that was set back since.
 */
function isSameFailure(state: EndpointState, { sentAt, now }: Attempt): boolean {
  return state.step > 0 && sentAt < state.steppedAt && state.steppedAt <= now
}

function backedOff(
  state: EndpointState,
  attempt: Attempt,
  cause: WaitReason,
  capMs: number,
): EndpointState {
  if (isSameFailure(state, attempt)) return { ...state, cause }
  const delay = jittered(Math.min(capMs, second * 2 ** state.step), attempt.random)
  return {
    ...state,
    cause,
    step: state.step + 1,
    steppedAt: attempt.now,
    retryAt: attempt.now + delay,
  }
}

function calm(state: EndpointState): EndpointState {
  return { ...state, step: 0, retryAt: 0 }
}

function answered(state: EndpointState, attempt: Attempt, status: number | undefined): Judgement {
  const readable: EndpointState = { ...state, sight: 'readable', networkErrors: 0 }
  if (status !== undefined) {
    if (status >= 200 && status < 300) {
      return {
        state: { ...calm(readable), rejections: 0 },
        verdict: { outcome: 'accepted', status },
      }
    }
    if ([400, 413, 422].includes(status)) {
      return { state: calm(readable), verdict: { outcome: 'dropped', reason: 'refused', status } }
    }
    if (status >= 500 || [408, 425, 429].includes(status)) {
      const reason = status === 429 ? 'rate-limited' : 'status'
      return {
        state: backedOff(readable, attempt, reason, 5 * minute),
        verdict: { outcome: 'waiting', reason, status },
      }
    }
  }
  // The endpoint is there but not for us (yet): a wrong address, a login page, a proxy half set up.
  const rejections = state.rejections + 1
  const delay = Math.min(
    hour,
    Math.max(5 * minute, jittered(5 * minute * 2 ** (rejections - 1), attempt.random)),
  )
  const due = attempt.now + delay
  const slowed: EndpointState = { ...calm(readable), rejections, cause: 'status' }
  return {
    state: rejections < 3 ? slowed : { ...slowed, retryAt: due },
    verdict: {
      outcome: 'waiting',
      reason: 'status',
      due,
      ...(status === undefined ? {} : { status }),
    },
  }
}

function unreachable(state: EndpointState, attempt: Attempt): Judgement {
  if (!attempt.online) return { state, verdict: { outcome: 'waiting', reason: 'offline' } }
  if (attempt.mode === 'cors' && attempt.noCors) {
    const unseen = state.sight === 'unknown' && !isBreakerOpen(state)
    if (unseen || state.sight === 'opaque') return { state, verdict: { outcome: 'again' } }
  }
  const networkErrors = state.networkErrors + (isSameFailure(state, attempt) ? 0 : 1)
  const counted = { ...state, networkErrors }
  const open = isBreakerOpen(counted)
  const reason = open ? 'blocked' : 'network'
  return {
    state: backedOff(counted, attempt, reason, (open ? 30 : 5) * minute),
    verdict: { outcome: 'waiting', reason },
  }
}

/**
 * Something answered a `no-cors` request. Whether it was the collector or, for a while, a proxy's
 * error page cannot be seen: only a hit that gets there again an hour later counts as accepted.
 */
function reached(state: EndpointState, attempt: Attempt): Judgement {
  const { now } = attempt
  // No later than now: the clock may have been set back.
  const reachedAt = Math.min(attempt.reachedAt ?? now, now)
  const there: EndpointState = { ...calm(state), networkErrors: 0 }
  if (state.sight === 'opaque') {
    return { state: there, verdict: { outcome: 'accepted', reason: 'unconfirmed' } }
  }
  if (state.sight === 'unknown' && now - reachedAt >= hour) {
    return {
      state: { ...there, sight: 'opaque', probedAt: now },
      verdict: { outcome: 'accepted', reason: 'unconfirmed' },
    }
  }
  return {
    state: there,
    verdict: { outcome: 'waiting', reason: 'network', due: now + hour, reachedAt },
  }
}

/** What an outcome means for the hit, and for all that go to the same endpoint. */
export function judge(state: EndpointState, outcome: Outcome, attempt: Attempt): Judgement {
  if (attempt.left && (outcome.kind === 'network' || outcome.kind === 'timeout')) {
    return { state, verdict: { outcome: 'waiting', reason: outcome.kind } }
  }
  switch (outcome.kind) {
    case 'answer': {
      const judged = answered(state, attempt, outcome.status)
      if (outcome.retryAfterMs === undefined || judged.verdict.outcome !== 'waiting') return judged
      const asked = attempt.now + Math.min(hour, outcome.retryAfterMs)
      const floor = inForce(state.floor, attempt.now) ? Math.max(state.floor, asked) : asked
      return { ...judged, state: { ...judged.state, floor } }
    }
    case 'redirect':
      return answered(state, attempt, undefined)
    case 'opaque':
      return reached(state, attempt)
    case 'network':
      return unreachable(state, attempt)
    case 'timeout':
      return {
        state: backedOff(state, attempt, 'timeout', 5 * minute),
        verdict: { outcome: 'waiting', reason: 'timeout' },
      }
  }
}
