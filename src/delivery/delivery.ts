import { now, tick } from '../browser/clock.ts'
import type { Hit } from '../hit/hit.ts'
import { type Page, createAttempts } from './attempt.ts'
import { createClient } from './client.ts'
import { type Courier, type Progress, createCourier } from './courier.ts'
import { createDatabase, databaseExists } from './database.ts'
import { initialState, afresh } from './endpoint.ts'
import { leaseMs } from './limits.ts'
import { createIdentities } from './identities.ts'
import { createInFlight } from './in-flight.ts'
import { createNotes } from './notes.ts'
import { createOutbox } from './outbox.ts'
import type { DropReason } from './outcome.ts'
import { createQueue, newEntry } from './queue.ts'
import type { Row } from './row.ts'
import type { Sender } from './sender.ts'
import { createTabs } from './tabs.ts'

/** Gets hits to one endpoint, for one client id. */
export type Delivery = {
  /** New hits of one call, in their order: stored and, if nothing is in the way, sent in the same task. */
  post: (hits: Hit[], madeAt: number) => void
  /** Keeps a hit until its visitor is known. */
  hold: (hit: Hit, madeAt: number) => void
  /**
   * Completes and frees the held hits that are of the visitors who are known now, also by the time of
   * their call; whether there were any, `undefined` if they could not be had.
   */
  completeHeld: (
    isTheirs: (hit: Hit, madeAt: number) => boolean,
    complete: (hit: Hit) => Hit | undefined,
  ) => Promise<boolean | undefined>
  /** Drops what is held of calls made until then. */
  dropHeld: (madeUntil: number) => Promise<void>
  /** Opens the database, and looks at what earlier pages left when the page is idle: it may be sent. */
  start: () => void
  /** The page is hidden or going: all that can still go, goes now. See {@link Courier}. */
  leave: Courier['leave']
  /** It can be seen again, or came back from the back/forward cache. */
  back: () => void
  /** The network is back. */
  online: () => void
  /** Another tab has changed what it keeps in `localStorage` under this key. */
  changedElsewhere: (key: string | null) => void
  /**
   * Deletes all that waits for the client id and was made until now, in all tabs. Needs no start,
   * and makes no database where there is none.
   */
  forget: () => Promise<void>
  /** Resolves when all that can go now has gone, or after 10 seconds. */
  flush: () => Promise<void>
  /** Sends nothing, where nothing has been allowed yet. */
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
  send: Sender
  /** A hit as it goes over the wire: ASCII, so that its length is its bytes. */
  encode: (hit: Hit) => string
  /** Whom an identity is about. */
  personIn: (hit: Hit) => string | undefined
  /** A short, stable id of a text, for the names of notes. */
  hash: (text: string) => string
  whenIdle: (work: () => void) => void
  onProgress: (progress: Progress) => void
  onDrop: (row: Row, reason: DropReason) => void
}

