import { now } from '../browser/clock.ts'
import { all, commit, on } from './request.ts'
import { maxAgeMs } from './limits.ts'
import { type Row, type Sent, freed, held, isDue, leased, sentBefore, unanswered } from './row.ts'
import type { Drop } from './trim.ts'

// What is done with the rows of one client id and endpoint, each in one transaction.

/** The rows of one client id and endpoint in IndexedDB. */
export type Lane = { clientId: string; endpoint: string }

/** A page that takes rows on lease. */
export type Lessee = {
  page: string
  /** The time by which rows age, whatever the clock says. */
  ageNow: () => number
  isForgotten: (row: Row) => boolean
  /** What pages that have left sent, as it is known at the moment it is asked. */
  sent: () => Sent
}

/** What a page was given of what it asked for. */
export type LeaseResult = {
  /** On lease now; with a transaction that failed, rows that nobody else is sending. */
  rows: Row[]
  drops: Drop[]
  /** Asked for, and gone: others delivered or forgot them. */
  missing: string[]
  /** Asked for, and another page's for now. */
  others: Row[]
}

const rangeOf = ({ clientId, endpoint }: Lane, from: number, to: number) =>
  IDBKeyRange.bound([clientId, endpoint, from], [clientId, endpoint, to])

/** Gives each of the rows that is due to the page, until its new `due`. */
export function lease(store: IDBObjectStore, ids: readonly string[], lessee: Lessee): LeaseResult {
  const { page, ageNow, isForgotten } = lessee
  const leases: LeaseResult = { rows: [], drops: [], missing: [], others: [] }
  let sentByOthers: Sent | undefined
  for (const id of ids) {
    on<Row | undefined>(store.get(id) as IDBRequest<Row | undefined>, (row) => {
      // Not sooner: a transaction waits for others, which may have leased the row meanwhile.
      const at = now()
      // A page that goes sends what waits, and its browser may not let it write that into the database.
      const sent = row && unanswered(row, (sentByOthers ??= lessee.sent()), at)
      if (row === undefined) leases.missing.push(id)
      else if (sent) {
        store.put(sent)
        leases.others.push(sent)
      } else if (row.owner !== page && !isDue(row, at)) leases.others.push(row)
      else if (row.at < ageNow() - maxAgeMs || isForgotten(row)) {
        store.delete(id)
        leases.drops.push({ row, reason: isForgotten(row) ? 'consent' : 'too-old' })
      } else {
        const given = leased(row, page, at)
        leases.rows.push(given)
        store.put(given)
      }
    })
  }
  return leases
}

type NextLeases = { leases: LeaseResult | undefined; isAll: boolean }

/** Takes on lease the `limit` most due rows that are not `known` to the page. */
export function leaseNext(
  store: IDBObjectStore,
  lane: Lane,
  lessee: Lessee,
  limit: number,
  isKnown: (id: string) => boolean,
): NextLeases {
  const given: NextLeases = { leases: undefined, isAll: true }
  const due = store.index('lane').getAllKeys(rangeOf(lane, 0, now()))
  on(due as IDBRequest<string[]>, (ids) => {
    const unknown = ids.filter((id) => !isKnown(id))
    given.isAll = unknown.length <= limit
    given.leases = lease(store, unknown.slice(0, limit), lessee)
  })
  return given
}

/** Frees what can be freed. */
export function free(store: IDBObjectStore, lane: Lane, gone: readonly string[], sent: Sent): void {
  /** Of the rows that pages before the last one left, most are free as they are. */
  function put(row: Row, sentAt?: number): void {
    const next = freed(row, now(), sentAt)
    const isAsItWas = next.due === row.due && next.from === row.from && next.owner === row.owner
    if (!isAsItWas) store.put(next)
  }

  on(all<Row>(store.index('lane'), rangeOf(lane, now(), Number.MAX_VALUE)), (rows) => {
    const others = new Set(sent.keys())
    for (const row of rows) {
      others.delete(row.id)
      const sentAt = sentBefore(row, sent, now())
      const isGone = row.owner !== undefined && gone.includes(row.owner)
      if (sentAt !== undefined || isGone || isDue(row, now())) put(row, sentAt)
    }
    for (const id of others) {
      on<Row | undefined>(store.get(id) as IDBRequest<Row | undefined>, (row) => {
        if (row === undefined || row.due === held) return
        const sentAt = sentBefore(row, sent, now())
        if (sentAt !== undefined) put(row, sentAt)
      })
    }
  })
}

