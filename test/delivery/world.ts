import 'fake-indexeddb/auto'
import { AsyncLocalStorage } from 'node:async_hooks'
import { IDBFactory } from 'fake-indexeddb'
import { onTestFinished, vi } from 'vitest'
import type { EndpointNote } from '../../src/delivery/attempt.ts'
import { type ClientNote, createClient, parseClientState } from '../../src/delivery/client.ts'
import { type Courier, type Progress, createCourier } from '../../src/delivery/courier.ts'
import { parseEndpointState, timeoutMs } from '../../src/delivery/endpoint.ts'
import { type Outbox, createOutbox } from '../../src/delivery/outbox.ts'
import type { DropReason, Mode, Outcome } from '../../src/delivery/policy.ts'
import type { Row } from '../../src/delivery/row.ts'
import type { Hit } from '../../src/hit/hit.ts'
import { clientId, endpoint, now } from './support.ts'

/** A request that has not been answered. */
export type Flight = {
  tab: Tab
  hit: Hit
  mode: Mode
  giveUp: NodeJS.Timeout
  resolve: (outcome: Outcome) => void
}

export type Report = Omit<Progress, 'outcome' | 'reason'> & {
  outcome: Progress['outcome']
  reason?: Progress['reason'] | DropReason
}

/** A tab, with the real courier and outbox at work in it. */
export type Tab = {
  courier: Courier
  outbox: Outbox
  hidden: boolean
  left: boolean
  isolated: boolean
  persistent: boolean
  /** Killed, or gone: nothing in it runs any more. */
  dead: boolean
  reports: Report[]
  /** Shows another tab in its place. */
  hide: () => void
  show: () => void
  /** The visitor closes it, or goes to another page. */
  close: () => Promise<void>
  /** Its process dies: no event tells it, nothing of it runs on, its requests are never answered. */
  crash: () => void
}

export type TabOptions = {
  clientId?: string
  endpoint?: string
  persistent?: boolean
  bytesOf?: (hit: Hit) => number
  /** Without it, it does not look at what earlier pages left. */
  resume?: boolean
}

/** One origin of one browser: its clock, its IndexedDB, its tabs, and what they have sent. */
export type World = {
  online: boolean
  /** What is known of the endpoint, as JSON, as in `localStorage`. */
  note: string | undefined
  /** What the pages of the client id have told each other. */
  clientNote: ClientNote
  tabs: Tab[]
  /** Requests without an answer, oldest first. */
  flights: Flight[]
  /** How long a request waits for its answer. */
  patienceMs: number
  /** Called with every request that departs. */
  onSend: (flight: Flight) => void
  open: (options?: TabOptions) => Promise<Tab>
  /** Lets everything happen that needs no time. */
  settle: () => Promise<void>
  /** Answers a request, and lets its tab learn from it. */
  answer: (flight: Flight, outcome: Outcome) => Promise<void>
  /** Lets time pass. */
  tick: (ms: number) => Promise<void>
  /** The network goes, or comes back. */
  setOnline: (online: boolean) => Promise<void>
  /** The rows in IndexedDB, oldest first, read behind the plugin's back. */
  stored: () => Promise<Row[]>
  /** How many timers are set, or are of a tab. */
  timers: (of?: Tab) => number
  /** How many transactions there have been. */
  transactions: () => number
  /** How many channels to the other tabs are open. */
  channels: () => number
}

/** The tab whose code runs. */
const running = new AsyncLocalStorage<Tab>()
const isDead = () => running.getStore()?.dead === true

let transactions = 0
const transaction = Object.getOwnPropertyDescriptor(IDBDatabase.prototype, 'transaction')
  ?.value as IDBDatabase['transaction']
IDBDatabase.prototype.transaction = function (this: IDBDatabase, ...args) {
  // fake-indexeddb makes those of an upgrade by itself.
  if (args[1] === 'readwrite') transactions += 1
  if (isDead()) throw new DOMException('The tab is dead', 'UnknownError')
  return transaction.apply(this, args)
}

