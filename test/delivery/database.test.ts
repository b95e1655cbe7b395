import { forceCloseDatabase } from 'fake-indexeddb'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createDatabase, databaseExists } from '../../src/delivery/database.ts'
import { minute, second } from '../../src/delivery/limits.ts'
import { hang, replace } from './sabotage.ts'
import { hitOf, numberOf, ok, outcomes } from './support.ts'
import { type Tab, type World, createWorld } from './world.ts'

const stored = async (world: World) => (await world.stored()).map(({ hit }) => numberOf(hit))

async function setUp(): Promise<{ world: World; tab: Tab }> {
  const world = createWorld()
  world.online = false
  return { world, tab: await world.open() }
}

/** Sees a method of every connection being called, until the test is over. */
function onCall(name: 'transaction' | 'close', see: (db: IDBDatabase, result: unknown) => void) {
  const end = replace(
    IDBDatabase.prototype,
    [name],
    (real) =>
      function (this: IDBDatabase, ...args: never[]) {
        const result = real.apply(this as never, args)
        see(this, result)
        return result
      },
  )
  onTestFinished(end)
  return end
}

/** Counts the connections that are open. */
function countConnections(): () => number {
  const open = new Set<IDBDatabase>()
  onCall('transaction', (db) => open.add(db))
  onCall('close', (db) => open.delete(db))
  return () => open.size
}

/** Has the database answer nobody: fake-indexeddb begins its work by `setImmediate`. */
function stall() {
  const stalled: (() => void)[] = []
  const { setImmediate } = globalThis
  vi.stubGlobal('setImmediate', (work: () => void) => stalled.push(work))
  return {
    stalled,
    /** It answers what it is asked from now on. */
    end: () => vi.stubGlobal('setImmediate', setImmediate),
    /** What it was asked meanwhile it answers, too. */
    release() {
      for (const work of stalled) work()
    },
  }
}

/** Makes a database as somebody else would. */
function makeDatabase(version: number, furnish: (db: IDBDatabase) => void): Promise<void> {
  return new Promise((resolve) => {
    const request = indexedDB.open('skalin', version)
    request.onupgradeneeded = () => furnish(request.result)
    request.onsuccess = () => {
      request.result.close()
      resolve()
    }
  })
}

const versionOf = async () =>
  (await indexedDB.databases()).find(({ name }) => name === 'skalin')?.version

const furnishOurs = (db: IDBDatabase) => {
  const store = db.createObjectStore('outbox', { keyPath: 'id' })
  store.createIndex('lane', ['hit.client_id', 'endpoint', 'due'])
  store.createIndex('age', 'at')
}

describe('a connection that breaks is followed by a new one, and nothing is lost', () => {
  test.each(['InvalidStateError', 'UnknownError', 'NotFoundError', 'TypeError'])(
    'when it turns out to be dead: %s',
    async (name) => {
      const { world, tab } = await setUp()
      vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementationOnce(() => {
        throw name === 'TypeError' ? new TypeError() : new DOMException('Dead', name)
      })
      tab.call(hitOf(1))
      await world.settle()
      tab.call(hitOf(2))
      await world.settle()
      expect(await stored(world)).toEqual([1, 2])
    },
  )

  test('when the browser closes it', async () => {
    const { world, tab } = await setUp()
    const transaction = vi.spyOn(IDBDatabase.prototype, 'transaction')
    tab.call(hitOf(1))
    await world.settle()
    // Safe: it is fake-indexeddb's own.
    forceCloseDatabase(transaction.mock.contexts[0] as never)
    tab.call(hitOf(2))
    await world.settle()
    expect(await stored(world)).toEqual([1, 2])
  })

  test('when the site deletes the database', async () => {
    const { world, tab } = await setUp()
    tab.call(hitOf(1))
    await world.settle()
    indexedDB.deleteDatabase('skalin')
    await world.settle()
    tab.call(hitOf(2))
    await world.settle()
    expect(await stored(world)).toEqual([2])
  })
})

