import { elapsed, now } from '../browser/clock.ts'
import { randomId } from '../browser/random.ts'
import { adopt } from './adopt.ts'
import { type Forgetting, createForgetting } from './forgetting.ts'
import { leaseMs, maxAgeMs } from './limits.ts'
import { type Held, createHeld } from './held.ts'
import { type Leases, createLeases } from './leases.ts'
import type { Ending } from './outcome.ts'
import { type Place, rowsInMemory, run } from './place.ts'
import type { Entry } from './queue.ts'
import { type Row, leased, unanswered } from './row.ts'
import { count, update } from './store.ts'
import type { Tabs } from './tabs.ts'
import type { Drop } from './trim.ts'
import { createWriter } from './writer.ts'

export type OutboxOptions = Pick<
  Place,
  'persistent' | 'database' | 'queue' | 'client' | 'encode'
> & {
  clientId: string
  endpoint: string
  tabs: Tabs
  onDrop: (row: Row, reason: Drop['reason']) => void
}

/** Where hits wait: in this page's queue, and, as far as there is one, in the database. */
export type Outbox = Held &
  Leases &
  Forgetting & {
    /** New rows, this page's own for now or anybody's; written down within this task. */
    put: (entries: readonly Entry[], isLeased: boolean) => void
    /** It has ended: accepted, or dropped. */
    remove: (id: string) => void
    /**
     * Whether it is not to be sent: too old, or to be forgotten, when it is gone; or sent a moment ago
     * by a page that has left, when it waits.
     */
    rulesOut: (entry: Entry) => boolean
    /** An attempt ended and the hit waits; `onTaken` is told until when it is another page's, if it is. */
    release: (entry: Entry, ending: Ending, onTaken: (until: number) => void) => void
    pending: () => Promise<number>
    /** Opens the database: early, so that the first call finds it open. */
    start: () => Promise<void>
    ready: Place['ready']
    /** Writes down what the database has not got. */
    persist: () => void
    /** The page is hidden, and may be ended: what the database is to be told is told at once. */
    hide: () => void
    /** Takes over what pages left that have gone since. */
    adopt: () => Promise<void>
    /** Writes down what is outstanding, and listens to nobody. */
    leave: () => void
    close: () => void
  }

export function createOutbox(options: OutboxOptions): Outbox {
  const { clientId, endpoint, persistent, database, queue, client, tabs, encode, onDrop } = options
  const lane = { clientId, endpoint }
  const startedAt = now() - elapsed()
  let page = randomId()
  let adopting: Promise<void> | undefined

  /** A clock that jumped ahead makes no hit of this page older than the page. */
  const ageNow = () => Math.min(now(), startedAt + elapsed())

  function discard(id: string): void {
    const entry = queue.get(id)
    // Should it be in flight, nobody is told of another end.
    if (entry) entry.isOver = true
    queue.delete(id)
    place.setAside.delete(id)
    writer.forget(id)
  }

  function drop({ row, reason }: Drop): void {
    discard(row.id)
    if (row.hit.client_id === clientId && row.endpoint === endpoint) onDrop(row, reason)
  }

  const writer = createWriter({
    persistent,
    database,
    client,
    bytesOf: ({ hit }) => encode(hit).length,
    ageNow,
    onStored(id) {
      const entry = queue.get(id)
      if (entry) entry.isStored = true
    },
    onDrop: drop,
  })

  const place: Place = {
    lane,
    persistent,
    database,
    writer,
    queue,
    client,
    setAside: new Set(),
    encode,
    async ready() {
      if (!persistent) return false
      const isOpen = await database.open()
      await (adopting ?? outbox.adopt())
      return isOpen
    },
    lessee: () => ({
      page,
      ageNow,
      isForgotten: client.isForgotten,
      sent: () => client.sent('now'),
    }),
    discard,
    drop,
  }

  const outbox: Outbox = {
    ready: place.ready,
    persist: writer.persist,
    hide: writer.deleteEnded,
    ...createHeld(place),
    ...createLeases(place, tabs),
    ...createForgetting(place, tabs),

    put(entries, isLeased) {
      const from = now()
      const rows = entries.map((entry) => {
        if (!isLeased) return entry.row
        entry.leasedUntil = elapsed() + leaseMs
        return leased(entry.row, page, from)
      })
      writer.put(rows)
    },

    remove(id) {
      writer.remove(id, queue.get(id)?.isStored === true)
      queue.delete(id)
    },

    rulesOut(entry) {
      const { row } = entry
      const isForgotten = client.isForgotten(row)
      if (!isForgotten && row.at >= ageNow() - maxAgeMs) {
        // The page that left did not hear in time that this one has it.
        const waiting = unanswered(row, client.sent(), now())
        if (waiting) entry.row = waiting
        return waiting !== undefined
      }
      outbox.remove(row.id)
      onDrop(row, isForgotten ? 'consent' : 'too-old')
      return true
    },

    release(entry, { due, reachedAt }, onTaken) {
      const row: Row = {
        ...entry.row,
        due: due ?? entry.row.at,
        from: due === undefined ? undefined : now(),
        owner: undefined,
        reachedAt: reachedAt ?? entry.row.reachedAt,
      }
      entry.row = row
      entry.isInFlight = false
      entry.leasedUntil = -Infinity
      if (!entry.isStored || writer.unstored(row.id)) {
        writer.put([row])
        return
      }
      database.run(
        (store) => update(store, row, page),
        (found) => {
          // Ended by another page, or to be looked for in the database when its time comes.
          if (found?.isThere === false || (found && due !== undefined)) queue.delete(row.id)
          if (found?.isThere && due !== undefined && entry.isOwn) place.setAside.add(row.id)
          if (found?.until !== undefined) onTaken(found.until)
        },
      )
    },

    async pending() {
      const isOpen = await place.ready()
      if (isOpen) {
        writer.persist()
        writer.deleteEnded()
      }
      const rest = writer.allUnstored().filter(({ id }) => !writer.isStoring(id))
      const stored = isOpen ? await run(place, (store) => count(store, lane)) : undefined
      if (stored === undefined) return rowsInMemory(place).length
      return Math.max(0, stored.rows - writer.undeletable()) + rest.length
    },

    async start() {
      writer.back()
      if (!persistent) return
      page = randomId()
      adopting = undefined
      for (const entry of queue.all()) {
        if (entry.isInFlight) continue
        entry.leasedUntil = -Infinity
        entry.isStale = entry.isStored
      }
      tabs.join()
      await database.open()
      writer.persist()
      if (client.unsaved().length === 0) return
      // A note has little room: what pages left in it goes into the database soon. The page's first call
      // is about to come, and would wait behind it.
      await new Promise((resolve) => setTimeout(resolve))
      await place.ready()
    },

    adopt: () => (adopting = adopt(place)),

    leave() {
      client.setSent(queue.all().flatMap(({ isInFlight, row }) => (isInFlight ? row.id : [])))
      writer.leave(page)
      tabs.leave()
    },

    close() {
      outbox.leave()
      database.close()
    },
  }
  return outbox
}
