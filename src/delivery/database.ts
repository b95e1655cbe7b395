import { type DBSchema, type IDBPDatabase, type IDBPObjectStore, openDB } from 'idb'
import { within } from '../browser/deadline.ts'
import type { Row } from './row.ts'

const name = 'skalin'
const openTimeoutMs = 2000
const reopenAfterMs = 60_000
const transactionTimeoutMs = 10_000

interface Schema extends DBSchema {
  outbox: {
    key: string
    value: Row
    indexes: { lane: [string, string, number]; age: number }
  }
}

export type Store = IDBPObjectStore<Schema, ['outbox'], 'outbox', 'readwrite'>

/** Whether the origin has the database. Opening it to see would create it. */
export async function databaseExists(): Promise<boolean> {
  try {
    return (await indexedDB.databases()).some((database) => database.name === name)
  } catch {
    return false
  }
}

const connectionDied = Symbol('connection died')

/** The outbox's IndexedDB, as far as there is one. */
export type Database = {
  isOpen: () => boolean
  /** Opens it, unless that failed a moment ago; whether it is open then. Never rejects. */
  open: () => Promise<boolean>
  /**
   * Runs one transaction, begun in this very task. `undefined` when the database is not open or the
   * transaction failed. Never rejects.
   */
  run: <Result>(work: (store: Store) => Result | Promise<Result>) => Promise<Result | undefined>
  close: () => void
}

/** A database that opens at the first need, and again after its connection died. */
export function createDatabase(enabled: boolean): Database {
  let db: IDBPDatabase<Schema> | undefined
  let opening: Promise<boolean> | undefined
  let failedAt = -Infinity

  const close = () => {
    db?.close()
    db = undefined
  }

  async function connect(): Promise<boolean> {
    const request = openDB<Schema>(name, 1, {
      upgrade(fresh) {
        const outbox = fresh.createObjectStore('outbox', { keyPath: 'id' })
        outbox.createIndex('lane', ['hit.client_id', 'endpoint', 'due'])
        outbox.createIndex('age', 'at')
      },
      blocking: close,
      terminated: close,
    }).then((opened) => {
      db = opened
      return true
    })
    // Safari's open() may hang: https://bugs.webkit.org/show_bug.cgi?id=226547
    return within(openTimeoutMs, request, false)
  }

  async function attempt<Result>(
    work: (store: Store) => Result | Promise<Result>,
  ): Promise<Result | undefined | typeof connectionDied> {
    if (db === undefined) return undefined
    let abort: (() => void) | undefined
    try {
      const tx = db.transaction('outbox', 'readwrite', { durability: 'relaxed' })
      abort = () => tx.abort()
      const done = tx.done
      // `work` may throw before `done` is awaited; that must not make it an unhandled rejection.
      done.catch(() => undefined)
      const result = await work(tx.store)
      await done
      return result
    } catch (error) {
      try {
        abort?.()
      } catch {
        // It has ended already.
      }
      // A connection can die without an event, as Safari's does in the background.
      if (!(error instanceof DOMException) || error.name !== 'InvalidStateError') return undefined
      close()
      return connectionDied
    }
  }

  const database: Database = {
    isOpen: () => db !== undefined,

    open() {
      if (db !== undefined) return Promise.resolve(true)
      if (!enabled || Math.abs(Date.now() - failedAt) < reopenAfterMs) return Promise.resolve(false)
      // connect() is async, so that an `indexedDB` that is missing or throws is a rejection too.
      opening ??= connect()
        .catch(() => false)
        .then((opened) => {
          opening = undefined
          if (!opened) failedAt = Date.now()
          return opened
        })
      return opening
    },

    async run(work) {
      const died = await within(transactionTimeoutMs, attempt(work), undefined)
      if (died !== connectionDied) return died
      // Reopened at once: nothing of the transaction has happened, so that all of it can again.
      const again = (await database.open()) ? await attempt(work) : undefined
      return again === connectionDied ? undefined : again
    },

    close,
  }
  return database
}

/**
 * Does something with each item and commits now: the page may be gone when the browser would. Here
 * as elsewhere, `async` makes a rejection of what a dead transaction throws, so that none is missed.
 */
export async function commit<Item>(
  store: Store,
  write: (item: Item) => Promise<unknown>,
  items: Item[],
): Promise<void> {
  const written = Promise.all(items.map(async (item) => write(item)))
  // Should the commit throw, nobody awaits them any more.
  written.catch(() => undefined)
  store.transaction.commit()
  await written
}
