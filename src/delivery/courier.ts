import type { Hit } from '../hit/hit.ts'
import { type EndpointNote, type Page, attempt } from './attempt.ts'
import { within } from '../browser/deadline.ts'
import {
  encouraged,
  inForce,
  isDue,
  latestDue,
  leaseMs,
  obstacle,
  freeFrom,
  untried,
} from './endpoint.ts'
import type { Outbox } from './outbox.ts'
import type { Ending } from './policy.ts'
import { held, type Row } from './row.ts'
import type { Sender } from './sender.ts'

const flushTimeoutMs = 10_000
const troubleMs = 1000

/** What became of a row, in the words of `onDelivery`. */
export type Progress = Ending & { row: Row; nextTryAt?: number }

/** Decides when each hit is sent. */
export type Courier = {
  /** Takes new hits of a call: each is stored and, if the road is free, sent in the same task. */
  post: (hits: Hit[], madeAt: number) => void
  /** Keeps a hit until its visitor is known. */
  hold: (hit: Hit, madeAt: number) => void
  /** Looks at what waits, of earlier pages too, and comes back to it when it is due. */
  resume: () => void
  /** The page is hidden or going: all that can still go, goes now. */
  hurry: () => void
  /** The network is back. */
  encourage: () => void
  /** Deletes all that waits for the client id, in all tabs. */
  forget: () => Promise<void>
  /** Resolves when all that can go now has gone, or after 10 seconds. */
  flush: () => Promise<void>
  /** Takes and begins nothing more; resolves when what was in flight has ended. */
  stop: () => Promise<void>
}

export type CourierOptions = {
  endpoint: string
  outbox: Outbox
  send: Sender
  /** The endpoint's state, shared by the tabs. */
  note: EndpointNote
  onProgress: (progress: Progress) => void
  bytesOf: (hit: Hit) => number
  page: Page
}

