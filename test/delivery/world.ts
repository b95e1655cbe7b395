import 'fake-indexeddb/auto'
import { AsyncLocalStorage } from 'node:async_hooks'
import { IDBFactory } from 'fake-indexeddb'
import { onTestFinished, vi } from 'vitest'
import { tick } from '../../src/browser/clock.ts'
import { type ClientState, parseClientState } from '../../src/delivery/client.ts'
import type { Progress } from '../../src/delivery/courier.ts'
import { type Delivery, createDelivery } from '../../src/delivery/delivery.ts'
import {
  type EndpointState,
  initialState,
  parseEndpointState,
} from '../../src/delivery/endpoint.ts'
import { timeoutMs } from '../../src/delivery/limits.ts'
import type { DropReason, Mode, Outcome } from '../../src/delivery/outcome.ts'
import type { Row } from '../../src/delivery/row.ts'
import { type Hit, personIn } from '../../src/hit/hit.ts'
import { clientId, endpoint, now } from './support.ts'

/** A request that has not been answered. */
export type Flight = {
  tab: Tab
  hit: Hit
  mode: Mode
  giveUp: NodeJS.Timeout
  resolve: (outcome: Outcome) => void
  /** Answers after it was given up. */
  late: (outcome: Outcome) => void
}

export type Report = Omit<Progress, 'outcome' | 'reason'> & {
  outcome: Progress['outcome']
  reason?: Progress['reason'] | DropReason
}

/** A tab, with the real delivery at work in it. */
export type Tab = Delivery & {
  hidden: boolean
  left: boolean
  isolated: boolean
  /** Killed, or gone: nothing in it runs any more. */
  dead: boolean
  reports: Report[]
  /** Calls of a millisecond ago. */
  call: (...hits: Hit[]) => void
  /** Shows another tab in its place. */
  hide: () => void
  show: () => void
  /** Goes into the back/forward cache; `show` takes it out. */
  freeze: () => void
  /** The visitor closes it, or goes to another page. */
  close: () => Promise<void>
  /** Its process dies: no event tells it, nothing of it runs on, its requests are never answered. */
  crash: () => void
}

export type TabOptions = {
  clientId?: string
  endpoint?: string
  persistent?: boolean
  /** How large a hit is on its way. */
  bytes?: number
  /** How long its page is busy with other things first. */
  busyMs?: number
}

/** One origin of one browser: its clock, its IndexedDB, its tabs, and what they have sent. */
export type World = {
  online: boolean
  /** Its `localStorage`. */
  texts: Map<string, string>
  /** What is known of the endpoint, as the next page finds it. */
  state: EndpointState
  /** What the pages of the client id have told each other. */
  clientState: () => ClientState
  tabs: Tab[]
  /** Requests without an answer, oldest first. */
  flights: Flight[]
  /** How long a request waits for its answer. */
  patienceMs: number
  /** Called with every request that departs. */
  onSend: (flight: Flight) => void
  open: (options?: TabOptions) => Promise<Tab>
  /** Opens a tab in which nothing is begun. */
  create: (options?: TabOptions) => Tab
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
  if (isDead()) throw new DOMException('The tab is dead', 'UnknownError')
  // fake-indexeddb makes those of an upgrade by itself.
  if (args[1] === 'readwrite') transactions += 1
  return transaction.apply(this, args)
}

// In fake-indexeddb requests of an index have no transaction unless the index has.
Object.defineProperty(IDBIndex.prototype, 'transaction', {
  get(this: IDBIndex) {
    return this.objectStore.transaction
  },
})

/** A world that ends with its test. */
export function createWorld(): World {
  const world = begin()
  onTestFinished(world.end)
  return world
}