/** Puts rows that the store has not got; whether it keeps them. */
export function putNew(store: IDBObjectStore, rows: readonly Row[]): { isDone: boolean } {
  const result = { isDone: true }
  for (const row of rows) {
    on(store.getKey(row.id), (found) => {
      if (found !== undefined) return
      store.put(row)
      on(store.getKey(row.id), (kept) => {
        if (kept === undefined) result.isDone = false
      })
    })
  }
  return result
}

/** When the next row that is not `known` comes due: `at` is `Infinity` if none does. */
export function nextDue(
  store: IDBObjectStore,
  lane: Lane,
  isKnown: (id: string) => boolean,
): { at: number } {
  const next = { at: Infinity }
  const range = rangeOf(lane, 0, Number.MAX_VALUE)
  on(store.index('lane').openKeyCursor(range), (cursor) => {
    if (!cursor) return
    if (isKnown(cursor.primaryKey as string)) cursor.continue()
    else next.at = (cursor.key as [string, string, number])[2]
  })
  return next
}

/**
 * Writes down how an attempt ended, unless the row was deleted meanwhile, or is another page's `until`
 * then: this one may have been frozen. Whether it is there for this page.
 */
export function update(
  store: IDBObjectStore,
  row: Row,
  page: string,
): { isThere: boolean; until?: number } {
  const found: { isThere: boolean; until?: number } = { isThere: false }
  on<Row | undefined>(store.get(row.id) as IDBRequest<Row | undefined>, (stored) => {
    const isOthers = stored?.owner !== undefined && stored.owner !== page && !isDue(stored, now())
    found.isThere = stored !== undefined && !isOthers
    if (isOthers) found.until = stored.due
    if (found.isThere) store.put(row)
  })
  return found
}

/** The held rows that `choose` wants: changed, or dropped. */
export function changeHeld(
  store: IDBObjectStore,
  lane: Lane,
  choose: (row: Row, all: readonly Row[]) => Row | Drop | undefined,
): { changed: Row[]; drops: Drop[] } {
  const result: { changed: Row[]; drops: Drop[] } = { changed: [], drops: [] }
  on(all<Row>(store.index('lane'), rangeOf(lane, held, held)), (rows) => {
    const byAge = [...rows].sort((a, b) => a.at - b.at)
    for (const row of byAge) {
      const fate = choose(row, byAge)
      if (fate === undefined) continue
      if ('reason' in fate) {
        store.delete(row.id)
        result.drops.push(fate)
      } else {
        store.put(fate)
        result.changed.push(fate)
      }
    }
  })
  return result
}

export function count(store: IDBObjectStore, lane: Lane): { rows: number } {
  const counted = { rows: 0 }
  on(store.index('lane').count(rangeOf(lane, 0, held)), (rows) => {
    counted.rows = rows
  })
  return counted
}

/** Deletes all rows of a client id, whatever their endpoint, that were to be forgotten. */
export function deleteForgotten(
  store: IDBObjectStore,
  clientId: string,
  isForgotten: (row: Row) => boolean,
): Row[] {
  const deleted: Row[] = []
  // In the order of IndexedDB's keys an array comes after every string.
  const ofClient = IDBKeyRange.bound([clientId], [clientId, []])
  on(all<Row>(store.index('lane'), ofClient), (rows) => {
    for (const row of rows.filter(isForgotten)) {
      store.delete(row.id)
      deleted.push(row)
    }
  })
  return deleted
}

/** Puts rows; whether the store has them, as far as that is asked. */
export function putAll(
  store: IDBObjectStore,
  rows: readonly Row[],
  isAsked: boolean,
): { isDone: boolean } {
  for (const row of rows) store.put(row)
  return readBack(store, isAsked ? rows[0]?.id : undefined, true)
}

/** Deletes rows; whether they are gone. */
export function deleteAll(store: IDBObjectStore, ids: readonly string[]): { isDone: boolean } {
  for (const id of ids) store.delete(id)
  return readBack(store, ids[0], false)
}

/** Whether the database gives back what it was told; some say yes and keep nothing. */
function readBack(store: IDBObjectStore, id: string | undefined, isThere: boolean) {
  const result = { isDone: true }
  if (id !== undefined) {
    on(store.getKey(id), (key) => {
      result.isDone = (key !== undefined) === isThere
    })
  }
  commit(store)
  return result
}
