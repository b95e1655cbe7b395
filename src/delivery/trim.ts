import { all, on } from './request.ts'
import { maxAgeMs } from './limits.ts'
import type { DropReason } from './outcome.ts'
import type { Row } from './row.ts'

/** All that one origin keeps, so that a long outage never fills the site's own storage. */
export const maxRows = 5000
const maxBytes = 5_000_000

/** A row that is gone, and why. */
export type Drop = { row: Row; reason: DropReason }

export type Trimmed = {
  drops: Drop[]
  /** How many rows can be added before it is worth looking again; other tabs add some, too. */
  roomFor: number
}

const lookAgainAfter = 50
/** So many more hits may be of another size. */
const measureAgainAfter = 500

/** Keeps the stored rows within the limits of age, number and size; the oldest go first. */
export function createTrimmer(
  bytesOf: (row: Row) => number,
): (store: IDBObjectStore, now: number) => Trimmed {
  // Sizes are added up only when they can matter, which nobody knows before the first time.
  let meanBytes = Infinity
  /** How many there were then, or since. */
  let measured = 0

  return (store, now) => {
    const age = store.index('age')
    const trimmed: Trimmed = { drops: [], roomFor: 0 }

    const dropAll = (rows: Row[], reason: DropReason) => {
      for (const row of rows) {
        store.delete(row.id)
        trimmed.drops.push({ row, reason })
      }
    }

    function evict(count: number, budget: number): void {
      const excess = count - Math.min(budget, maxRows)
      const left = count - Math.max(0, excess)
      trimmed.roomFor = Math.min(lookAgainAfter, maxRows - left, maxBytes / meanBytes - left)
      if (excess > 0) {
        on(all<Row>(age, null, excess), (oldest) => dropAll(oldest, 'evicted'))
      }
    }

    /** How many of the newest rows are within the limit of size. */
    function measure(count: number): void {
      let rows = 0
      let bytes = 0
      on(age.openCursor(null, 'prev'), (cursor) => {
        if (cursor) {
          bytes += bytesOf(cursor.value as Row)
          if (bytes <= maxBytes) {
            rows += 1
            cursor.continue()
            return
          }
        }
        // A little more than the mean, for the hits to come.
        meanBytes = (bytes / Math.max(1, rows)) * 1.1
        measured = rows
        evict(count, rows)
      })
    }

    on(all<Row>(age, IDBKeyRange.upperBound(now - maxAgeMs, true)), (old) => {
      dropAll(old, 'too-old')
      on(store.count(), (count) => {
        measured = Math.min(measured, count)
        if (count * meanBytes > maxBytes || count > measured + measureAgainAfter) measure(count)
        else evict(count, count)
      })
    })
    return trimmed
  }
}
