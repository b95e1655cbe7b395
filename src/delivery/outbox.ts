import type { Hit } from '../hit/hit.ts'
import { leaseMs, maxAgeMs } from './endpoint.ts'
import type { DropReason } from './policy.ts'
import { held, type Row } from './row.ts'
import { type Fate, type Rows, type RowsOptions, createRows } from './rows.ts'
import type { Table } from './table.ts'

const maxHeld = 100

/** Where the hits of one client id and endpoint wait until the collector has them. */
export type Outbox = Pick<Rows, 'put' | 'remove' | 'join' | 'leave' | 'close'> & {
  /** Writes a row down that waits for its visitor to become known. */
  hold: (row: Row) => void
  /** Writes down how an attempt ended, unless the row was deleted meanwhile. */
  release: (row: Row) => Promise<void>
  /**
   * The oldest row that is due, which now belongs to this tab until its new `due`. A `due` past
   * `latestDue` counts as due: the clock was set back.
   */
  claim: (now: number, latestDue: number) => Promise<Row | undefined>
  nextDue: () => Promise<number | undefined>
  /**
   * Completes and frees the held hits of these visitors; whether there were any, `undefined` if they
   * could not be had.
   */
  completeHeld: (
    visitors: readonly string[],
    complete: (hit: Hit) => Hit | undefined,
  ) => Promise<boolean | undefined>
  /** Drops the hits that are held since `madeUntil` or before. */
  dropHeld: (madeUntil: number) => Promise<void>
  pending: () => Promise<number>
  /** It was to be deleted, but its tab was not told. */
  isForgotten: (row: Row) => boolean
  /** Deletes all that waits for the client id, in all tabs. */
  forget: () => Promise<void>
  /** The rows that this page knows, oldest first, without asking the database. */
  known: () => Row[]
}

async function drop(table: Table, rows: Row[], dropped: DropReason): Promise<Fate[]> {
  await Promise.all(rows.map(({ id }) => table.delete(id)))
  return rows.map((row) => ({ row, dropped }))
}

const byAge = (a: Row, b: Row) => a.at - b.at

export function createOutbox(options: RowsOptions): Outbox {
  const rows = createRows(options)
  const { put, remove, join, leave, close, transact } = rows
  const { isForgotten } = options.client

  const outbox: Outbox = {
    put,
    remove,
    join,
    leave,
    close,

    hold(row) {
      put([{ ...row, due: held }])
      void transact(async (table) => {
        const oldest = (await table.due(held, held)).sort(byAge).slice(0, -maxHeld)
        return drop(table, oldest, 'evicted')
      })
    },

    async release(row) {
      await transact(async (table) => {
        if ((await table.get(row.id)) === undefined) return []
        await table.put(row)
        return [{ row }]
      })
    },

    async claim(now, latestDue) {
      let found: Row | undefined
      let isDropped = false as boolean
      const [mine] = await transact(async (table) => {
        if (found) return []
        const [row] = [
          ...(await table.due(0, now, 1)),
          ...(await table.due(latestDue + 1, Number.MAX_VALUE, 1)),
        ]
        if (row === undefined) return []
        const isOld = row.at < now - maxAgeMs
        isDropped = isOld || isForgotten(row)
        if (isDropped) return drop(table, [row], isOld ? 'too-old' : 'consent')
        found = { ...row, attempts: row.attempts + 1 }
        const leased = { ...found, due: now + leaseMs }
        await table.put(leased)
        return [{ row: leased }]
      })
      if (mine) rows.take(mine.id)
      else if (isDropped) return outbox.claim(now, latestDue)
      // Without a lease if none can be written, as when the disk is full.
      return mine ?? found
    },

    async nextDue() {
      const next = await transact(async (table) =>
        (await table.due(0, Number.MAX_VALUE, 1)).map((row) => ({ row })),
      )
      return next.length === 0 ? undefined : Math.min(...next.map(({ due }) => due))
    },

    async completeHeld(visitors, complete) {
      let isAsked = false as boolean
      const freed = await transact(async (table) => {
        const known = (await table.due(held, held)).filter(({ hit }) =>
          visitors.includes(hit.visitor_id),
        )
        const fates = known.map(async (row): Promise<Fate> => {
          const hit = complete(row.hit)
          const fate = hit ? { row: { ...row, hit, due: row.at } } : undefined
          await (fate ? table.put(fate.row) : table.delete(row.id))
          return fate ?? { row, dropped: 'too-large' }
        })
        const all = await Promise.all(fates)
        isAsked = true
        return all
      })
      return isAsked ? freed.length > 0 : undefined
    },

    async dropHeld(madeUntil) {
      await transact(async (table) => {
        const old = (await table.due(held, held)).filter(({ at }) => at <= madeUntil)
        return drop(table, old, 'anonymous')
      })
    },

    async pending() {
      let count = 0
      await transact(async (table) => {
        count += await table.count()
        return []
      })
      return count
    },

    isForgotten,

    async forget() {
      options.client.forget()
      await rows.removeAll('consent')
    },

    known: () => rows.known().sort(byAge),
  }
  return outbox
}
