import { elapsed } from '../browser/clock.ts'
import { within } from '../browser/deadline.ts'

// Without a library: each call pays for what it wraps around a transaction, and promises that a page
// has replaced would end a transaction before its time.

const name = 'skalin'
const storeName = 'outbox'
/** Our place in a database of this version is as it should be: looking would cost each page a transaction. */
const ourVersion = 2
/** By client id, endpoint and `due`, and by age. */
const indexes: Record<string, string | string[]> = {
  lane: ['hit.client_id', 'endpoint', 'due'],
  age: 'at',
}
/** Safari's open() may hang (https://bugs.webkit.org/show_bug.cgi?id=226547), and so may all of it. */
const hangMs = 2000
/** What takes longer is asked whether it gets on. Most is over by then, and an event costs time. */
const listenMs = hangMs / 2
const restMs = 60_000

/** Whether the origin has the database. Opening it to see would create it. */
export async function databaseExists(): Promise<boolean> {
  try {
    const databases = await within(hangMs, indexedDB.databases(), [])
    return databases.some((database) => database.name === name)
  } catch {
    return false
  }
}

/** The outbox's IndexedDB, as far as there is one. */
export type Database = {
  /** It is open, and answers. */
  isOpen: () => boolean
  /** Opens it, unless that failed a moment ago; whether it is open then. Never rejects. */
  open: () => Promise<boolean>
  /**
   * Runs one transaction, begun in this very task if the database is open, and tells what `work` gave
   * once it has completed; `undefined` when there is none, it failed, or takes too long. `work` may
   * be run a second time, on a new connection.
   */
  run: <Result>(
    work: (store: IDBObjectStore) => Result,
    done: (result: Result | undefined) => void,
    mode?: 'readwrite' | 'readonly',
  ) => void
  /** For good. */
  close: () => void
}

/** Whether a database has the place for rows that this code needs. */
function fits(db: IDBDatabase): boolean {
  if (!db.objectStoreNames.contains(storeName)) return false
  if (db.version === ourVersion) return true
  const { keyPath, indexNames } = db.transaction(storeName).objectStore(storeName)
  return keyPath === 'id' && Object.keys(indexes).every((index) => indexNames.contains(index))
}

/** Makes the place for rows, beside what others may have put there. */
function furnish({ result: db, transaction }: IDBOpenDBRequest): void {
  if (db.objectStoreNames.contains(storeName) && !transaction?.objectStore(storeName).keyPath) {
    db.deleteObjectStore(storeName)
  }
  const store = db.objectStoreNames.contains(storeName)
    ? transaction?.objectStore(storeName)
    : db.createObjectStore(storeName, { keyPath: 'id' })
  for (const [index, keyPath] of Object.entries(indexes)) {
    if (!store?.indexNames.contains(index)) store?.createIndex(index, keyPath)
  }
}

/**
 * A database that opens at the first need, and again after its connection died. `onRecovered`: it
 * answers after all, and was not asked meanwhile.
 */
