import type { Hit } from '../hit/hit.ts'
import type { Store } from './database.ts'
import { maxAgeMs } from './endpoint.ts'
import type { Row } from './row.ts'

/** All that one origin keeps, so that a long outage never fills the site's own storage. */
export const maxRows = 5000
const maxBytes = 5_000_000

export type Trimmed = {
  fates: { row: Row; dropped: 'too-old' | 'evicted' }[]
  /** How many rows can be added before it is worth looking again; other tabs add some, too. */
  roomFor: number
}

const lookAgainAfter = 50

/** Keeps the stored rows within the limits of age, number and size; the oldest go first. */
export function createTrimmer(
  bytesOf: (hit: Hit) => number,
): (store: Store, now: number) => Promise<Trimmed> {
  // Sizes are added up only when they can matter, which nobody knows before the first time.
  let meanBytes = Infinity

  async function rowsWithinBudget(store: Store): Promise<number> {
    let rows = 0
    let bytes = 0
    let cursor = await store.index('age').openCursor(null, 'prev')
    while (cursor) {
      bytes += bytesOf(cursor.value.hit)
      if (bytes > maxBytes) break
      rows += 1
      cursor = await cursor.continue()
    }
    // A little more than the mean, for the hits to come.
    meanBytes = (bytes / Math.max(1, rows)) * 1.1
    return rows
  }

  return async (store, now) => {
    const age = store.index('age')
    const old = await age.getAll(IDBKeyRange.upperBound(now - maxAgeMs, true))
    await Promise.all(old.map(async ({ id }) => store.delete(id)))
    const count = await store.count()
    const budget = count * meanBytes > maxBytes ? await rowsWithinBudget(store) : count
    const excess = count - Math.min(budget, maxRows)
    const oldest = excess > 0 ? await age.getAll(null, excess) : []
    await Promise.all(oldest.map(async ({ id }) => store.delete(id)))
    const left = count - oldest.length
    return {
      fates: [
        ...old.map((row) => ({ row, dropped: 'too-old' as const })),
        ...oldest.map((row) => ({ row, dropped: 'evicted' as const })),
      ],
      roomFor: Math.min(lookAgainAfter, maxRows - left, maxBytes / meanBytes - left),
    }
  }
}
