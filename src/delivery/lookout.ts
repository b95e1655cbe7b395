import { elapsed, now } from '../browser/clock.ts'
import { minute, second } from './limits.ts'
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
  // In milliseconds of the page's life: by a clock that is set back the wait would be longer.
  let nextAt = Infinity
  /** A row is known to come due then. */
  let dueAt = Infinity
  let lookedAt = -Infinity
  const clock = () => now() - elapsed()
  let lookedBy = clock()

  const lookout: Lookout = {
    expect(at) {
      const mine = elapsed() + at - now()
      nextAt = Math.min(nextAt, mine)
      if (at > 0) dueAt = Math.min(dueAt, mine)
    },
    goOn() {
      if (elapsed() - lookedAt > lookAgainMs) lookout.expect(0)
    },
    next: () => Math.ceil(now() + nextAt - elapsed()),
    async look() {
      lookedAt = elapsed()
      const startedAt = now()
      // The clock was set back: the database's rows would wait for a time that has been.
      if (clock() < lookedBy - second) await outbox.adopt()
      lookedBy = clock()
      const expected = dueAt
      nextAt = dueAt = Infinity
      const found = await outbox.fetchDue()
      if (found === undefined) {
        // A database with trouble, in which a row is known to come due.
        lookout.expect(now() + Math.max(expected - elapsed(), 10 * second))
        return
      }
      // Rows that were due and not to be had: a database with trouble.
      const isStuck = found.taken === 0 && (!found.isAll || found.next <= startedAt)
      lookout.expect(isStuck ? now() + second : found.next)
    },
  }
  return lookout
}
