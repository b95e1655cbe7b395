import { elapsed, now } from '../browser/clock.ts'
import type { Attempts, Page } from './attempt.ts'
import { isInTrouble, obstacle } from './endpoint.ts'
import type { Ending, WaitReason } from './outcome.ts'
import type { Entry } from './queue.ts'
import { initialWindow, nextWindow, openWindow } from './window.ts'

/** This tab's requests in flight, and whether there is room for one more. */
export type Road = {
  /** What stands between a hit, or any hit, and the network now. */
  obstacle: (entry: Entry | undefined, leaving: boolean) => WaitReason | undefined
  /** There is a place for what is not this page's: one is kept for its own calls. */
  isWide: () => boolean
  enter: (entry: Entry) => void
  /** `isLost`: nobody was there to hear an answer. */
  exit: (entry: Entry, ending: Ending, isLost: boolean) => void
  inFlight: () => number
}

export function createRoad(attempts: Attempts, page: Page): Road {
  /** When each request went out, in milliseconds of the page's life; the oldest first. */
  const inFlight = new Map<Entry, number>()
  let bytes = 0
  let window = initialWindow

  function places(): number {
    const [oldest] = inFlight.values()
    return oldest === undefined ? window : openWindow(window, elapsed() - oldest)
  }

  return {
    obstacle(entry, leaving) {
      const state = attempts.state()
      if (isInTrouble(state)) window = 1
      return obstacle(state, {
        now: now(),
        online: page.isOnline(),
        requests: inFlight.size,
        window: places(),
        bytes: bytes + (entry?.body.length ?? 0),
        leaving,
      })
    },

    isWide() {
      const others = [...inFlight.keys()].filter(({ isOwn }) => !isOwn)
      return others.length < Math.max(1, places() - 1)
    },

    enter(entry) {
      inFlight.set(entry, elapsed())
      bytes += entry.body.length
    },

    exit(entry, { outcome, reason, due }, isLost) {
      inFlight.delete(entry)
      bytes -= entry.body.length
      if (outcome !== 'waiting') window = nextWindow(window, true)
      // In the slow lane it was answered; offline and on leaving nobody knows.
      else if (due === undefined && reason !== 'offline' && !isLost)
        window = nextWindow(window, false)
    },

    inFlight: () => inFlight.size,
  }
}