describe('a database', () => {
  test.each<[string, (db: IDBDatabase) => void]>([
    ['without our store', () => undefined],
    ['with another store of its name', (db) => void db.createObjectStore('outbox')],
    ['without indexes', (db) => void db.createObjectStore('outbox', { keyPath: 'id' })],
  ])('%s gets it, beside what is there', async (_, furnish) => {
    const world = createWorld()
    world.online = false
    await makeDatabase(1, (db) => {
      db.createObjectStore('others')
      furnish(db)
    })
    const tab = await world.open()
    tab.call(hitOf(1))
    await world.settle()
    expect(await stored(world)).toEqual([1])
  })

  test('of a later version is used if our store fits', async () => {
    const world = createWorld()
    world.online = false
    await makeDatabase(7, furnishOurs)
    const tab = await world.open()
    tab.call(hitOf(1))
    await world.settle()
    expect(await stored(world)).toEqual([1])
    expect(await versionOf()).toBe(7)
  })

  // Firefox tells the page of errors that nobody prevents.
  test('of a later version is no error of the page', async () => {
    const world = createWorld()
    await makeDatabase(7, furnishOurs)
    const prevented: (() => void)[] = []
    const open = indexedDB.open.bind(indexedDB)
    vi.spyOn(indexedDB, 'open').mockImplementation((...args) => {
      const request = open(...args)
      request.addEventListener('error', (event) => {
        prevented.push(vi.spyOn(event, 'preventDefault'))
      })
      return request
    })
    await world.open()
    await world.settle()
    expect(prevented).toHaveLength(1)
    expect(prevented[0]).toHaveBeenCalledTimes(1)
  })

  test.each([2, 7])(
    'of version %i is left alone if it does not: memory serves',
    async (version) => {
      const world = createWorld()
      await makeDatabase(version, (db) => void db.createObjectStore('others'))
      const tab = await world.open()
      tab.call(hitOf(1))
      await world.settle()
      expect(world.flights).toHaveLength(1)
      const [flight] = world.flights
      if (flight) await world.answer(flight, ok)
      expect(tab.reports).toMatchObject([{ outcome: 'accepted' }])
      expect(await versionOf()).toBe(version)
    },
  )

  test('that fails for a moment is not taken for one that lacks our store', async () => {
    const { world, tab } = await setUp()
    const broken = vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(() => {
      throw new DOMException('Not now', 'UnknownError')
    })
    tab.call(hitOf(1))
    await world.settle()
    broken.mockRestore()
    expect(await versionOf()).toBe(2)
  })

  test('does nothing by halves', async () => {
    const world = createWorld()
    const database = createDatabase(true, () => undefined)
    void database.open()
    await world.settle()
    const done = vi.fn()
    database.run((store) => {
      store.put({ id: '1', at: 0, due: 0 })
      throw new Error('In the middle')
    }, done)
    await world.settle()
    expect(done.mock.calls).toEqual([[undefined]])
    expect(await stored(world)).toEqual([])
  })

  test('that does not open is tried again after a minute', async () => {
    const world = createWorld()
    world.online = false
    const open = vi.spyOn(indexedDB, 'open').mockImplementationOnce(() => {
      throw new DOMException('Broken', 'UnknownError')
    })
    const tab = await world.open()
    tab.call(hitOf(1))
    await world.tick(minute - 1)
    tab.call(hitOf(2))
    await world.settle()
    expect(open).toHaveBeenCalledTimes(1)
    await world.tick(1)
    tab.call(hitOf(3))
    await world.settle()
    expect(open).toHaveBeenCalledTimes(2)
    expect(await stored(world)).toEqual([1, 2, 3])
  })

  test('that is full: what it has not got is stored a minute later', async () => {
    const { world, tab } = await setUp()
    const put = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
      throw new DOMException('Full', 'QuotaExceededError')
    })
    tab.call(hitOf(1))
    await world.settle()
    put.mockRestore()
    tab.call(hitOf(2))
    await world.settle()
    expect(await world.stored()).toEqual([])
    const pending = tab.pending()
    await world.settle()
    expect(await pending).toBe(2)
    await world.tick(minute)
    tab.call(hitOf(3))
    await world.settle()
    expect(await stored(world)).toEqual([1, 2, 3])
  })
})