export function createCourier(options: CourierOptions): Courier {
  const { endpoint, outbox, note, onProgress, bytesOf, page } = options
  /** The bytes of each request's body. */
  const inFlight = new Map<string, number>()
  const requests = new Set<Promise<void>>()
  let pumping: Promise<void> | undefined
  let pumpAgain = false
  let timer: ReturnType<typeof setTimeout> | undefined
  let wakeAt = Infinity
  let stopped = false

  const state = () => note.read() ?? untried

  const obstacleNow = (leaving: boolean, hit?: Hit) =>
    obstacle(state(), {
      now: Date.now(),
      online: page.isOnline(),
      requests: inFlight.size,
      bytes: [...inFlight.values()].reduce((sum, bytes) => sum + bytes, hit ? bytesOf(hit) : 0),
      leaving,
    })

  const rowOf = (hit: Hit, at: number): Row => {
    return { id: hit.event_id, hit, endpoint, at, due: at, attempts: 0 }
  }

  function dispatch(row: Row): void {
    inFlight.set(row.id, bytesOf(row.hit))
    const request = attempt(row, { ...options, isForgotten: outbox.isForgotten })
      .then((ending) => finish(row, ending))
      .finally(() => {
        requests.delete(request)
        resume()
      })
    requests.add(request)
  }

  async function finish(row: Row, ending: Ending): Promise<void> {
    inFlight.delete(row.id)
    if (ending.outcome !== 'waiting') {
      outbox.remove(row.id)
      onProgress({ ...ending, row })
      return
    }
    const { due = row.at, reachedAt = row.reachedAt } = ending
    onProgress({ ...ending, row, nextTryAt: Math.max(due, freeFrom(state(), Date.now())) })
    await outbox.release({ ...row, due, ...(reachedAt === undefined ? {} : { reachedAt }) })
  }

  function resume(): void {
    pumpAgain = true
    pumping ??= pump().finally(() => {
      pumping = undefined
      if (pumpAgain && !stopped) resume()
    })
  }

  async function pump(): Promise<void> {
    while (pumpAgain && !stopped) {
      pumpAgain = false
      while (obstacleNow(false) === undefined && (await sendNext()));
      // What is in flight resumes by itself.
      if (inFlight.size === 0) await sleepUntilDue()
    }
  }

  async function sendNext(): Promise<boolean> {
    const now = Date.now()
    const row = await outbox.claim(now, latestDue(state(), now))
    if (row === undefined) return false
    // In flight for longer than its lease, for the computer slept, say; or it could not be leased.
    if (inFlight.has(row.id)) return row.due > now
    // While the outbox was asked, another answer may have closed the road.
    const isFree = !stopped && obstacleNow(false, row.hit) === undefined
    if (isFree) dispatch(row)
    else await outbox.release({ ...row, due: row.at, attempts: row.attempts - 1 })
    return isFree
  }

  async function sleepUntilDue(): Promise<void> {
    // First, for a new hit may set the timer while the outbox is asked.
    sleep()
    const due = await outbox.nextDue()
    if (due === undefined) return
    const now = Date.now()
    if (!isDue(due, state(), now)) wake(due)
    // A row is due, the road is free, and still it was not to be had: a database with trouble.
    else wake(obstacleNow(false) === undefined ? now + troubleMs : 0)
  }

  function sleep(): void {
    clearTimeout(timer)
    wakeAt = Infinity
  }

  /** Sets the one timer, unless it is set for earlier: none while hidden or offline, which end by an event. */
  function wake(from: number): void {
    const now = Date.now()
    const at = Math.max(from, freeFrom(state(), now))
    if (stopped || at >= wakeAt || page.isHidden() || !page.isOnline()) return
    sleep()
    wakeAt = at
    timer = setTimeout(
      () => {
        wakeAt = Infinity
        resume()
      },
      Math.max(at - now, 1),
    )
  }

  return {
    post(hits, madeAt) {
      if (stopped) return
      const now = Date.now()
      const rows = hits.map((hit, index) => {
        const reason = obstacleNow(page.isHidden(), hit)
        // In their order: a thousandth is about the least that a number of this size can tell.
        const row = rowOf(hit, madeAt + index / 1000)
        if (reason === undefined) {
          const sent = { ...row, due: now + leaseMs, attempts: 1 }
          dispatch(sent)
          return sent
        }
        const nextTryAt = Math.max(now, freeFrom(state(), now))
        onProgress({ outcome: 'waiting', reason, row, nextTryAt })
        return row
      })
      outbox.put(rows)
      if (inFlight.size === 0) wake(0)
    },

    hold(hit, madeAt) {
      if (stopped) return
      const row = rowOf(hit, madeAt)
      outbox.hold(row)
      onProgress({ outcome: 'waiting', reason: 'anonymous', row })
    },

    resume,

    hurry() {
      sleep()
      const now = Date.now()
      const known = state()
      // In a backoff a hit gets one such chance, or every change of tabs would send all that waits.
      const tried = inForce(known.retryAt, now) ? 1 : Infinity
      const sent: Row[] = []
      for (const row of outbox.known()) {
        if (outbox.isForgotten(row) || row.attempts >= tried) continue
        if (inFlight.has(row.id) || row.due === held || !isDue(row.due, known, now)) continue
        if (obstacleNow(true, row.hit) !== undefined) break
        const leased = { ...row, due: now + leaseMs, attempts: row.attempts + 1 }
        sent.push(leased)
        dispatch(leased)
      }
      outbox.put(sent)
    },

    encourage() {
      note.write(encouraged(state()))
      resume()
    },

    forget: outbox.forget,

    async flush() {
      const drain = async () => {
        do {
          if (requests.size > 0) await Promise.race(requests)
          resume()
          await pumping
        } while (requests.size > 0 && !stopped)
      }
      await within(flushTimeoutMs, drain(), undefined)
    },

    async stop() {
      stopped = true
      sleep()
      await Promise.all([...requests, pumping])
      outbox.close()
    },
  }
}
