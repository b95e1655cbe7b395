import type { Attempts, Page } from './attempt.ts'
import { chancesOnLeaving } from './endpoint.ts'
import type { InFlight } from './in-flight.ts'
import type { Outbox } from './outbox.ts'
import type { Entry, Queue } from './queue.ts'
import type { Turns } from './turns.ts'

/** Sends what can still go when the page is hidden or goes, oldest first. */
export type Leaving = {
  send: () => readonly Entry[]
  /** The same; if the page goes, `postRest` is to post what has not been posted. */
  leave: (postRest: () => void) => void
}

type Parts = {
  outbox: Outbox
  queue: Queue
  attempts: Attempts
  inFlight: InFlight
  page: Page
}

/** `take` has a row be in flight from now on, for `send` to send. */
export function createLeaving(
  { outbox, queue, attempts, inFlight, page }: Parts,
  turns: Turns,
  take: (entry: Entry) => void,
  send: (entry: Entry) => void,
): Leaving {
  /** What is posted goes together. */
  let isGathering = false

  function takeAll(): Entry[] {
    const chances = chancesOnLeaving(attempts.state())
    const taken: Entry[] = []
    for (const entry of queue.all()) {
      const isOut = entry.isInFlight || entry.isStale || entry.row.attempts >= chances
      if (isOut || !turns.isReady(entry)) continue
      if (outbox.rulesOut(entry)) continue
      if (inFlight.obstacle(entry, true) !== undefined) break
      take(entry)
      taken.push(entry)
    }
    return taken
  }

  return {
    send() {
      const taken = isGathering ? [] : takeAll()
      taken.forEach(send)
      return taken
    },

    leave(postRest) {
      const isGoing = page.hasLeft()
      isGathering = isGoing
      try {
        if (isGoing) postRest()
      } catch {
        // A call that cannot be read must not keep the others.
      }
      isGathering = false
      const taken = takeAll()
      // Written down first: Chromium ends a page that takes half a second to go, and each request
      // takes its time.
      if (isGoing) outbox.leave()
      else {
        outbox.hide()
        outbox.leaseSent(taken)
      }
      taken.forEach(send)
      if (isGoing) attempts.leave()
    },
  }
}
