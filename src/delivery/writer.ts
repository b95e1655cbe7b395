import { elapsed } from '../browser/clock.ts'
import type { Client } from './client.ts'
import type { Database } from './database.ts'
import { minute, second } from './limits.ts'
import type { Row } from './row.ts'
import { deleteAll, putAll } from './store.ts'
import { type Drop, createTrimmer, maxRows } from './trim.ts'

/** After the database refused (full, say), it is left alone for so long. */
const restMs = minute
/** What need not be done at once is gathered for so long. */
const afterMs = second

/** Keeps the database in step with this page: what is new goes in at once, what has ended goes out. */
export type Writer = {
  /** Writes rows down, within this task if the database is open. */
  put: (rows: readonly Row[]) => void
  /** The same rows once more, as soon as the database will have them. */
  persist: () => void
  /** Deletes a row, if the database has it or may get it; gathered for a second. */
  remove: (id: string, isStored: boolean) => void
  /** The database may have taken these, though it did not say so. */
  doubt: (ids: readonly string[]) => void
  /** Deletes what is to be deleted, now. */
  deleteEnded: () => void
  /** It has ended, though the database may still have it. */
  hasEnded: (id: string) => boolean
  /** How many rows have ended, which the database will not delete. */
  undeletable: () => number
  /** The row as the database has not got it yet. */
  unstored: (id: string) => Row | undefined
  allUnstored: () => Row[]
  /** The database is taking it at this moment. */
  isStoring: (id: string) => boolean
  /** The same, and as it is now. */
  isUnderWay: (id: string) => boolean
  forget: (id: string) => void
  /** Ended on an earlier page. */
  end: (ids: readonly string[]) => void
  /** The page goes: what is outstanding is left to the next one. */
  leave: (page: string) => void
  back: () => void
}

