import type { Call } from '../segment/calls.ts'
import type { Delivery } from '../delivery/delivery.ts'
import { type Draft, type Hit, completeHit } from '../hit/hit.ts'
import type { Reporter } from '../report.ts'

const resetGraceMs = 1000

/** Keeps the hits of unknown visitors until somebody says whose they are, or nobody can any more. */
export type Anonymous = {
  hold: (call: Call, hits: Hit[]) => void
  /** Sends what was held of a visitor who is known now. */
  release: (known: Draft, introduced: boolean) => void
  /** Drops what is held since `madeUntil`, once the calls that wait have had their say. */
  reset: (madeUntil: number, callsWait: boolean) => void
  stop: () => void
}

export function createAnonymous(options: { delivery: Delivery; reporter: Reporter }): Anonymous {
  const { delivery, reporter } = options
  const knownVisitors = new Set<string>()
  let grace: ReturnType<typeof setTimeout> | undefined

  return {
    hold(call, hits) {
      for (const hit of hits) {
        // A reset since the call was made, and no earlier call that may still say whose it was.
        if (call.stay.over && grace === undefined)
          reporter.dropped({ hit, attempts: 0 }, 'anonymous')
        else delivery.hold([hit], call.moment.at)
      }
    },

    release(known, introduced) {
      const visitor = known.visitor_id
      if (knownVisitors.has(visitor) && known.action !== 'ui' && !introduced) return
      knownVisitors.add(visitor)
      void delivery
        .completeHeld([visitor], (hit) => completeHit(hit, known))
        .then((freed) => {
          if (freed === undefined) knownVisitors.delete(visitor)
        })
    },

    reset(madeUntil, callsWait) {
      clearTimeout(grace)
      grace = undefined
      const drop = () => {
        grace = undefined
        void delivery.dropHeld(madeUntil)
      }
      if (callsWait) grace = setTimeout(drop, resetGraceMs)
      else drop()
    },

    stop: () => clearTimeout(grace),
  }
}