export function createDelivery(options: DeliveryOptions): Delivery {
  const { clientId, endpoint, persistent, page, send, encode, personIn, hash } = options
  const { onProgress, onDrop } = options
  const notes = createNotes(options)
  const client = createClient(notes.client, endpoint)
  const queue = createQueue()
  const database = createDatabase(persistent, () => {
    // In a backoff nobody looks.
    outbox.persist()
    look()
  })
  const tabs = createTabs(clientId, onTaken, onForgotten)
  const outbox = createOutbox({
    clientId,
    endpoint,
    persistent,
    database,
    queue,
    client,
    tabs,
    encode,
    onDrop: drop,
  })
  const attempts = createAttempts({ send, note: notes.endpoint, page })
  const inFlight = createInFlight(attempts, page)
  const identities = createIdentities(client, (hit) => hash(`${endpoint} ${personIn(hit)}`))
  const parts = { outbox, queue, attempts, inFlight, identities, page, onProgress }
  const courier = createCourier(parts)
  let starting: Promise<void> | undefined
  /** Somebody asked for more than what waits. */
  let maySend = false
  let hasLeft = false
  let knownLeft = ''
  let isStopped = false

  const lookFrom = (at: number) => {
    if (maySend) courier.lookFrom(at)
  }
  const look = () => lookFrom(0)
  const takeOver = () => void (isStopped || outbox.ready().then(look))

  /** Another tab sends these now. It may be hidden soon, or die: then it is this one's turn again. */
  function onTaken(ids: string[]): void {
    const waiting = ids.filter((id) => queue.get(id)?.isInFlight === false)
    for (const id of waiting) queue.delete(id)
    if (waiting.length > 0) lookFrom(now() + leaseMs)
  }

  function drop(row: Row, reason: DropReason): void {
    identities.close(row)
    onDrop(row, reason)
  }

  function onForgotten(era: string): void {
    notes.client.read('now')
    // What the database has, the tab that forgets finds there.
    for (const row of outbox.dropForgotten(era).unstored) drop(row, 'consent')
  }

  const rowOf = (hit: Hit, at: number): Row => {
    return { id: hit.event_id, hit, endpoint, at, due: at, attempts: 0, era: client.era() }
  }

  // Asking an outbox that was never made for what waits in it would make it.
  const isThere = () =>
    starting !== undefined ||
    (persistent && (notes.client.read() !== undefined || databaseExists()))

  function start(): Promise<void> {
    // Opening the database takes longer than storing a call.
    starting ??= outbox.start()
    return starting
  }

  return {
    post(hits, madeAt) {
      const rows = hits.map((hit, index) => rowOf(hit, madeAt + index * tick))
      rows.forEach(identities.made)
      courier.post(rows.map((row) => newEntry(row, encode(row.hit), true)))
      // Others hear of `pagehide` after us, and may make a call.
      if (hasLeft) outbox.leave()
    },
    hold(hit, madeAt) {
      const row = rowOf(hit, madeAt)
      outbox.hold(row)
      onProgress({ outcome: 'waiting', reason: 'anonymous', row })
    },
    async completeHeld(...given) {
      // What earlier pages held must be there.
      await starting
      const freed = await outbox.completeHeld(...given)
      if (freed) look()
      return freed
    },
    async dropHeld(madeUntil) {
      if (starting === undefined) return
      await starting
      await outbox.dropHeld(madeUntil)
    },
    start() {
      maySend = true
      void start()
        .then(() => options.whenIdle(takeOver))
        // A page without idle time.
        .catch(takeOver)
    },
    leave(postRest) {
      // The last chance to hear what is to be forgotten.
      notes.refresh(null)
      courier.leave(postRest)
      hasLeft ||= page.hasLeft()
    },
    back() {
      // In the back/forward cache no event comes.
      notes.refresh(null)
      if (hasLeft) starting = outbox.start()
      hasLeft = false
      void starting?.then(takeOver)
    },
    changedElsewhere(key) {
      if (!notes.refresh(key) || starting === undefined || hasLeft) return
      // A tab has gone, perhaps the last one that looked after its hits, or left what it made since.
      const left = [...client.gone(), ...client.unsaved().map(({ id }) => id)].join()
      const isNews = left !== knownLeft
      knownLeft = left
      if (isNews) void starting.then(outbox.adopt).then(look)
      else courier.resume()
    },
    online() {
      notes.endpoint.write(afresh(notes.endpoint.read('now') ?? initialState))
      look()
    },
    async forget() {
      // Within the task: what is made after the call is not to be forgotten.
      const there = isThere()
      if (there === true || (await there)) await outbox.forget()
    },
    async flush() {
      if (!(await isThere())) return
      maySend = true
      await start()
      await outbox.ready()
      await courier.flush()
    },
    async pending() {
      if (!(await isThere())) return 0
      await start()
      return outbox.pending()
    },
    async stop() {
      isStopped = true
      // Where nothing was begun, nothing is to be written down.
      if (starting === undefined) {
        database.close()
        return
      }
      if (maySend) courier.leave(() => undefined)
      await courier.stop()
    },
  }
}
