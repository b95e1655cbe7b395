import { createNote } from '../browser/note.ts'
import type { Hit } from '../hit/hit.ts'
import type { Page } from './attempt.ts'
import { createClient, parseClientState } from './client.ts'
import { type Progress, createCourier } from './courier.ts'
import { databaseExists } from './database.ts'
import { parseEndpointState } from './endpoint.ts'
import { createOutbox } from './outbox.ts'
import type { DropReason } from './policy.ts'
import type { Row } from './row.ts'
import { createSender } from './sender.ts'

/** Gets hits to one endpoint, for one client id. */
export type Delivery = {
  /** New hits of one call, in their order: stored and, if the road is free, sent in the same task. */
  post: (hits: Hit[], madeAt: number) => void
  /** Keeps hits until their visitor is known. */
  hold: (hits: Hit[], madeAt: number) => void
  /**
   * Completes and frees the held hits of these visitors; whether there were any, `undefined` if they
   * could not be had.
   */
  completeHeld: (
    visitors: readonly string[],
    complete: (hit: Hit) => Hit | undefined,
  ) => Promise<boolean | undefined>
  /** Drops what is held of calls made until then. */
  dropHeld: (madeUntil: number) => Promise<void>
  /** Opens the database, and looks at what earlier pages left when the page is idle. */
  start: () => void
  /** The page is hidden or going: all that can still go, goes now. */
  leave: () => void
  /** It can be seen again, or came back from the back/forward cache. */
  back: () => void
  /** The network is back. */
  online: () => void
  /**
   * Deletes all that waits for the client id and was made until now, in all tabs. Needs no start,
   * and makes no database where there is none.
   */
  forget: () => Promise<void>
  /** Resolves when all that can go now has gone, or after 10 seconds. */
  flush: () => Promise<void>
  pending: () => Promise<number>
  /** Takes and begins nothing more; resolves when what was in flight has ended. */
  stop: () => Promise<void>
}

export type DeliveryOptions = {
  clientId: string
  endpoint: string
  /** Without it, everything stays in memory. */
  persistent: boolean
  page: Page
  /** The bytes that a hit takes on the wire. */
  bytesOf: (hit: Hit) => number
  /** A short, stable id of a text, for the names of notes. */
  hash: (text: string) => string
  whenIdle: (work: () => void) => void
  onProgress: (progress: Progress) => void
  onDrop: (row: Row, reason: DropReason) => void
}

export function createDelivery(options: DeliveryOptions): Delivery {
  const { clientId, endpoint, persistent, page, bytesOf, hash, onProgress, onDrop } = options
  const storage = persistent ? () => localStorage : undefined
  const clientNote = createNote(storage, `skalin:client:${hash(clientId)}`, parseClientState)
  const client = createClient(clientNote, endpoint)
  const outbox = createOutbox({ clientId, endpoint, persistent, client, bytesOf, onDrop })
  const note = createNote(storage, `skalin:endpoint:${hash(endpoint)}`, parseEndpointState)
  const send = createSender(endpoint)
  const courier = createCourier({ endpoint, outbox, send, note, bytesOf, onProgress, page })
  let started = false

  function start(): void {
    if (started) return
    started = true
    // Early, so that the first call finds the database open: opening it takes longer than storing.
    outbox.join()
    options.whenIdle(courier.resume)
  }

  // Asking an outbox that was never made for what waits in it would make it.
  const isThere = async () =>
    started || (persistent && (clientNote.read() !== undefined || (await databaseExists())))

  return {
    post: courier.post,
    hold(hits, madeAt) {
      for (const hit of hits) courier.hold(hit, madeAt)
    },
    async completeHeld(visitors, complete) {
      const freed = await outbox.completeHeld(visitors, complete)
      if (freed) courier.resume()
      return freed
    },
    async dropHeld(madeUntil) {
      if (started) await outbox.dropHeld(madeUntil)
    },
    start,
    leave() {
      courier.hurry()
      if (page.hasLeft()) outbox.leave()
    },
    back() {
      outbox.join()
      courier.resume()
    },
    online: courier.encourage,
    async forget() {
      if (await isThere()) await courier.forget()
    },
    async flush() {
      if (!(await isThere())) return
      start()
      await courier.flush()
    },
    async pending() {
      if (!(await isThere())) return 0
      start()
      return outbox.pending()
    },
    async stop() {
      courier.hurry()
      await courier.stop()
    },
  }
}