test('what a dying connection took with it is written down once more, without another call', async () => {
  const { world, tab } = await setUp()
  let puts = 0
  const die = ({ transaction }: IDBObjectStore) => {
    transaction.commit = () => undefined
    setImmediate(() => {
      transaction.abort()
      forceCloseDatabase(transaction.db as never)
    })
  }
  const end = replace(
    IDBObjectStore.prototype,
    ['put'],
    (real) =>
      function (this: IDBObjectStore, ...args: never[]) {
        puts += 1
        if (puts === 1) die(this)
        return real.apply(this as never, args)
      },
  )
  onTestFinished(end)
  tab.call(hitOf(1))
  await world.tick(second)
  expect(puts).toBe(2)
  expect(await stored(world)).toEqual([1])
})

describe('a hang costs two seconds once', () => {
  /** How long a flush takes, of hits that are answered at once. */
  async function flushed(world: World, tab: Tab): Promise<number> {
    const from = performance.now()
    let tookMs = Infinity
    void tab.flush().then(() => {
      tookMs = performance.now() - from
    })
    for (let step = 0; step < 130 && tookMs === Infinity; step += 1) {
      await world.settle()
      for (const flight of [...world.flights]) await world.answer(flight, ok)
      await world.tick(100)
    }
    return tookMs
  }

  test('of opening', async () => {
    const world = createWorld()
    const open = vi.spyOn(indexedDB, 'open').mockImplementation(() => ({}) as never)
    const tab = await world.open()
    tab.call(hitOf(1))
    expect(world.flights).toHaveLength(1)
    expect(await flushed(world, tab)).toBeLessThanOrEqual(2100)
    expect(open).toHaveBeenCalledTimes(1)
    tab.call(hitOf(2))
    expect(await flushed(world, tab)).toBeLessThanOrEqual(100)
    expect(open).toHaveBeenCalledTimes(1)
    await world.tick(minute)
    open.mockRestore()
    tab.call(hitOf(3))
    await world.settle()
    expect((await stored(world)).at(-1)).toBe(3)
  })

  test.each(['one transaction', 'all transactions'])('of %s', async (which) => {
    const world = createWorld()
    const tab = await world.open()
    let count = 0
    const end = onCall('transaction', (_, transaction) => {
      count += 1
      if (count === 1 || which === 'all transactions') hang(transaction as IDBTransaction)
    })
    tab.call(hitOf(1))
    expect(await flushed(world, tab)).toBeLessThanOrEqual(2100)
    tab.call(hitOf(2))
    expect(await flushed(world, tab)).toBeLessThanOrEqual(which === 'one transaction' ? 2100 : 100)
    expect(tab.reports.map(({ outcome }) => outcome)).toEqual(['accepted', 'accepted'])
    end()
    await world.tick(minute)
    tab.call(hitOf(3))
    for (const flight of [...world.flights]) await world.answer(flight, ok)
    await world.tick(2 * second)
    expect(await stored(world)).toEqual([])
  })

  test('and a database that is only busy has none', async () => {
    const { world, tab } = await setUp()
    // fake-indexeddb begins its work by setImmediate, a request at a time.
    const database = stall()
    for (let call = 1; call <= 5; call += 1) {
      tab.call(hitOf(call))
      await world.tick(1)
    }
    for (let step = 0; step < 9; step += 1) {
      await world.tick(200)
      database.stalled.shift()?.()
    }
    await world.tick(300)
    tab.call(hitOf(6))
    database.end()
    database.release()
    await world.settle()
    expect(await stored(world)).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('nor has one that takes longer than that over many rows', async () => {
    const { world } = await setUp()
    const database = createDatabase(true, () => undefined)
    void database.open()
    await world.settle()
    const busy = stall()
    const told: unknown[] = []
    const put = (store: IDBObjectStore) => {
      for (let id = 1; id <= 10; id += 1) store.put({ id: String(id) })
      return 'stored'
    }
    database.run(put, (result) => told.push(result))
    for (let step = 0; step < 20 && told.length === 0; step += 1) {
      await world.tick(500)
      busy.stalled.shift()?.()
    }
    expect(told).toEqual(['stored'])
    busy.end()
    database.close()
  })

  test('and one that does not say what there is has nothing', async () => {
    const world = createWorld()
    vi.spyOn(indexedDB, 'databases').mockReturnValue(new Promise(() => undefined))
    const asking = databaseExists()
    await world.tick(2 * second)
    expect(await asking).toBe(false)
  })

  test('and what it takes after all is not sent once more, if it was accepted', async () => {
    const world = createWorld()
    const tab = await world.open()
    const database = stall()
    tab.call(hitOf(1))
    await world.tick(2 * second)
    const [flight] = world.flights
    if (flight) await world.answer(flight, ok)
    database.end()
    database.release()
    await world.tick(5 * minute)
    expect(world.flights).toEqual([])
    expect(await stored(world)).toEqual([])
  })

  test('and it is used as soon as it answers after all', async () => {
    const world = createWorld()
    world.online = false
    const database = stall()
    const opening = world.open()
    database.end()
    const tab = await opening
    tab.call(hitOf(1))
    await world.tick(2 * second)
    database.release()
    await world.settle()
    tab.call(hitOf(2))
    await world.settle()
    expect(await stored(world)).toEqual([1, 2])
  })
})

describe('what waits is looked for when a database answers late', () => {
  test.each(['its opening', 'a transaction'])('%s', async (which) => {
    const { world, tab } = await setUp()
    world.online = false
    tab.call(hitOf(1))
    await world.settle()
    tab.crash()
    const open = () => world.open()
    if (which === 'a transaction') await open()
    const database = stall()
    world.online = true
    const looking = which === 'a transaction' ? world.setOnline(true) : open()
    await world.tick(3 * second)
    await looking
    const sent: number[] = []
    world.onSend = ({ hit }) => sent.push(parseInt(hit.event_id, 16))
    database.end()
    database.release()
    // The transaction that was given up has leased it all the same.
    await world.tick(20 * second)
    expect(sent).toContain(1)
  })
})

test('a database that opens late is given what was made before', async () => {
  const world = createWorld()
  world.online = false
  const database = stall()
  const opening = world.open()
  await world.tick(100)
  const tab = await opening
  tab.call(hitOf(1), hitOf(2))
  await world.tick(3 * second)
  database.end()
  database.release()
  await world.tick(minute)
  tab.crash()
  expect(await stored(world)).toEqual([1, 2])
})

describe('no connection stays open', () => {
  test('after being registered and deregistered 200 times', async () => {
    const world = createWorld()
    const connections = countConnections()
    for (let time = 0; time < 200; time += 1) {
      const opening = world.open()
      const [tab] = world.tabs
      if (time % 2 === 1) await opening
      if (time % 3 === 0) tab?.call(hitOf(time))
      const stopping = tab?.stop()
      await opening
      for (const flight of [...world.flights])
        await world.answer(flight, time % 5 === 0 ? ok : outcomes.answer(404))
      await stopping
      world.tabs = []
    }
    await world.tick(5 * minute)
    expect(connections()).toBe(0)
    expect(world.timers()).toBe(0)
    expect(world.channels()).toBe(0)
  })

  test('though it is opened late', async () => {
    const world = createWorld()
    const connections = countConnections()
    const database = stall()
    const opening = world.open()
    database.end()
    const tab = await opening
    await world.tick(3 * second)
    await tab.stop()
    database.release()
    await world.tick(minute)
    expect(connections()).toBe(0)
  })
})
