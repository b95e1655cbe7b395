import { now, tick } from '../browser/clock.ts'
import type { SegmentEvent } from '../hit/event.ts'
import { field, text } from '../hit/read.ts'
import { forgetOldest } from './forget-oldest.ts'
import { type Generation, createResetListener, generationOf } from './generation.ts'
import { type Analytics, type SegmentContext, isMeant } from './host.ts'

/** A Segment call, with what was true when it was made. */
export type Call<AsOf = unknown> = {
  ctx: SegmentContext
  analytics: Analytics
  generation: Generation
  /** Epoch milliseconds. */
  at: number
  /** The event as it was made; absent for a call that nobody saw being made: it is as of its hook. */
  made?: SegmentEvent | undefined
  /** The fragment of the page's address; absent like `made`. */
  fragment?: string | undefined
  /** What else is to be remembered of that moment. */
  asOf: AsOf
}

/** The calls that were made and whose hook, which Segment runs later, is not through. */
export type Calls<AsOf> = {
  /** Listens to an instance. */
  watch: (analytics: Analytics) => void
  unwatch: (analytics: Analytics) => void
  /** The call of a context at its hook. */
  arrive: (ctx: SegmentContext) => Call<AsOf>
  /** Its hook is through. Firefox may end a script in the middle when its page goes. */
  finish: (ctx: SegmentContext) => void
  waiting: () => Call<AsOf>[]
  /** Whether one of them is meant to come here. */
  mayCome: () => boolean
}

/** Calls that middleware stops never arrive: the oldest are forgotten. */
const maxWaiting = 5000

/**
 * Epoch milliseconds, and a little more for each further call of one millisecond: the order stays, with
 * room for the two hits that a call may have.
 */
function createClock(): () => number {
  let last = 0
  return () => {
    const time = now()
    last = time > last || last - time > 1 ? time : last + 2 * tick
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

export function createCalls<AsOf>(options: {
  /** The instance of calls that nobody saw being made. */
  first: Analytics
  asOf: (call: Omit<Call, 'asOf'>) => AsOf
  onCall: (call: Call<AsOf>) => void
  onReset: (ended: Generation, at: number, analytics: Analytics) => void
}): Calls<AsOf> {
  const waiting = new Map<SegmentContext, Call<AsOf>>()
  const undo = new Map<Analytics, () => void>()
  const nextTime = createClock()

  function observe(ctx: SegmentContext, analytics: Analytics, made?: object): Call<AsOf> {
    const call = {
      ctx,
      analytics,
      generation: generationOf(analytics),
      at: nextTime(),
      made,
      fragment: made && currentFragment(),
    }
    return { ...call, asOf: options.asOf(call) }
  }

  /** The call of a context that a plugin before us has made in place of Segment's. */
  function sameCall({ event }: SegmentContext): Call<AsOf> | undefined {
    const id = text(field(event, 'messageId'))
    if (id === undefined) return undefined
    return [...waiting.values()].find(({ made }) => text(made?.messageId) === id)
  }

  return {
    watch(analytics) {
      if (undo.has(analytics)) return
      const onEnd = createResetListener(analytics)
      // A listener that throws would throw into the page's own call of track() or reset().
      const onDispatch = (ctx: SegmentContext) => {
        try {
          const call = observe(ctx, analytics, ctx.event)
          waiting.set(ctx, call)
          forgetOldest(waiting, maxWaiting)
          options.onCall(call)
        } catch {
          // The hook takes the call as of then.
        }
      }
      const onReset = () => {
        try {
          options.onReset(onEnd(), nextTime(), analytics)
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
      const own = waiting.get(ctx)
      if (own) return own
      const same = sameCall(ctx)
      return same ? { ...same, ctx } : observe(ctx, options.first)
    },

    finish(ctx) {
      if (!waiting.delete(ctx)) waiting.delete(sameCall(ctx)?.ctx ?? ctx)
    },

    waiting: () => [...waiting.values()],
    mayCome: () => [...waiting.values()].some(({ made }) => made === undefined || isMeant(made)),
  }
}
