import { elapsed, now } from '../browser/clock.ts'
import { type EndpointState, initialState, isLimited } from './endpoint.ts'
import { second } from './limits.ts'

/**
 * Looks at waits by the page's own time as well: by a clock that was set back in the middle of one, it
 * would be longer than was decided.
 */
export function createWaits(): (state: EndpointState) => EndpointState {
  let asked = initialState
  const seen = { limitedUntil: { until: 0, at: 0 }, retryAt: { until: 0, at: 0 } }

  function latest(name: keyof typeof seen, from: number, until: number): number {
    if (until === 0) return until
    if (seen[name].until !== until) seen[name] = { until, at: elapsed() }
    const over = now() + until - from - (elapsed() - seen[name].at)
    // Two clocks are never quite the same.
    return over < until - second ? over : until
  }

  return (stored) => {
    // Pages clear their storage, at a logout, say: the collector asked for silence all the same.
    const isCleared = stored.limitedUntil < asked.limitedUntil && isLimited(asked, now())
    if (!isCleared) asked = stored
    const { limitedFrom } = asked
    const limitedUntil = latest('limitedUntil', limitedFrom, asked.limitedUntil)
    const retryAt = latest('retryAt', stored.retryFrom, stored.retryAt)
    const isAsStored = limitedUntil === stored.limitedUntil && retryAt === stored.retryAt
    return isAsStored ? stored : { ...stored, limitedFrom, limitedUntil, retryAt }
  }
}
