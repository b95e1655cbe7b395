import { now } from '../browser/clock.ts'
import { mayArrive } from './client.ts'
import { timeoutMs } from './endpoint.ts'
import type { Identities } from './identities.ts'
import type { Entry, Queue } from './queue.ts'
import { held, isDue } from './row.ts'

/** Whose turn it is, as far as hits wait for each other. */
export type Turns = {
  /** Nothing but the road keeps it from being sent. */
  isReady: (entry: Entry) => boolean
  /** Begins to collect anew what was waited for. */
  begin: () => void
  /** Identities that are not of this page and go first. */
  wanted: () => string[]
  /** An identity waits until then at most. */
  waitUntil: (at: number) => void
  next: () => number
}

export function createTurns(queue: Queue, identities: Identities): Turns {
  const wanted = new Set<string>()
  let next = Infinity

  function waitUntil(at: number): void {
    next = Math.min(next, at)
  }

  function isReady(entry: Entry): boolean {
    const { row } = entry
    if (row.due === held || !isDue(row, now())) return false
    const before = identities.before(row)
    if (before === undefined) return true
    const mine = queue.get(before.id)
    if (mine && (mine.isInFlight || isDue(mine.row, now()))) return false
    if (mine) {
      // It waits for long, and holds up nobody.
      identities.close(before)
      return isReady(entry)
    }
    if (mayArrive(before, now())) waitUntil(before.sentAt + timeoutMs)
    else wanted.add(before.id)
    return false
  }

  return {
    isReady,
    begin() {
      wanted.clear()
      next = Infinity
    },
    wanted: () => [...wanted],
    waitUntil,
    next: () => next,
  }
}
