import { elapsed, now } from '../browser/clock.ts'
import { minute, second } from './endpoint.ts'
import type { Outbox } from './outbox.ts'

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

export function createLookout(outbox: Outbox): Lookout {
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
      const startedAt = now()
      const found = await outbox.fetchDue()
      if (found === undefined) next = Infinity
      // Rows that were due and not to be had: a database with trouble.
      else if (found.taken === 0 && found.next <= startedAt) next = now() + second
      else next = found.next
    },
  }
}
