import type { Hit } from '../hit/hit.ts'
import type { Client } from './client.ts'
import { commit, createDatabase } from './database.ts'
import { inForce } from './endpoint.ts'
import type { DropReason } from './policy.ts'
import type { Row } from './row.ts'
import { type Table, memoryTable, storedTable } from './table.ts'
import { createTabs } from './tabs.ts'
import { createTrimmer, maxRows } from './trim.ts'

/** More could not be sent while the page goes: see the limits in `obstacle`. */
const maxMirrored = 300
const retryStoringAfterMs = 60_000
const removeAfterMs = 50

/** A row after a transaction: still there, or dropped with a reason. */
export type Fate = { row: Row; dropped?: DropReason }

/** The rows of one client id and endpoint: in IndexedDB, or in memory for as long as that fails. */
export type Rows = {
  /** Writes rows down, within this task if the database is open. */
  put: (rows: Row[]) => void
  remove: (id: string) => void
  /**
   * Runs `work` on the rows of the database, and once more on those in memory if there are any;
   * reports what it dropped, and returns the others it answers with.
   */
  transact: (work: (table: Table) => Promise<Fate[]>) => Promise<Row[]>
  /** This tab sends the row now: the others need not, when they go. */
  take: (id: string) => void
  /** Deletes all rows of the client id, whatever their endpoint, in all tabs. */
  removeAll: (reason: DropReason) => Promise<void>
  /** The rows of this page, without asking the database. */
  known: () => Row[]
  /** Opens the database and listens to the other tabs. */
  join: () => void
  /** Writes down what is outstanding, and listens to nobody. */
  leave: () => void
  close: () => void
}

export type RowsOptions = {
  clientId: string
  endpoint: string
  /** Without it, everything stays in memory. */
  persistent: boolean
  client: Client
  bytesOf: (hit: Hit) => number
  onDrop: (row: Row, reason: DropReason) => void
}