export function createDatabase(enabled: boolean, onRecovered: () => void): Database {
  let db: IDBDatabase | undefined
  let opening: Promise<boolean> | undefined
  /** Closing does not end an opening that is under way, and what ends later must not open it again. */
  let isClosed = false
  /** It failed or hung: not asked before then. */
  let restUntil = -Infinity
  /** Transactions under way, oldest first: when each was heard of, and what it is to tell. */
  const running = new Set<{ since: number; listen: () => void; giveUp: () => void }>()
  let watchdog: ReturnType<typeof setTimeout> | undefined
  /** In a database that is only busy, one waits for others before it. */
  let completedAt = -Infinity

  const isResting = () => elapsed() < restUntil
  const rest = () => {
    restUntil = elapsed() + restMs
  }

  function answered(): void {
    const wasResting = restUntil > -Infinity
    restUntil = -Infinity
    if (wasResting) onRecovered()
  }

  function disconnect(): void {
    const closing = db
    db = undefined
    try {
      closing?.close()
    } catch {
      // It was dead.
    }
  }

  /** Opens it with our place in it. What others have made newer is left as it is, and used if that fits. */
  function connect(done: (opened: boolean) => void, version?: number): void {
    const request = indexedDB.open(name, version)
    request.onupgradeneeded = () => furnish(request)
    request.onerror = (event) => {
      // Firefox may take it for an error of the page's.
      event.preventDefault()
      const isNewer = request.error?.name === 'VersionError'
      if (isNewer && version) connect(done)
      else done(false)
    }
    request.onsuccess = () => {
      const opened = request.result
      opened.onversionchange = opened.onclose = () => {
        if (db === opened) disconnect()
        else opened.close()
      }
      let isWanted = false
      try {
        isWanted = db === undefined && !isClosed && fits(opened)
      } catch {
        // Closed again already.
      }
      if (isWanted) {
        db = opened
        done(true)
        answered()
      } else {
        // Nobody waits for it any more: it would stay open for as long as the page.
        opened.close()
        done(false)
      }
    }
  }

  /** One timer for all: a database that says nothing for {@link hangMs} is not waited for. */
  function watch(inMs = listenMs): void {
    watchdog ??= setTimeout(() => {
      watchdog = undefined
      const [oldest] = running
      if (oldest === undefined) return
      const silentMs = elapsed() - Math.max(oldest.since, completedAt)
      if (silentMs < hangMs) {
        for (const transaction of running) transaction.listen()
        watch(Math.min(hangMs - silentMs, listenMs))
      } else {
        rest()
        for (const transaction of [...running]) transaction.giveUp()
      }
    }, inMs)
  }

  function begin<Result>(
    work: (store: IDBObjectStore) => Result,
    done: (result: Result | undefined) => void,
    mode: 'readwrite' | 'readonly',
    onDead: () => void,
  ): void {
    let transaction: IDBTransaction
    let store: IDBObjectStore
    try {
      if (db === undefined) return done(undefined)
      transaction = db.transaction(storeName, mode, { durability: 'relaxed' })
      store = transaction.objectStore(storeName)
    } catch {
      // A connection can die without an event, as Safari's does in the background.
      disconnect()
      return onDead()
    }
    let isOver = false
    const end = (result: Result | undefined) => {
      running.delete(entry)
      if (isOver) return
      isOver = true
      done(result)
    }
    const onProgress = () => (entry.since = elapsed())
    const entry = {
      since: elapsed(),
      // While it is captured: `success` of a request does not bubble to its transaction.
      listen: () => transaction.addEventListener('success', onProgress, true),
      giveUp: () => end(undefined),
    }
    running.add(entry)
    watch()
    let result: Result | undefined
    transaction.oncomplete = () => {
      completedAt = elapsed()
      end(result)
      answered()
    }
    transaction.onabort = () => end(undefined)
    try {
      result = work(store)
    } catch {
      try {
        transaction.abort()
      } catch {
        end(undefined)
      }
    }
  }

  const database: Database = {
    isOpen: () => db !== undefined && !isResting(),

    open() {
      if (db !== undefined) return Promise.resolve(!isResting())
      if (!enabled || isClosed || isResting()) return Promise.resolve(false)
      opening ??= within(
        hangMs,
        new Promise<boolean>((resolve) => connect(resolve, ourVersion)),
        false,
      ).then((opened) => {
        opening = undefined
        if (!opened) rest()
        return opened
      })
      return opening
    },

    run(work, done, mode = 'readwrite') {
      const reopen = () => {
        void database.open().then((opened) => {
          if (opened) begin(work, done, mode, () => done(undefined))
          else done(undefined)
        })
      }
      // Of a transaction on a dead connection nothing has happened, so that all of it can again.
      if (database.isOpen()) begin(work, done, mode, reopen)
      else reopen()
    },

    close() {
      isClosed = true
      clearTimeout(watchdog)
      disconnect()
    },
  }
  return database
}