/** A world that ends with its test. */
export function createWorld(): World {
  const world = begin()
  onTestFinished(world.end)
  return world
}

/** Turns the globals that delivery uses into those of a new world, until its `end`. */
export function begin(): World & { end: () => void } {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'], now })
  const fake = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout }
  /** When each timer that is set goes off, and whose it is. */
  const timers = new Map<unknown, { at: number; tab: Tab | undefined }>()
  vi.stubGlobal('setTimeout', (work: (...rest: unknown[]) => void, ms = 0, ...rest: unknown[]) => {
    const tab = running.getStore()
    const timer = fake.setTimeout(() => {
      timers.delete(timer)
      if (tab === undefined) work(...rest)
      else if (!tab.dead) running.run(tab, work, ...rest)
    }, ms)
    timers.set(timer, { at: Date.now() + Math.max(1, ms), tab })
    return timer
  })
  vi.stubGlobal('clearTimeout', (timer: NodeJS.Timeout | undefined) => {
    timers.delete(timer)
    fake.clearTimeout(timer)
  })

  // fake-indexeddb does its work by setImmediate, and so it is quiet when none is left.
  const { setImmediate } = globalThis
  let immediates = 0
  vi.stubGlobal('setImmediate', (work: () => void) => {
    immediates += 1
    setImmediate(() => {
      immediates -= 1
      work()
    })
  })

  vi.stubGlobal('indexedDB', new IDBFactory())
  const transactionsBefore = transactions

  const channels = new Set<FakeChannel>()
  class FakeChannel {
    onmessage: ((event: { data: unknown }) => void) | undefined
    readonly tab = running.getStore()
    readonly name: string
    constructor(name: string) {
      this.name = name
      channels.add(this)
    }
    postMessage(data: unknown): void {
      if (isDead()) return
      for (const other of channels) {
        if (other === this || other.name !== this.name) continue
        globalThis.setImmediate(() => {
          if (channels.has(other) && !other.tab?.dead) other.onmessage?.({ data })
        })
      }
    }
    close(): void {
      channels.delete(this)
    }
  }
  vi.stubGlobal('BroadcastChannel', FakeChannel)

  async function settle(): Promise<void> {
    do {
      await new Promise((resolve) => setImmediate(resolve as () => void))
    } while (immediates > 0)
  }

  const note: EndpointNote = {
    read: () => (world.note === undefined ? undefined : parseEndpointState(JSON.parse(world.note))),
    write(state) {
      if (!isDead()) world.note = JSON.stringify(state)
    },
  }

  const clients = new Map<string, string>()
  const clientNoteOf = (id: string): ClientNote => ({
    read() {
      const json = clients.get(id)
      return json === undefined ? undefined : parseClientState(JSON.parse(json))
    },
    write(state) {
      if (!isDead()) clients.set(id, JSON.stringify(state))
    },
  })

  function createTab(options: TabOptions): Tab {
    const at = options.endpoint ?? endpoint
    const bytesOf = options.bytesOf ?? ((hit: Hit) => JSON.stringify(hit).length)
    const run = <Result>(work: () => Result) => running.run(tab, work)
    const report = (progress: Report) => {
      if (!tab.dead) tab.reports.push(progress)
    }
    const tab: Tab = {
      hidden: false,
      left: false,
      isolated: false,
      persistent: options.persistent ?? true,
      dead: false,
      reports: [],
      hide() {
        tab.hidden = true
        run(tab.courier.hurry)
      },
      show() {
        tab.hidden = false
        run(() => {
          tab.outbox.join()
          tab.courier.resume()
        })
      },
      async close() {
        tab.hidden = true
        tab.left = true
        run(() => {
          tab.courier.hurry()
          tab.outbox.leave()
        })
        await settle()
        tab.crash()
      },
      crash() {
        tab.dead = true
        world.tabs = world.tabs.filter((other) => other !== tab)
        for (const [timer, set] of timers) if (set.tab === tab) timers.delete(timer)
        // What becomes of its requests, nobody will hear.
        for (const { tab: sender, giveUp } of world.flights)
          if (sender === tab) clearTimeout(giveUp)
        world.flights = world.flights.filter((flight) => flight.tab !== tab)
        for (const channel of channels) if (channel.tab === tab) channel.close()
      },
      // Safe: both are there before anybody has the tab.
      outbox: undefined as never,
      courier: undefined as never,
    }
    tab.outbox = createOutbox({
      clientId: options.clientId ?? clientId,
      endpoint: at,
      persistent: tab.persistent,
      client: createClient(clientNoteOf(options.clientId ?? clientId), at),
      bytesOf,
      onDrop: (row, reason) => report({ outcome: 'dropped', reason, row }),
    })
    const courier = createCourier({
      endpoint: at,
      outbox: tab.outbox,
      note,
      bytesOf,
      onProgress: report,
      send: (hit, mode) =>
        new Promise((resolve) => {
          if (tab.dead) return
          const giveUp = running.exit(() => {
            return setTimeout(
              () => void world.answer(flight, { kind: 'timeout' }),
              world.patienceMs,
            )
          })
          const flight: Flight = { tab, hit, mode, giveUp, resolve }
          world.flights.push(flight)
          world.onSend(flight)
        }),
      page: {
        isOnline: () => world.online,
        isHidden: () => tab.hidden,
        hasLeft: () => tab.left,
        noCors: () => !tab.isolated,
      },
    })
    // What a test calls runs in the tab.
    tab.courier = {
      post: (hits, madeAt) => run(() => courier.post(hits, madeAt)),
      hold: (hit, madeAt) => run(() => courier.hold(hit, madeAt)),
      resume: () => run(courier.resume),
      hurry: () => run(courier.hurry),
      encourage: () => run(courier.encourage),
      forget: () => run(courier.forget),
      flush: () => run(courier.flush),
      stop: () => run(courier.stop),
    }
    return tab
  }

  const world: World & { end: () => void } = {
    online: true,
    note: undefined,
    clientNote: clientNoteOf(clientId),
    tabs: [],
    flights: [],
    patienceMs: timeoutMs,
    onSend: () => undefined,
    settle,

    async open(options = {}) {
      const tab = createTab(options)
      world.tabs.push(tab)
      running.run(tab, () => {
        tab.outbox.join()
      })
      await settle()
      if (options.resume !== false) tab.courier.resume()
      await settle()
      return tab
    },

    async answer(flight, outcome) {
      world.flights = world.flights.filter((other) => other !== flight)
      clearTimeout(flight.giveUp)
      flight.resolve(outcome)
      await settle()
    },

    async tick(ms) {
      const end = Date.now() + ms
      for (;;) {
        await settle()
        const next = Math.min(...[...timers.values()].map(({ at }) => at))
        if (next > end) break
        vi.advanceTimersByTime(next - Date.now())
      }
      vi.advanceTimersByTime(end - Date.now())
      await settle()
    },

    async setOnline(online) {
      world.online = online
      if (online) for (const tab of world.tabs) tab.courier.encourage()
      await settle()
    },

    async stored() {
      const request = indexedDB.open('skalin')
      const db = await new Promise<IDBDatabase>((resolve) => {
        request.onsuccess = () => resolve(request.result)
      })
      const index = transaction.call(db, 'outbox').objectStore('outbox').index('age')
      const all = index.getAll() as IDBRequest<Row[]>
      return new Promise((resolve) => {
        all.onsuccess = () => {
          db.close()
          resolve(all.result)
        }
      })
    },

    timers: (of) => [...timers.values()].filter(({ tab }) => (of ?? tab) === tab).length,
    transactions: () => transactions - transactionsBefore,
    channels: () => channels.size,

    end() {
      for (const tab of world.tabs) tab.dead = true
      vi.restoreAllMocks()
      vi.unstubAllGlobals()
      vi.useRealTimers()
    },
  }
  return world
}