/** Turns the globals that delivery uses into those of a new world, until its `end`. */
export function begin(): World & { end: () => void } {
  vi.useFakeTimers({ toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout'], now })
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
    timers.set(timer, { at: performance.now() + Math.max(1, ms), tab })
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
          if (!channels.has(other) || other.tab?.dead) return
          // What the other tab does then is its own: it outlives this one.
          running.run(other.tab as Tab, () => other.onmessage?.({ data }))
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

  let madeAt = 0
  const texts = new Map<string, string>()
  const unlessDead = (change: () => void) => {
    if (!isDead()) change()
  }
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => texts.get(key) ?? null,
    setItem: (key: string, text: string) =>
      unlessDead(() => {
        texts.set(key, text)
        tellOthers(key)
      }),
    removeItem: (key: string) => unlessDead(() => void texts.delete(key)),
  })
  /** The `storage` event of the other tabs. */
  function tellOthers(key: string): void {
    const writer = running.getStore()
    for (const other of world.tabs) {
      if (other === writer) continue
      globalThis.setImmediate(() => {
        if (!other.dead) other.changedElsewhere(key)
      })
    }
  }
  const endpointKey = `skalin:endpoint:${endpoint}`
  const clientKey = `skalin:client:${clientId}`

  function createTab(options: TabOptions): Tab {
    const run = <Result>(work: () => Result) => running.run(tab, work)
    const report = (progress: Report) => {
      if (!tab.dead) tab.reports.push(progress)
    }
    let returns = 0
    let hiddenAt = -Infinity
    const send = (body: string, mode: Mode, onLate?: (outcome: Outcome) => void) =>
      new Promise<Outcome>((resolve) => {
        if (tab.dead) return
        const giveUp = running.exit(() =>
          setTimeout(() => void world.answer(flight, { kind: 'timeout' }), world.patienceMs),
        )
        const late = (outcome: Outcome) => run(() => onLate?.(outcome))
        const hit = JSON.parse(body) as Hit
        const flight: Flight = { tab, hit, mode, giveUp, resolve, late }
        world.flights.push(flight)
        world.onSend(flight)
      })
    const delivery = createDelivery({
      clientId: options.clientId ?? clientId,
      endpoint: options.endpoint ?? endpoint,
      persistent: options.persistent ?? true,
      page: {
        isOnline: () => world.online,
        isHidden: () => tab.hidden,
        isLeaving: () => tab.left || (tab.hidden && performance.now() - hiddenAt < 1000),
        hasLeft: () => tab.left,
        returns: () => returns,
        noCors: () => !tab.isolated,
      },
      send,
      encode: (hit) => JSON.stringify(hit).padEnd(options.bytes ?? 0),
      personIn,
      hash: (text) => text,
      whenIdle: (work) => (options.busyMs ? void setTimeout(work, options.busyMs) : work()),
      onProgress: report,
      onDrop: (row, reason) => report({ outcome: 'dropped', reason, row }),
    })
    const leave = () => delivery.leave(() => undefined)
    const go = () => {
      tab.hidden = true
      tab.left = true
      run(leave)
    }
    const tab: Tab = {
      hidden: false,
      left: false,
      isolated: false,
      dead: false,
      reports: [],
      call(...hits) {
        // As calls are: those of one millisecond one after the other.
        const time = Date.now() - 1
        madeAt = time > madeAt || madeAt - time > 1 ? time : madeAt
        tab.post(hits, madeAt)
        madeAt += hits.length * tick
      },
      hide() {
        tab.hidden = true
        hiddenAt = performance.now()
        run(leave)
      },
      show() {
        if (tab.left) returns += 1
        tab.hidden = tab.left = false
        run(delivery.back)
      },
      freeze: go,
      async close() {
        go()
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
      // What a test calls runs in the tab.
      post: (...args) => run(() => delivery.post(...args)),
      hold: (...args) => run(() => delivery.hold(...args)),
      completeHeld: (...args) => run(() => delivery.completeHeld(...args)),
      dropHeld: (...args) => run(() => delivery.dropHeld(...args)),
      start: () => run(delivery.start),
      leave: (postRest) => run(() => delivery.leave(postRest)),
      back: () => run(delivery.back),
      online: () => run(delivery.online),
      changedElsewhere: (key) => run(() => delivery.changedElsewhere(key)),
      forget: () => run(delivery.forget),
      flush: () => run(delivery.flush),
      pending: () => run(delivery.pending),
      stop: () => run(delivery.stop),
    }
    return tab
  }

  const world: World & { end: () => void } = {
    online: true,
    texts,
    get state() {
      const text = texts.get(endpointKey)
      return text === undefined ? initialState : parseEndpointState(JSON.parse(text))
    },
    set state(state) {
      texts.set(endpointKey, JSON.stringify(state))
    },
    clientState: () => parseClientState(JSON.parse(texts.get(clientKey) ?? '{}')),
    tabs: [],
    flights: [],
    patienceMs: timeoutMs,
    onSend: () => undefined,
    settle,

    create(options = {}) {
      const tab = createTab(options)
      world.tabs.push(tab)
      return tab
    },

    async open(options) {
      const tab = world.create(options)
      tab.start()
      // What pages left in the note is taken over a task later.
      await world.tick(0)
      return tab
    },

    async answer(flight, outcome) {
      world.flights = world.flights.filter((other) => other !== flight)
      clearTimeout(flight.giveUp)
      flight.resolve(outcome)
      await settle()
    },

    async tick(ms) {
      const end = performance.now() + ms
      for (;;) {
        await settle()
        const next = Math.min(...[...timers.values()].map(({ at }) => at))
        if (next > end) break
        vi.advanceTimersByTime(next - performance.now())
      }
      vi.advanceTimersByTime(end - performance.now())
      await settle()
    },

    async setOnline(online) {
      world.online = online
      if (online) for (const tab of world.tabs) tab.online()
      await settle()
    },

    async stored() {
      const request = indexedDB.open('skalin')
      const db = await new Promise<IDBDatabase>((resolve) => {
        request.onsuccess = () => resolve(request.result)
      })
      if (!db.objectStoreNames.contains('outbox')) {
        db.close()
        return []
      }
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
