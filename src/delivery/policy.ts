import { type EndpointState, afresh, isBreakerOpen, isLimited } from './endpoint.ts'
import { clockSkewMs, hour, minute, second } from './limits.ts'
import { type Ending, type Mode, type Outcome, type WaitReason, isAcceptance } from './outcome.ts'

/** A request, and the circumstances of its outcome. */
export type Attempt = {
  mode: Mode
  sentAt: number
  now: number
  online: boolean
  /** The page went while the request was on its way: what failed then says nothing about the endpoint. */
  left: boolean
  /** When this hit first reached an endpoint whose answer could not be read. */
  reachedAt: number | undefined
  /** A number in [0, 1). */
  random: number
  /** Whether the page may send `no-cors` requests at all. */
  noCors: boolean
}

/** `again`: the same hit once more, at once, `no-cors`. */
export type Verdict = Ending | { outcome: 'again' }

export type Decision = { state: EndpointState; verdict: Verdict }

/**
 * Jitter: all browsers that were turned away at one moment come back over a third of the delay, or
 * over five minutes of a longer one, and none later than it says. A long backoff is spread by
 * {@link spreadAfter} as well.
 *
 * @see {@link https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/}
 */
export function jittered(delayMs: number, random: number): number {
  const spread = Math.min(delayMs / 3, 5 * minute)
  return Math.round(delayMs - spread + spread * random)
}

/** How much later after a silence: at random over half of it, if it is a long one. */
export function spreadAfter(silenceMs: number, random: number): number {
  return silenceMs < 20 * second ? 0 : Math.round(Math.min(silenceMs / 2, 5 * minute) * random)
}

/**
 * Requests that were in flight together fail together: that is one failure, not several. A step
 * that lies ahead was taken by a clock that was set back since.
 */
function isSameFailure(state: EndpointState, { sentAt, now }: Attempt): boolean {
  return state.step > 0 && sentAt < state.steppedAt && state.steppedAt <= now + clockSkewMs
}

function backedOff(
  state: EndpointState,
  attempt: Attempt,
  cause: WaitReason,
  capMs: number,
): EndpointState {
  if (isSameFailure(state, attempt)) return { ...state, cause }
  const usual = Math.min(capMs, second * 2 ** state.step)
  const delay = jittered(usual, attempt.random) + spreadAfter(usual, attempt.random)
  return {
    ...state,
    cause,
    step: state.step + 1,
    steppedAt: attempt.now,
    retryFrom: attempt.now,
    retryAt: attempt.now + delay,
  }
}

function answered(state: EndpointState, attempt: Attempt, status: number | undefined): Decision {
  const readable: EndpointState = { ...state, answers: 'readable', networkErrors: 0 }
  if (status !== undefined) {
    if (isAcceptance(status)) {
      return {
        state: { ...afresh(readable), rejections: 0 },
        verdict: { outcome: 'accepted', status },
      }
    }
    if ([400, 413, 422].includes(status)) {
      return {
        state: afresh(readable),
        verdict: { outcome: 'dropped', reason: 'refused', status },
      }
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
  const delay = jittered(5 * minute * 2 ** (rejections - 1), attempt.random)
  const due = attempt.now + Math.min(hour, Math.max(5 * minute, delay))
  const deferred: EndpointState = { ...afresh(readable), rejections, cause: 'status' }
  return {
    state: rejections < 3 ? deferred : { ...deferred, retryFrom: attempt.now, retryAt: due },
    verdict: { outcome: 'waiting', reason: 'status', due, status },
  }
}

function unreachable(state: EndpointState, attempt: Attempt): Decision {
  if (!attempt.online) return { state, verdict: { outcome: 'waiting', reason: 'offline' } }
  if (attempt.mode === 'cors' && attempt.noCors) {
    // A breaker that opened before an answer was ever read must not hide for good that none can be.
    const isTried = !isBreakerOpen(state) || state.step % 4 === 3
    const isUnread = state.answers === 'unknown' && isTried
    if (isUnread || state.answers === 'opaque') return { state, verdict: { outcome: 'again' } }
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
function reached(state: EndpointState, attempt: Attempt): Decision {
  const { now } = attempt
  // No later than now: the clock may have been set back.
  const reachedAt = Math.min(attempt.reachedAt ?? now, now)
  const there = afresh(state)
  if (state.answers === 'opaque') {
    return { state: there, verdict: { outcome: 'accepted', reason: 'unconfirmed' } }
  }
  if (state.answers === 'unknown' && now - reachedAt >= hour) {
    return {
      state: { ...there, answers: 'opaque', probedAt: now },
      verdict: { outcome: 'accepted', reason: 'unconfirmed' },
    }
  }
  return {
    state: there,
    verdict: { outcome: 'waiting', reason: 'network', due: now + hour, reachedAt },
  }
}

/** What the collector asked for with `Retry-After`, if it wants the hit later. */
function limited(decided: Decision, attempt: Attempt, retryAfterMs: number): Decision {
  const { state } = decided
  const { now } = attempt
  const silence = Math.min(hour, retryAfterMs)
  const until = now + silence + spreadAfter(silence, attempt.random)
  // One that is in force already goes on, however short the next one is.
  if (isLimited(state, now) && state.limitedUntil >= until) return decided
  return { ...decided, state: { ...state, limitedFrom: now, limitedUntil: until } }
}

/** What an outcome means for the hit, and for all that go to the same endpoint. */
export function onOutcome(state: EndpointState, outcome: Outcome, attempt: Attempt): Decision {
  if (attempt.left && (outcome.kind === 'network' || outcome.kind === 'timeout')) {
    return { state, verdict: { outcome: 'waiting', reason: outcome.kind } }
  }
  switch (outcome.kind) {
    case 'answer': {
      const decided = answered(state, attempt, outcome.status)
      const { retryAfterMs } = outcome
      if (retryAfterMs === undefined || decided.verdict.outcome !== 'waiting') return decided
      return limited(decided, attempt, retryAfterMs)
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
