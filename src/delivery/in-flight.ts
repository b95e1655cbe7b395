import { elapsed, now } from '../browser/clock.ts'
import type { Attempts, Page } from './attempt.ts'
import { isInTrouble, obstacle } from './endpoint.ts'
import type { Ending, WaitReason } from './outcome.ts'
import type { Entry } from './queue.ts'
import { initialWindow, nextWindow, openWindow } from './window.ts'

/** This tab's requests in flight, and whether one more may go. */
export type InFlight = {
  /** What stands between a hit, or any hit, and the network now. */
  obstacle: (entry: Entry | undefined, leaving: boolean) => WaitReason | undefined
  /** Whether a hit, or any hit, can go now. */
  isFree: (entry?: Entry) => boolean
  /** When that was asked last, it could not: a millisecond later it may, and nobody would be woken. */
  wasHeldUp: () => boolean
  /** There is a place for a row that is not this page's: one is kept for its own calls. */
  hasSpare: () => boolean
  add: (entry: Entry) => void
  /** `isLost`: nobody was there to hear an answer. */
  remove: (entry: Entry, ending: Ending, isLost: boolean) => void
  size: () => number
}

export function createInFlight(attempts: Attempts, page: Page): InFlight {
  /** When each request went out, in milliseconds of the page's life; the oldest first. */
  const sentAt = new Map<Entry, number>()
  let bytes = 0
  let window = initialWindow
  let isHeldUp = false

  function places(): number {
    const [oldest] = sentAt.values()
    return oldest === undefined ? window : openWindow(window, elapsed() - oldest)
  }

  const inFlight: InFlight = {
    obstacle(entry, leaving) {
      const state = attempts.state()
      if (isInTrouble(state)) window = 1
      return obstacle(state, {
        now: now(),
        online: page.isOnline(),
        requests: sentAt.size,
        window: places(),
        bytes: bytes + (entry?.body.length ?? 0),
        leaving,
        left: page.hasLeft(),
      })
    },

    isFree(entry) {
      isHeldUp = inFlight.obstacle(entry, false) !== undefined
      return !isHeldUp
    },

    wasHeldUp: () => isHeldUp,

    hasSpare() {
      const others = [...sentAt.keys()].filter(({ isOwn }) => !isOwn)
      return others.length < Math.max(1, places() - 1)
    },

    add(entry) {
      sentAt.set(entry, elapsed())
      bytes += entry.body.length
    },

    remove(entry, { outcome, reason, due }, isLost) {
      sentAt.delete(entry)
      bytes -= entry.body.length
      if (outcome !== 'waiting') window = nextWindow(window)
      // A deferred one was answered; offline and on leaving nobody knows.
      else if (due === undefined && reason !== 'offline' && !isLost) window = 1
    },

    size: () => sentAt.size,
  }
  return inFlight
}
