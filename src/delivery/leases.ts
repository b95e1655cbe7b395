import { elapsed, now } from '../browser/clock.ts'
import { leaseMs, timeoutMs } from './limits.ts'
import { type Place, run } from './place.ts'
import { type Entry, newEntry } from './queue.ts'
import { isDeferred, leased } from './row.ts'
import { type LeaseResult, lease, leaseNext, nextDue, update } from './store.ts'
import type { Tabs } from './tabs.ts'

/** How many rows are taken on lease at once: about what can be sent meanwhile. */
const batch = 50

/** Makes sure that a row is sent by one page at a time: a row on lease is this page's for 20 seconds. */
export type Leases = {
  /**
   * Whether nobody else sends it for as long as a request takes. One that the database has not got yet,
   * or may be getting as anybody's, is written down as this page's.
   */
  claim: (entry: Entry) => boolean
  /** Another page may be sending it by the time at which one more request would be given up. */
  isRunningOut: (entry: Entry) => boolean
  /**
   * Takes a row of the queue on lease once more, and others like it, or learns that they are another
   * page's, until the time that it gives at least.
   */
  renew: (entry: Entry) => Promise<number>
  /**
   * Leases rows that are sent without a lease, because the page is hidden and may go. One that has gone
   * leaves a note of them instead: a transaction of two steps would stay open for as long as the page is
   * frozen, and have Chromium throw it out of the back/forward cache when another page's must wait for
   * it. https://web.dev/articles/bfcache#close_open_connections_before_the_user_navigates_away
   */
  leaseSent: (entries: readonly Entry[]) => void
  /** Brings one row into the queue: until when it is another page's, or `undefined` if it is no more. */
  fetch: (id: string) => Promise<'taken' | { until: number } | undefined>
  /**
   * Brings what is due into the queue, as much as can be sent meanwhile; when the next is, `undefined`
   * if the database does not say. `taken` is what it is rid of.
   */
  fetchDue: () => Promise<{ taken: number; isAll: boolean; next: number } | undefined>
}

export function createLeases(place: Place, tabs: Tabs): Leases {
  const { lane, setAside, database, writer, queue, encode, ready, lessee, drop } = place

  const isLeased = ({ leasedUntil }: Entry) => leasedUntil - elapsed() > timeoutMs

  /** Without the database, where nobody else can have it, or nobody can be asked. */
  function leaseUnasked(entry: Entry): void {
    entry.isStale = false
    entry.leasedUntil = elapsed() + leaseMs
    if (writer.unstored(entry.row.id)) writer.put([leased(entry.row, lessee().page, now())])
  }

  const isKnown = (id: string) =>
    queue.get(id) !== undefined || writer.hasEnded(id) || writer.unstored(id) !== undefined

  /**
   * Takes what a transaction found. Where it could not write, this page sends the rows once all the
   * same: nobody else may be able to.
   */
  function take(given: LeaseResult | undefined, isWritten: boolean): number {
    if (given === undefined) return 0
    const taken: string[] = []
    const ended = new Set(place.client.ended())
    // The database gives them by when they were due, and those of one lease by their ids.
    for (const row of [...given.rows].sort((a, b) => a.at - b.at)) {
      // By this page, or by one that could not delete it.
      if (writer.hasEnded(row.id) || ended.has(row.id)) {
        queue.delete(row.id)
        writer.end([row.id])
        continue
      }
      const known = queue.get(row.id)
      const isBack = setAside.delete(row.id)
      const entry = known ?? newEntry(row, encode(row.hit), isBack)
      if (known === undefined) taken.push(row.id)
      entry.isStored = true
      entry.isStale = false
      entry.leasedUntil = elapsed() + leaseMs
      if (!entry.isInFlight) {
        const attempts = Math.max(row.attempts, entry.row.attempts)
        entry.row = { ...row, due: row.at, from: undefined, attempts }
      }
      if (isBack) queue.putBack(entry)
      else queue.add(entry)
    }
    // A lease that nobody could write down is none: two tabs would take a row from each other without end.
    if (taken.length > 0 && isWritten) tabs.taken(taken)
    given.drops.forEach(drop)
    // Should it keep them all the same, they are not to be found again.
    if (given.drops.length > 0) writer.end(given.drops.map(({ row }) => row.id))
    if (isWritten) {
      // One that it would not take waits in memory.
      for (const id of given.missing) if (queue.get(id)?.isStored) queue.delete(id)
      for (const { id } of given.others) queue.delete(id)
    }
    return taken.length + given.drops.length
  }

  return {
    isRunningOut: (entry) => entry.isStored && !isLeased(entry),

    claim(entry) {
      const { row, isStored } = entry
      if (isLeased(entry)) return true
      // While the database takes it as anybody's, another page may get it before word of our lease.
      if (isStored || writer.isUnderWay(row.id)) return false
      // New ones, which nobody has put yet, are put with their lease.
      if (writer.unstored(row.id)) leaseUnasked(entry)
      return true
    },

    async renew(first) {
      const others = queue
        .all()
        .filter(
          (entry) => entry !== first && !entry.isInFlight && entry.isStored && !isLeased(entry),
        )
      const ids = [first, ...others].slice(0, batch).map(({ row }) => row.id)
      let given: LeaseResult | undefined
      const written = await run(place, (store) => (given = lease(store, ids, lessee())))
      take(given, written !== undefined)
      for (const id of ids) {
        const entry = queue.get(id)
        if (entry && (written === undefined || !entry.isStored)) leaseUnasked(entry)
      }
      return Math.min(...(given?.others ?? []).map(({ due }) => due))
    },

    leaseSent(entries) {
      const stored = entries.filter(({ isStored }) => isStored)
      if (stored.length === 0) return
      const { page } = lessee()
      const from = now()
      const work = (store: IDBObjectStore) => {
        for (const { row } of stored) update(store, leased(row, page, from), page)
      }
      database.run(work, () => undefined)
      for (const entry of stored) entry.leasedUntil = elapsed() + leaseMs
    },

    async fetch(id) {
      if (writer.hasEnded(id)) return undefined
      const isOpen = await ready()
      // What the database would not have is sent from memory.
      if (queue.get(id)) return 'taken'
      if (!isOpen) return undefined
      let given: LeaseResult | undefined
      const written = await run(place, (store) => (given = lease(store, [id], lessee())))
      const [other] = given?.others ?? []
      if (other) return isDeferred(other) ? undefined : { until: other.due }
      take(given, written !== undefined)
      return queue.get(id) ? 'taken' : undefined
    },

    async fetchDue() {
      if (!(await ready())) return undefined
      let given: ReturnType<typeof leaseNext> | undefined
      const written = await run(
        place,
        (store) => (given = leaseNext(store, lane, lessee(), batch, isKnown)),
      )
      const taken = take(given?.leases, written !== undefined)
      if (given && !given.isAll) return { taken, isAll: false, next: now() }
      const next = await run(place, (store) => nextDue(store, lane, isKnown), 'readonly')
      return next && { taken, isAll: true, next: next.at }
    },
  }
}
