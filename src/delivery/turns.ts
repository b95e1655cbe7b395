import { now } from '../browser/clock.ts'
import { mayArrive } from './client.ts'
import { clockSkewMs, leaseMs, timeoutMs } from './limits.ts'
import type { Identities } from './identities.ts'
import type { Entry, Queue } from './queue.ts'
import { held, isDeferred, isDue } from './row.ts'

/** Which hits must wait for another hit. */
export type Turns = {
  /** Nothing but the endpoint and the network can keep it from being sent. */
  isReady: (entry: Entry) => boolean
  /** Begins to collect anew what was waited for. */
  begin: () => void
  /** Ids of older identities that are not in this page's queue and must be sent first. */
  wanted: () => string[]
  /** It is another page's until then. */
  waitFor: (id: string, until: number) => void
  next: () => number
}

export function createTurns(queue: Queue, identities: Identities): Turns {
  const wanted = new Set<string>()
  const others = new Map<string, number>()
  let next = Infinity

  function waitUntil(at: number): void {
    next = Math.min(next, at)
  }

  function isReady(entry: Entry): boolean {
    const { row } = entry
    if (row.due === held || !isDue(row, now())) return false
    const before = identities.before(row)
    if (before === undefined) return true
    const at = now()
    const mine = queue.get(before.id)
    const until = others.get(before.id) ?? 0
    if (mine && (mine.isInFlight || isDue(mine.row, at))) return false
    if (mayArrive(before, at)) waitUntil(before.sentAt + timeoutMs)
    else if (mine && !isDeferred(mine.row)) waitUntil(mine.row.due)
    else if (mine) {
      // It waits for long, and holds up nobody.
      identities.close(before)
      return isReady(entry)
    } else if (at < until && until <= at + leaseMs + clockSkewMs) waitUntil(until)
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
    waitFor(id, until) {
      others.set(id, until)
      waitUntil(until)
    },
    next: () => next,
  }
}