export function createRows(options: RowsOptions): Rows {
  const { clientId, endpoint, persistent, client, onDrop } = options
  const database = createDatabase(persistent)
  const trim = createTrimmer(options.bytesOf)
  /** Rows that the database has not taken. */
  const memory = new Map<string, Row>()
  /** Those of them that it is taking now. */
  const beingStored = new Set<string>()
  const writes = new Set<Promise<void>>()
  /** Some of the rows that it has taken, for when the page goes and there is no time to ask. */
  const mirror = new Map<string, Row>()
  const removed = new Set<string>()
  let removing: ReturnType<typeof setTimeout> | undefined
  let left = false
  let storeFrom = 0
  let roomFor = 0

  const lose = (ids: string[]) => {
    for (const id of ids) {
      memory.delete(id)
      mirror.delete(id)
    }
  }
  const loseAll = () => {
    memory.clear()
    mirror.clear()
  }
  const tabs = createTabs(clientId, lose, loseAll)

  function settle(fates: Fate[]): Row[] {
    const kept: Row[] = []
    for (const { row, dropped } of fates) {
      if (dropped === undefined) {
        kept.push(row)
        if (mirror.has(row.id)) mirror.set(row.id, row)
      } else {
        lose([row.id])
        const ours = row.hit.client_id === clientId && row.endpoint === endpoint
        if (ours) onDrop(row, dropped)
      }
    }
    return kept
  }

  function keepTrack(work: Promise<void>): void {
    const write = work.finally(() => writes.delete(write))
    writes.add(write)
  }

  const persist = () => keepTrack(persistMemory())

  async function persistMemory(): Promise<void> {
    if (!(database.isOpen() || (await database.open())) || inForce(storeFrom, Date.now())) {
      settle([...memory.values()].slice(0, -maxRows).map((row) => ({ row, dropped: 'evicted' })))
      return
    }
    const rows = [...memory.values()].filter(({ id }) => !beingStored.has(id))
    if (rows.length === 0) return
    for (const { id } of rows) beingStored.add(id)
    const stored = await database.run(async (store) => {
      await commit(store, (row) => store.put(row), rows)
      return true
    })
    for (const row of rows) {
      beingStored.delete(row.id)
      if (!stored || memory.get(row.id) !== row) continue
      memory.delete(row.id)
      if (mirror.size < maxMirrored) mirror.set(row.id, row)
    }
    // Out of quota, say. A connection that died is opened again by the next call instead.
    if (!stored && database.isOpen()) storeFrom = Date.now() + retryStoringAfterMs
    roomFor -= rows.length
    if (roomFor > 0) return
    const trimmed = await database.run((store) => trim(store, Date.now()))
    roomFor = trimmed?.roomFor ?? 0
    settle(trimmed?.fates ?? [])
  }

  function removeNow(): void {
    clearTimeout(removing)
    removing = undefined
    if (removed.size === 0) return
    const ids = [...removed]
    removed.clear()
    tabs.lost(ids)
    client.release(ids)
    const erase = () =>
      database.run(async (store) => {
        await commit(store, (id) => store.delete(id), ids)
        return true
      })
    const erasing = database.isOpen() ? erase() : database.open().then(erase)
    void erasing.then((erased) => {
      if (!erased && database.isOpen()) for (const id of ids) removed.add(id)
    })
  }

  /**
   * A browser may abort a transaction whose page goes, committed as it is; and where there is no
   * database, memory goes with the page.
   */
  function saveRest(): void {
    if (!persistent) return
    const rest = [...memory.values()].filter(({ id }) => !mirror.has(id))
    for (const { id } of client.save(rest)) memory.delete(id)
  }

  async function takeRest(): Promise<void> {
    const saved = client.saved()
    if (saved.length === 0) return
    await database.open()
    const stored = await database.run(async (store) => {
      const put = async (row: Row) => (await store.get(row.id)) ?? store.put(row)
      await Promise.all(saved.map(put))
      return true
    })
    if (stored) client.release(saved.map(({ id }) => id))
    else for (const row of saved) memory.set(row.id, row)
  }

  const wake = () => {
    if (!persistent) return
    if (!left) tabs.join()
    void database.open()
  }

  function put(rows: Row[]): void {
    if (rows.length === 0) return
    wake()
    for (const row of rows) memory.set(row.id, row)
    persist()
    if (left) saveRest()
  }

  return {
    put,

    remove(id) {
      lose([id])
      removed.add(id)
      removing ??= setTimeout(removeNow, removeAfterMs)
    },

    async transact(work) {
      wake()
      await database.open()
      persist()
      await Promise.all(writes)
      removeNow()
      const fates =
        (await database.run((store) => work(storedTable(store, clientId, endpoint)))) ?? []
      if (memory.size > 0) fates.push(...(await work(memoryTable(memory, beingStored))))
      return settle(fates)
    },

    take: (id) => tabs.lost([id]),

    async removeAll(reason) {
      const kept = [...memory.values()]
      loseAll()
      tabs.forgotten()
      await database.open()
      const stored = await database.run(async (table) => {
        // In the order of IndexedDB's keys an array comes after every string.
        const all = await table.index('lane').getAll(IDBKeyRange.bound([clientId], [clientId, []]))
        await Promise.all(all.map(async ({ id }) => table.delete(id)))
        return all
      })
      settle([...(stored ?? []), ...kept].map((row) => ({ row, dropped: reason })))
    },

    known: () => [...memory.values(), ...mirror.values()],

    join() {
      left = false
      wake()
      if (persistent) keepTrack(takeRest())
    },

    leave() {
      left = true
      saveRest()
      removeNow()
      tabs.leave()
      // Should the page come back, other tabs may have sent them meanwhile; the database knows.
      mirror.clear()
    },

    close() {
      left = true
      saveRest()
      removeNow()
      tabs.leave()
      database.close()
    },
  }
}
