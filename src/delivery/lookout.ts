import { elapsed, now } from '../browser/clock.ts'
import { minute, second } from './endpoint.ts'
import type { Outbox } from './outbox.ts'
import type { Queue } from './queue.ts'

/** Other pages may have died: as long as this one is at work it looks after what they left. */
const lookAgainMs = minute

/** When the database is to be looked at, for what is due and not in this page's queue. */
export type Lookout = {
  /** Something may be due from then on. */
  expect: (at: number) => void
  /** Time has passed: something may have been left meanwhile. */
  goOn: () => void
  next: () => number
  look: () => Promise<void>
}

export function createLookout(outbox: Outbox, queue: Queue): Lookout {
  let next = Infinity
  /** In milliseconds of the page's life. */
  let lookedAt = -Infinity

  return {
    expect(at) {
      next = Math.min(next, at)
    },
    goOn() {
      if (elapsed() - lookedAt > lookAgainMs) next = 0
    },
    next: () => next,
    async look() {
      lookedAt = elapsed()
      const before = queue.size()
      const found = await outbox.fetchDue()
      const at = now()
      // Rows that are due and not to be had: a database with trouble.
      const isStuck = queue.size() === before && found !== undefined && found <= at
      next = found === undefined ? Infinity : isStuck ? at + second : found
    },
  }
}
