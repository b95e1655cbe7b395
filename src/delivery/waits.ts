import { elapsed, now } from '../browser/clock.ts'
import { type EndpointState } from './endpoint.ts'
import { second } from './limits.ts'

/**
 * Looks at waits by the page's own time as well: by a clock that was set back in the middle of one, it
 * would be longer than was decided.
 */
export function createWaits(): (state: EndpointState) => EndpointState {
  const seen = { limitedUntil: { until: 0, at: 0 }, retryAt: { until: 0, at: 0 } }

  function latest(name: keyof typeof seen, from: number, until: number): number {
    if (until === 0) return until
    if (seen[name].until !== until) seen[name] = { until, at: elapsed() }
    const over = now() + until - from - (elapsed() - seen[name].at)
    // Two clocks are never quite the same.
    return over < until - second ? over : until
  }

  return (state) => {
    const limitedUntil = latest('limitedUntil', state.limitedFrom, state.limitedUntil)
    const retryAt = latest('retryAt', state.retryFrom, state.retryAt)
    const isAsDecided = limitedUntil === state.limitedUntil && retryAt === state.retryAt
    return isAsDecided ? state : { ...state, limitedUntil, retryAt }
  }
}