export function createWriter({
  persistent,
  database,
  client,
  bytesOf,
  ageNow,
  onStored,
  onDrop,
}: {
  persistent: boolean
  database: Database
  client: Client
  bytesOf: (row: Row) => number
  ageNow: () => number
  onStored: (id: string) => void
  onDrop: (drop: Drop) => void
}): Writer {
  const trim = createTrimmer(bytesOf)
  const unstored = new Map<string, Row>()
  /** Of those, what no transaction has: in a burst few, while all the others are on their way. */
  const unwritten = new Map<string, Row>()
  const storing = new Set<string>()
  /** No longer waited for: a database that was silent may take them all the same. */
  const unheard = new Set<string>()
  const ended = new Set<string>()
  /** The page that has left, until it comes back. */
  let left: string | undefined
  let storeFrom = -Infinity
  let deleteFrom = -Infinity
  let roomFor = 0
  let isTrimming = false
  /** It did not take the last put: the next one is read back. */
  let isDoubted = false
  /** It said that it had, and had not: nor may it have what it was not asked about since. */
  let hasLied = false
  let timer: ReturnType<typeof setTimeout> | undefined
  let timedAt = -Infinity
  let trimming: ReturnType<typeof setTimeout> | undefined

  function forget(id: string): void {
    unstored.delete(id)
    unwritten.delete(id)
  }

  function persist(): void {
    const excess = unstored.size - maxRows
    if (excess > 0) {
      for (const row of [...unstored.values()].slice(0, excess)) onDrop({ row, reason: 'evicted' })
    }
    if (!database.isOpen()) {
      void database.open().then((opened) => opened && persist())
      return
    }
    if (elapsed() < storeFrom) return
    const rows = [...unwritten.values()].filter(({ id }) => !storing.has(id))
    if (rows.length === 0) return
    for (const { id } of rows) {
      unwritten.delete(id)
      storing.add(id)
    }
    roomFor -= rows.length
    const looks = roomFor <= 0 && !isTrimming
    // Reading back takes time, in which a browser may be killed: not for each row of a burst.
    const isAsked = looks || isDoubted
    database.run(
      (store) => putAll(store, rows, isAsked),
      (stored) => settle(rows, stored?.isDone, isAsked),
    )
    if (looks) {
      // Later: it takes several steps, and what is put meanwhile would wait behind it.
      isTrimming = true
      trimming = setTimeout(trimNow, afterMs)
    }
  }

  function trimNow(): void {
    roomFor = 0
    database.run(
      (store) => trim(store, ageNow()),
      (trimmed) => {
        isTrimming = false
        const cameMeanwhile = roomFor < 0
        roomFor += trimmed?.roomFor ?? 0
        // What has ended meanwhile was told already.
        trimmed?.drops.filter(({ row }) => !ended.has(row.id)).forEach(onDrop)
        if (!trimmed || !cameMeanwhile || roomFor > 0) return
        isTrimming = true
        trimNow()
      },
    )
  }

  function settle(rows: Row[], isDone: boolean | undefined, wasAsked: boolean): void {
    if (wasAsked && isDone !== undefined) hasLied = !isDone
    const isStored = isDone === true && (wasAsked || !hasLied)
    for (const row of rows) {
      storing.delete(row.id)
      // It may have changed meanwhile.
      const isLatest = unstored.get(row.id) === row
      if (isStored) onStored(row.id)
      else if (isDone || !database.isOpen()) unheard.add(row.id)
      if (isLatest && isStored) unstored.delete(row.id)
      else if (isLatest) unwritten.set(row.id, row)
    }
    const wasDoubted = isDoubted
    isDoubted = !isStored
    // Out of quota, say. A connection that died is opened again: now once, then by the next call.
    if (!isStored && database.isOpen()) storeFrom = elapsed() + restMs
    else if (unwritten.size > 0 && !(isDoubted && wasDoubted)) persist()
    saveRest()
  }

  /**
   * A browser may abort a transaction whose page goes, committed as it is; and where there is no
   * database, memory goes with the page.
   */
  function saveRest(): void {
    if (left === undefined || !persistent) return
    if (ended.size > 0) client.end([...ended])
    for (const { id } of client.leave(left, [...unstored.values()])) {
      if (!storing.has(id)) forget(id)
      onStored(id)
    }
  }

  function deleteEnded(): void {
    clearTimeout(timer)
    timedAt = -Infinity
    const ids = [...ended]
    if (ids.length === 0) return
    // No page is to send them once more, though all find them.
    if (elapsed() < deleteFrom) return client.end(ids)
    database.run(
      (store) => deleteAll(store, ids),
      (deleted) => {
        if (deleted?.isDone) {
          for (const id of ids) ended.delete(id)
          client.settle(ids)
        } else {
          deleteFrom = elapsed() + restMs
          client.end(ids)
        }
      },
    )
  }

  return {
    put(rows) {
      for (const row of rows) {
        unstored.set(row.id, row)
        unwritten.set(row.id, row)
      }
      persist()
      saveRest()
    },
    persist,
    remove(id, isStored) {
      const mayBeStored = unheard.delete(id) || isStored || storing.has(id) || !unstored.has(id)
      forget(id)
      if (!persistent) return
      // An earlier page left it in the note, and other tabs may have it from there: they hear of it now.
      const isNoted = client.unsaved().some((row) => row.id === id)
      if (isNoted) client.end([id])
      if (mayBeStored) {
        ended.add(id)
        // Once more if it has not come: some pages stop all timers.
        if (elapsed() - timedAt > afterMs) {
          timedAt = elapsed()
          timer = setTimeout(deleteEnded, afterMs)
        }
      } else if (isNoted) setTimeout(() => client.settle([id]), afterMs)
    },
    doubt: (ids) => ids.forEach((id) => unheard.add(id)),
    deleteEnded,
    hasEnded: (id) => ended.has(id),
    undeletable: () => (elapsed() < deleteFrom ? ended.size : 0),
    unstored: (id) => unstored.get(id),
    allUnstored: () => [...unstored.values()],
    isStoring: (id) => storing.has(id),
    isUnderWay: (id) => storing.has(id) && !unwritten.has(id),
    forget,
    end(ids) {
      for (const id of ids) {
        forget(id)
        ended.add(id)
      }
      deleteEnded()
    },
    leave(page) {
      left = page
      clearTimeout(trimming)
      isTrimming = false
      saveRest()
      deleteEnded()
    },
    back: () => (left = undefined),
  }
}
