import type { Store } from './database.ts'
import { held, type Row } from './row.ts'

/**
 * The rows of one client id and endpoint, in IndexedDB or in memory: the outbox's rules are written
 * once, for both.
 */
export type Table = {
  get: (id: string) => Promise<Row | undefined> | Row | undefined
  put: (row: Row) => unknown
  delete: (id: string) => unknown
  /** Rows with a `due` in [from, to], the most due first. */
  due: (from: number, to: number, limit?: number) => Promise<Row[]> | Row[]
  count: () => Promise<number> | number
}

export function storedTable(store: Store, clientId: string, endpoint: string): Table {
  const lane = store.index('lane')
  const range = (from: number, to: number) =>
    IDBKeyRange.bound([clientId, endpoint, from], [clientId, endpoint, to])
  return {
    get: async (id) => store.get(id),
    put: async (row) => store.put(row),
    delete: async (id) => store.delete(id),
    due: (from, to, limit) => lane.getAll(range(from, to), limit),
    count: () => lane.count(range(0, held)),
  }
}

/** Rows in memory, but for those that are just being stored and so are the other table's. */
export function memoryTable(rows: Map<string, Row>, storing: Set<string>): Table {
  return {
    get: (id) => rows.get(id),
    put: (row) => rows.set(row.id, row),
    delete: (id) => rows.delete(id),
    due: (from, to, limit) =>
      [...rows.values()]
        .filter(({ id, due }) => due >= from && due <= to && !storing.has(id))
        .sort((a, b) => a.due - b.due)
        .slice(0, limit),
    count: () => rows.size - storing.size,
  }
}
