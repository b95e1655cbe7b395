import { now } from '../browser/clock.ts'
import { within } from '../browser/deadline.ts'
import { createAlarm } from './alarm.ts'
import type { Attempts, Page } from './attempt.ts'
import { availableFrom } from './endpoint.ts'
import { flushTimeoutMs } from './limits.ts'
import type { Identities } from './identities.ts'
import type { InFlight } from './in-flight.ts'
import { createLeaving } from './leaving.ts'
import { createLookout } from './lookout.ts'
import type { Outbox } from './outbox.ts'
import type { Ending } from './outcome.ts'
import type { Entry, Queue } from './queue.ts'
import type { Row } from './row.ts'
import { createTurns } from './turns.ts'

/** What became of a row, in the words of `onDelivery`. */
export type Progress = Ending & { row: Row; nextTryAt?: number }

/** Decides when each hit is sent. */
export type Courier = {
  /** Takes the new hits of a call: each is stored and, if nothing is in the way, sent in the same task. */
  post: (entries: readonly Entry[]) => void
  /** Goes on with what waits in this page. */
  resume: () => void
  /** The same, and looks into the database from `at` on. */
  lookFrom: (at: number) => void
  /**
   * The page is hidden or going: all that can still go, goes now, oldest first. If it goes, `postRest`
   * is to post what has not been posted.
   */
  leave: (postRest: () => void) => void
  /** Resolves when all that can go now has gone, or after 10 seconds. */
  flush: () => Promise<void>
  /** Takes and begins nothing more; resolves when what was in flight has ended. */
  stop: () => Promise<void>
}

type Parts = {
  outbox: Outbox
  queue: Queue
  attempts: Attempts
  inFlight: InFlight
  identities: Identities
  page: Page
  onProgress: (progress: Progress) => void
}

