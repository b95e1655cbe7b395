import { forgetOldest } from './forget-oldest.ts'
import type { Moment } from '../hit/source.ts'
import { type Analytics, type SegmentContext, storedIdentity } from './host.ts'
import type { Stay } from '../visitor/visit.ts'

/** A Segment call, with what was true when it was made. */
export type Call = {
  ctx: SegmentContext
  moment: Moment
  stay: Stay
  analytics: Analytics
}

/** The calls that were made and have not reached the hook, which Segment runs later. */
export type Calls = {
  /** Listens to an instance. */
  watch: (analytics: Analytics) => void
  unwatch: (analytics: Analytics) => void
  /** The call of a context at its hook; one that was not seen being made is as of now. */
  arrive: (ctx: SegmentContext) => Call
  waiting: () => Call[]
}

/** Calls that middleware stops never arrive: the oldest are forgotten. */
const maxWaiting = 5000

/** Epoch milliseconds, and a little more for each further call of one millisecond: the order stays. */
function createClock(): () => number {
  let last = 0
  return () => {
    const now = Date.now()
    last = now > last || last - now > 1 ? now : last + 0.001
    return last
  }
}

function currentFragment(): string {
  try {
    return location.hash
  } catch {
    // Not a page.
    return ''
  }
}

export function createCalls(options: {
  first: Analytics
  stay: () => Stay
  onCall: (call: Call) => void
  onReset: (at: number) => void
}): Calls {
  const waiting = new Map<SegmentContext, Call>()
  const undo = new Map<Analytics, () => void>()
  const now = createClock()

  function observe(ctx: SegmentContext, analytics: Analytics): Call {
    const stored = storedIdentity(analytics, ctx.event)
    return { ctx, analytics, stay: options.stay(), moment: { at: now(), ...stored } }
  }

  return {
    watch(analytics) {
      if (undo.has(analytics)) return
      // A listener that throws would throw into the page's own call of track() or reset().
      const onDispatch = (ctx: SegmentContext) => {
        try {
          const call = observe(ctx, analytics)
          call.moment.fragment = currentFragment()
          waiting.set(ctx, call)
          forgetOldest(waiting, maxWaiting)
          options.onCall(call)
        } catch {
          // The hook takes the call as of then.
        }
      }
      const onReset = () => {
        try {
          options.onReset(now())
        } catch {
          // The visit goes on until it times out.
        }
      }
      analytics.on('dispatch_start', onDispatch)
      analytics.on('reset', onReset)
      undo.set(analytics, () => {
        analytics.off('dispatch_start', onDispatch)
        analytics.off('reset', onReset)
      })
    },

    unwatch(analytics) {
      undo.get(analytics)?.()
      undo.delete(analytics)
      for (const [ctx, call] of waiting) if (call.analytics === analytics) waiting.delete(ctx)
    },

    arrive(ctx) {
      const call = waiting.get(ctx) ?? observe(ctx, options.first)
      waiting.delete(ctx)
      return call
    },

    waiting: () => [...waiting.values()],
  }
}
