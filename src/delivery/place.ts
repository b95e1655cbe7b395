import type { Hit } from '../hit/hit.ts'
import type { Client } from './client.ts'
import type { Database } from './database.ts'
import type { Queue } from './queue.ts'
import { type Row, unique } from './row.ts'
import type { Lane, Lessee } from './store.ts'
import type { Drop } from './trim.ts'
import type { Writer } from './writer.ts'

/** Where the rows of one client id and endpoint are: this page's queue, and the database. */
export type Place = {
  lane: Lane
  /** Without it, everything stays in memory. */
  persistent: boolean
  database: Database
  writer: Writer
  queue: Queue
  client: Client
  /** Rows of this page's calls that are only in the database for now: held, or wanted later. */
  setAside: Set<string>
  encode: (hit: Hit) => string
  /**
   * Opens the database, and takes over once what earlier pages left; whether it is open. Not before
   * the page's first call, which this would hold up, unless something is looked for.
   */
  ready: () => Promise<boolean>
  /** This page, as one that takes rows on lease. */
  lessee: () => Lessee
  /** This page has it no more. */
  discard: (id: string) => void
  /** The same, and reports it, if it is one of ours. */
  drop: (drop: Drop) => void
}

/** All that this page has. */
export function rowsInMemory({ queue, writer }: Place): Row[] {
  return unique([...queue.all().map(({ row }) => row), ...writer.allUnstored()])
}

/** Runs one transaction, and waits for it. */
export function run<Result>(
  { database }: Place,
  work: (store: IDBObjectStore) => Result,
  mode?: 'readonly',
): Promise<Result | undefined> {
  return new Promise((resolve) => database.run(work, resolve, mode))
}