export function createCourier(parts: Parts): Courier {
  const { outbox, queue, attempts, inFlight, identities, page, onProgress } = parts
  const setAlarm = createAlarm(page, resume)
  const turns = createTurns(queue, identities)
  const lookout = createLookout(outbox)
  const leaving = createLeaving(parts, turns, take, send)
  let working: Promise<void> | undefined
  let workAgain = false
  const onAnswer: (() => void)[] = []
  let stopped = false

  const nextTryAt = (due: number) => Math.max(due, availableFrom(attempts.state(), now()))
  const nextAnswer = () => new Promise<void>((resolve) => onAnswer.push(resolve))

  /** It is in flight from now on. */
  function take(entry: Entry): void {
    const { row } = entry
    entry.isInFlight = true
    entry.row = { ...row, attempts: row.attempts + 1 }
    inFlight.add(entry)
    identities.open(row, now())
  }

  function send(entry: Entry): void {
    const { row, body } = entry
    const returns = page.returns()
    const isLost = () => page.hasLeft() || page.returns() > returns
    void attempts
      .make({
        body,
        reachedAt: row.reachedAt,
        isLost,
        isOver: () => queue.get(row.id) !== entry || outbox.isRunningOut(entry),
        onLate: (status) => end(entry, { outcome: 'accepted', status }, false),
      })
      .then((ending) => {
        inFlight.remove(entry, ending, isLost())
        end(entry, ending, isLost())
        for (const resolve of onAnswer.splice(0)) resolve()
        if (page.isHidden()) outbox.hide()
        resume()
      })
  }

  /** `isLost`: its page went, and nobody was there to hear an answer. */
  function end(entry: Entry, ending: Ending, isLost: boolean): void {
    if (entry.isOver) return
    const { row } = entry
    if (ending.outcome !== 'waiting') {
      entry.isOver = true
      outbox.remove(row.id)
      identities.close(row)
      onProgress({ ...ending, row })
      lookout.goOn()
      return
    }
    const { due = Infinity } = ending
    onProgress({ ...ending, row, nextTryAt: nextTryAt(ending.due ?? row.at) })
    // Forgotten meanwhile, or another page's now.
    if (queue.get(row.id) !== entry) return
    // A deferred one holds up nobody; without an answer it may still be on its way.
    if (due < Infinity) identities.close(row)
    else if (!isLost && ending.reason !== 'timeout') identities.open(row)
    outbox.release(entry, ending, lookFrom)
    if (entry.isStored) lookout.expect(due)
  }

  /** Sends what can go now; returns the next row if it needs a lease first. */
  function sendReady(): Entry | undefined {
    const isReady = (entry: Entry) => (entry.isOwn || inFlight.hasSpare()) && turns.isReady(entry)
    while (!stopped && queue.hasWaiting() && inFlight.isFree()) {
      const entry = queue.next(isReady)
      if (entry === undefined || !inFlight.isFree(entry)) break
      if (outbox.rulesOut(entry)) continue
      if (!outbox.claim(entry)) return entry
      take(entry)
      send(entry)
    }
    return undefined
  }

  function lookFrom(at: number): void {
    lookout.expect(at)
    resume()
  }

  function resume(): void {
    workAgain = true
    if (working !== undefined || stopped) return
    const done = () => {
      working = undefined
      // It may have been asked to go on after its last look.
      if (workAgain) resume()
    }
    working = work().then(done, done)
  }

  /** Sends, and asks the database for what memory cannot tell, until nothing more can be done now. */
  async function work(): Promise<void> {
    while (workAgain && !stopped) {
      workAgain = false
      turns.begin()
      const unleased = sendReady()
      if (unleased) {
        lookout.expect(await outbox.renew(unleased))
        workAgain = true
      } else if ((turns.wanted().length > 0 || lookout.next() <= now()) && mayLook()) {
        await lookInDatabase()
        workAgain = true
      }
    }
    sleep()
  }

  /**
   * Also while this page's own hits are all that may be in flight: what earlier pages left takes turns
   * with them. Not for more of it than can go: this page would take it all on lease.
   */
  function mayLook(): boolean {
    const reason = inFlight.obstacle(undefined, false)
    return reason === undefined ? inFlight.hasSpare() : reason === 'busy' && !queue.hasBacklog()
  }

  async function lookInDatabase(): Promise<void> {
    for (const id of turns.wanted()) {
      const found = await outbox.fetch(id)
      if (found === undefined) identities.close({ id })
      else if (found !== 'taken') turns.waitFor(id, found.until)
    }
    if (lookout.next() <= now()) await lookout.look()
  }

  /** Sets the one timer: none while hidden or offline, which end by an event. */
  function sleep(): void {
    const at = now()
    const { isDue, next } = queue.dues(at)
    // What is in flight resumes by itself.
    const isIdle = inFlight.size() === 0
    const isClosed = isDue && isIdle && (inFlight.wasHeldUp() || !inFlight.isFree())
    const look = isIdle || mayLook() ? lookout.next() : Infinity
    const earliest = Math.min(look, turns.next(), next, isClosed ? at : Infinity)
    if (!stopped) setAlarm(Math.max(earliest, availableFrom(attempts.state(), at)))
  }

  async function drain(): Promise<void> {
    lookout.expect(0)
    for (;;) {
      resume()
      await working
      if (inFlight.size() === 0 || stopped) return
      await nextAnswer()
    }
  }

  return {
    post(entries) {
      if (stopped) return
      for (const entry of entries) queue.add(entry)
      const isLeaving = page.isLeaving()
      const reason = inFlight.obstacle(entries[0], isLeaving)
      const sent = isLeaving ? leaving.send() : []
      if (!isLeaving) sendReady()
      // Sent first: the stored row knows of it. A row that goes soon is this page's, others are anybody's.
      outbox.put(entries, reason === undefined || reason === 'busy')
      outbox.leaseSent(sent)
      for (const { row, isInFlight } of entries) {
        if (isInFlight) continue
        identities.open(row)
        const why = reason ?? 'busy'
        onProgress({ outcome: 'waiting', reason: why, row, nextTryAt: nextTryAt(now()) })
      }
      // As a page goes, what it sends is written down first.
      if (!page.hasLeft() && queue.hasWaiting()) resume()
    },

    resume,

    lookFrom,

    leave(postRest) {
      setAlarm(Infinity)
      leaving.leave(postRest)
    },

    flush: () => within(flushTimeoutMs, drain(), undefined),

    async stop() {
      stopped = true
      setAlarm(Infinity)
      while (inFlight.size() > 0) await nextAnswer()
      await working
      outbox.close()
    },
  }
}
