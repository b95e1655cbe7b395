import { forceCloseDatabase } from 'fake-indexeddb'
import { describe, expect, test, vi } from 'vitest'
import { parseClientState } from '../../src/delivery/client.ts'
import { createDatabase } from '../../src/delivery/database.ts'
import { hour, leaseMs, maxAgeMs, minute, second } from '../../src/delivery/endpoint.ts'
import { type Row, held } from '../../src/delivery/row.ts'
import type { Hit } from '../../src/hit/hit.ts'
import { endpoint, hitOf, now } from './support.ts'
import { type Tab, type TabOptions, type World, createWorld } from './world.ts'

/** When row 0 was made. */
const start = now - minute

/** The row of a hit, made a millisecond after the one before. It is due. */
const rowOf = (number: number, more: Partial<Row> = {}, hit: Partial<Hit> = {}): Row => {
  const at = start + number
  return {
    id: hitOf(number).event_id,
    hit: hitOf(number, hit),
    endpoint,
    at,
    due: at,
    attempts: 0,
    ...more,
  }
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)
const idsOf = (rows: (Row | undefined)[]) => rows.map((row) => row && parseInt(row.id, 16))

/** A tab that sends nothing by itself, and its world. */
async function setUp(
  options: TabOptions = {},
): Promise<{ world: World; tab: Tab; outbox: Tab['outbox'] }> {
  const world = createWorld()
  const tab = await world.open({ resume: false, ...options })
  return { world, tab, outbox: tab.outbox }
}

async function setUpWithoutDatabase(): ReturnType<typeof setUp> {
  const world = createWorld()
  vi.stubGlobal('indexedDB', undefined)
  const tab = await world.open({ resume: false })
  return { world, tab, outbox: tab.outbox }
}

/** Lets all that needs no time happen until a promise is decided. */
async function settled<Result>(world: World, promise: Promise<Result>): Promise<Result> {
  await world.settle()
  return promise
}

const claim = (world: World, { outbox }: Tab) =>
  settled(world, outbox.claim(Date.now(), Date.now() + hour))

const drops = ({ reports }: Tab) =>
  reports.map(({ outcome, reason, row }) => [outcome, reason, parseInt(row.id, 16)])

describe('putting', () => {
  test('begins in the same task, and commits without waiting', async () => {
    const { world, outbox } = await setUp()
    const before = world.transactions()
    const commit = vi.spyOn(IDBTransaction.prototype, 'commit')
    outbox.put([rowOf(1), rowOf(2)])
    expect(world.transactions()).toBe(before + 1)
    expect(commit).toHaveBeenCalledTimes(1)
    await world.settle()
    expect(await world.stored()).toEqual([rowOf(1), rowOf(2)])
  })

  test('nothing does nothing', async () => {
    const { world, outbox } = await setUp()
    const before = world.transactions()
    outbox.put([])
    await world.settle()
    expect(world.transactions()).toBe(before)
  })

  test('before the database is open, waits for that, and goes in by one transaction', async () => {
    const world = createWorld()
    const opening = world.open({ resume: false })
    const [tab] = world.tabs
    for (const number of numbers(5)) tab?.outbox.put([rowOf(number)])
    expect(world.transactions()).toBe(0)
    await opening
    expect(idsOf(await world.stored())).toEqual(numbers(5))
    // And one that looks whether there is too much.
    expect(world.transactions()).toBe(2)
  })

  test('what was accepted before the database was open is never put', async () => {
    const world = createWorld()
    const opening = world.open({ resume: false })
    const [tab] = world.tabs
    tab?.outbox.put([rowOf(1), rowOf(2)])
    tab?.outbox.remove(rowOf(1).id)
    await opening
    await world.tick(second)
    expect(idsOf(await world.stored())).toEqual([2])
  })

  test('again replaces', async () => {
    const { world, outbox } = await setUp()
    outbox.put([rowOf(1)])
    outbox.put([rowOf(1, { attempts: 5 })])
    await world.settle()
    expect(await settled(world, outbox.pending())).toBe(1)
    expect(await world.stored()).toEqual([rowOf(1, { attempts: 5 })])
  })
})

describe('removing', () => {
  test('is batched', async () => {
    const { world, outbox } = await setUp()
    outbox.put(numbers(5).map((number) => rowOf(number)))
    await world.settle()
    const before = world.transactions()
    for (const number of [0, 2, 4]) outbox.remove(rowOf(number).id)
    await world.tick(49)
    expect(idsOf(await world.stored())).toEqual(numbers(5))
    await world.tick(1)
    expect(idsOf(await world.stored())).toEqual([1, 3])
    expect(world.transactions()).toBe(before + 1)
  })

  test('is done before anything else is asked', async () => {
    const { world, tab, outbox } = await setUp()
    outbox.put([rowOf(1), rowOf(2)])
    outbox.remove(rowOf(1).id)
    expect(idsOf([await claim(world, tab)])).toEqual([2])
    expect(await settled(world, outbox.pending())).toBe(1)
  })

  test.each(['leave', 'close'] as const)('is done at once when the page goes: %s', async (go) => {
    const { world, outbox } = await setUp()
    outbox.put([rowOf(1)])
    await world.settle()
    outbox.remove(rowOf(1).id)
    outbox[go]()
    await world.settle()
    expect(await world.stored()).toEqual([])
    expect(world.timers()).toBe(0)
  })

  test('is not forgotten when the browser closes the connection', async () => {
    const { world, tab, outbox } = await setUp()
    const transaction = vi.spyOn(IDBDatabase.prototype, 'transaction')
    outbox.put([rowOf(1)])
    await world.settle()
    outbox.remove(rowOf(1).id)
    // Safe: it is fake-indexeddb's own.
    forceCloseDatabase(transaction.mock.contexts[0] as never)
    await world.tick(second)
    expect(await claim(world, tab)).toBeUndefined()
    expect(await world.stored()).toEqual([])
  })

  test('is not forgotten when the connection turns out to be dead', async () => {
    const { world, tab, outbox } = await setUp()
    outbox.put([rowOf(1)])
    await world.settle()
    outbox.remove(rowOf(1).id)
    vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementationOnce(() => {
      throw new DOMException('The connection is dead', 'InvalidStateError')
    })
    await world.tick(second)
    expect(await claim(world, tab)).toBeUndefined()
    expect(await world.stored()).toEqual([])
  })
})

describe('claiming', () => {
  test('answers with the oldest row, which is leased to the tab', async () => {
    const { world, tab, outbox } = await setUp()
    outbox.put([rowOf(2), rowOf(1), rowOf(3)])
    const leased = rowOf(1, { due: now + leaseMs, attempts: 1 })
    expect(await claim(world, tab)).toEqual(leased)
    expect(await world.stored()).toEqual([leased, rowOf(2), rowOf(3)])
  })

  test('passes by what is not due yet', async () => {
    const { world, tab, outbox } = await setUp()
    outbox.put([rowOf(1, { due: now + 5 }), rowOf(2)])
    expect(idsOf([await claim(world, tab), await claim(world, tab)])).toEqual([2, undefined])
    await world.tick(5)
    expect(idsOf([await claim(world, tab)])).toEqual([1])
  })

  test('takes over what another tab has not finished in 20 s', async () => {
    const { world, tab, outbox } = await setUp()
    outbox.put([rowOf(1)])
    await claim(world, tab)
    const other = await world.open({ resume: false })
    await world.tick(leaseMs - 1)
    expect(await claim(world, other)).toBeUndefined()
    await world.tick(1)
    expect(await claim(world, other)).toMatchObject({ attempts: 2, due: now + 2 * leaseMs })
  })

  test('gives each row to one of several tabs', async () => {
    const { world, tab, outbox } = await setUp()
    outbox.put(numbers(30).map((number) => rowOf(number)))
    const tabs = [tab, await world.open({ resume: false }), await world.open({ resume: false })]
    const claims = numbers(30).map((index) =>
      (tabs[index % 3] ?? tab).outbox.claim(now, now + hour),
    )
    const rows = await settled(world, Promise.all(claims))
    expect(idsOf(rows).sort((a = 0, b = 0) => a - b)).toEqual(numbers(30))
  })

  test('takes what is due later than anything can be, for the clock was set back', async () => {
    const { world, tab, outbox } = await setUp()
    outbox.put([rowOf(1, { due: now + hour }), rowOf(2, { due: now + hour + 1 })])
    expect(idsOf([await claim(world, tab), await claim(world, tab)])).toEqual([2, undefined])
  })

  test('drops what is older than 7 days', async () => {
    const { world, tab, outbox } = await setUp()
    outbox.put([rowOf(1, { at: now - maxAgeMs + 10, due: 0 })])
    await world.tick(10)
    expect(await claim(world, tab)).toMatchObject({ attempts: 1 })
    await settled(world, outbox.release(rowOf(1, { at: now - maxAgeMs + 10, due: 0 })))
    await world.tick(1)
    expect(await claim(world, tab)).toBeUndefined()
    expect(drops(tab)).toEqual([['dropped', 'too-old', 1]])
    expect(await world.stored()).toEqual([])
  })

  test('takes only rows of its own client id and endpoint', async () => {
    const { world, tab, outbox } = await setUp()
    const others = [{ clientId: 'other' }, { endpoint: 'https://other.example/hit' }]
    outbox.put([rowOf(0)])
    for (const [index, options] of others.entries()) {
      const other = await world.open({ resume: false, ...options })
      const hit = options.clientId === undefined ? {} : { client_id: options.clientId }
      other.outbox.put([rowOf(index + 1, { ...options, hit: hitOf(index + 1, hit) })])
      await world.settle()
      expect(await settled(world, other.outbox.pending())).toBe(1)
      expect(idsOf([await claim(world, other), await claim(world, other)])).toEqual([
        index + 1,
        undefined,
      ])
    }
    expect(idsOf([await claim(world, tab), await claim(world, tab)])).toEqual([0, undefined])
    expect(await settled(world, outbox.pending())).toBe(1)
  })
})

describe('releasing', () => {
  test('writes down what was learnt', async () => {
    const { world, tab, outbox } = await setUp()
    outbox.put([rowOf(0)])
    await claim(world, tab)
    await settled(
      world,
      outbox.release(rowOf(0, { due: now + minute, attempts: 1, reachedAt: now })),
    )
    expect(await world.stored()).toEqual([
      rowOf(0, { due: now + minute, attempts: 1, reachedAt: now }),
    ])
  })

  test('does not bring back what was deleted meanwhile', async () => {
    const { world, tab, outbox } = await setUp()
    outbox.put([rowOf(0)])
    await claim(world, tab)
    const other = await world.open({ resume: false })
    await settled(world, other.outbox.forget())
    await settled(world, outbox.release(rowOf(0)))
    expect(await world.stored()).toEqual([])
  })
})

describe('held rows', () => {
  test('that could not be freed are not said to be none', async () => {
    const { world, outbox } = await setUp()
    outbox.hold(rowOf(1))
    await world.settle()
    const free = () =>
      settled(
        world,
        outbox.completeHeld([rowOf(1).hit.visitor_id], (hit) => hit),
      )
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementationOnce(() => {
      throw new DOMException('Full', 'QuotaExceededError')
    })
    expect(await free()).toBeUndefined()
    expect(await free()).toBe(true)
    expect(await free()).toBe(false)
  })

  const alice = { visitor_id: 'a'.repeat(16) }
  const bob = { visitor_id: 'b'.repeat(16) }
  const complete = (hit: Hit): Hit => ({ ...hit, identity: '{"id":"alice"}' })

  async function holding(): Promise<{ world: World; tab: Tab; outbox: Tab['outbox'] }> {
    const all = await setUp()
    all.outbox.hold(rowOf(1, {}, alice))
    all.outbox.hold(rowOf(2, {}, bob))
    all.outbox.hold(rowOf(3, {}, alice))
    await all.world.tick(10)
    return all
  }

  test('are stored and counted, but never due', async () => {
    const { world, tab, outbox } = await holding()
    expect((await world.stored()).map(({ due }) => due)).toEqual([held, held, held])
    expect(await settled(world, outbox.pending())).toBe(3)
    expect(await settled(world, outbox.nextDue())).toBeUndefined()
    await world.tick(6 * 24 * hour)
    expect(await claim(world, tab)).toBeUndefined()
  })

  test('are completed and freed for one visitor', async () => {
    const { world, tab, outbox } = await holding()
    const freed = outbox.completeHeld([alice.visitor_id], complete)
    expect(await settled(world, freed)).toBe(true)
    expect(await world.stored()).toEqual([
      rowOf(1, {}, { ...alice, identity: '{"id":"alice"}' }),
      rowOf(2, { due: held }, bob),
      rowOf(3, {}, { ...alice, identity: '{"id":"alice"}' }),
    ])
    expect(
      idsOf([await claim(world, tab), await claim(world, tab), await claim(world, tab)]),
    ).toEqual([1, 3, undefined])
    const again = outbox.completeHeld([alice.visitor_id], complete)
    expect(await settled(world, again)).toBe(false)
  })

  test('that do not fit any more are dropped', async () => {
    const { world, tab, outbox } = await holding()
    const freed = outbox.completeHeld([bob.visitor_id], () => undefined)
    expect(await settled(world, freed)).toBe(false)
    expect(drops(tab)).toEqual([['dropped', 'too-large', 2]])
    expect(idsOf(await world.stored())).toEqual([1, 3])
  })

  test('are dropped up to a time', async () => {
    const { world, tab, outbox } = await holding()
    await settled(world, outbox.dropHeld(start + 2))
    expect(drops(tab)).toEqual([
      ['dropped', 'anonymous', 1],
      ['dropped', 'anonymous', 2],
    ])
    expect(idsOf(await world.stored())).toEqual([3])
  })

  test('are at most 100; the oldest go', async () => {
    const { world, tab, outbox } = await setUp()
    for (const number of numbers(101)) {
      outbox.hold(rowOf(number))
      await world.settle()
    }
    expect(drops(tab)).toEqual([['dropped', 'evicted', 0]])
    expect(idsOf(await world.stored())).toEqual(numbers(101).slice(1))
  })
})

describe('forgetting', () => {
  test('deletes all of the client id, in all tabs, and nothing else', async () => {
    const { world, tab, outbox } = await setUp()
    const sameClient = await world.open({ resume: false, endpoint: 'https://other.example/hit' })
    const otherClient = await world.open({ resume: false, clientId: 'other' })
    const sibling = await world.open({ resume: false })
    outbox.put([rowOf(1)])
    outbox.hold(rowOf(2))
    sibling.outbox.put([rowOf(3)])
    sameClient.outbox.put([rowOf(4, { endpoint: 'https://other.example/hit' })])
    otherClient.outbox.put([rowOf(5, {}, { client_id: 'other' })])
    await world.settle()
    expect(idsOf(sibling.outbox.known())).toEqual([3])

    await settled(world, outbox.forget())
    expect(idsOf(await world.stored())).toEqual([5])
    expect(drops(tab)).toEqual([
      ['dropped', 'consent', 1],
      ['dropped', 'consent', 3],
      ['dropped', 'consent', 2],
    ])
    for (const { outbox } of [tab, sibling, sameClient]) expect(outbox.known()).toEqual([])
    expect(idsOf(otherClient.outbox.known())).toEqual([5])
  })

  test('in memory too', async () => {
    const { world, tab, outbox } = await setUp({ persistent: false })
    outbox.put([rowOf(1)])
    outbox.hold(rowOf(2))
    await settled(world, outbox.forget())
    expect(await settled(world, outbox.pending())).toBe(0)
    expect(drops(tab)).toEqual([
      ['dropped', 'consent', 1],
      ['dropped', 'consent', 2],
    ])
  })
})

test('the next due time is that of the first row, held ones apart', async () => {
  const { world, outbox } = await setUp()
  expect(await settled(world, outbox.nextDue())).toBeUndefined()
  outbox.hold(rowOf(1))
  outbox.put([rowOf(2, { due: now + hour }), rowOf(3, { due: now + minute })])
  expect(await settled(world, outbox.nextDue())).toBe(now + minute)
})

describe('limits', () => {
  test('5,000 rows; the oldest go', async () => {
    const { world, tab, outbox } = await setUp()
    outbox.put(numbers(5003).map((number) => rowOf(number)))
    await world.settle()
    expect(drops(tab)).toEqual([0, 1, 2].map((number) => ['dropped', 'evicted', number]))
    expect(idsOf(await world.stored())).toEqual(numbers(5003).slice(3))
  })

  test('5 MB; the oldest go', async () => {
    const { world, tab, outbox } = await setUp({ bytesOf: () => 16_000 })
    for (const from of [0, 100, 200, 300]) {
      outbox.put(numbers(100).map((number) => rowOf(from + number)))
      await world.settle()
    }
    // 312 × 16,000 bytes are 4,992,000.
    expect(idsOf(await world.stored())).toEqual(numbers(400).slice(88))
    expect(drops(tab)).toEqual(numbers(88).map((number) => ['dropped', 'evicted', number]))
  })

  test('5 MB exactly may stay', async () => {
    const { world, outbox } = await setUp({ bytesOf: () => 10_000 })
    outbox.put(numbers(501).map((number) => rowOf(number)))
    await world.settle()
    expect(idsOf(await world.stored())).toEqual(numbers(501).slice(1))
  })

  test('7 days, held rows and those of others too', async () => {
    const { world, tab, outbox } = await setUp()
    const other = await world.open({ resume: false, clientId: 'other' })
    outbox.put([rowOf(1, { at: now - maxAgeMs }), rowOf(2, { at: now - maxAgeMs - 1, due: held })])
    await world.settle()
    other.outbox.put([rowOf(3, { at: now - maxAgeMs - 1 }, { client_id: 'other' })])
    await world.settle()
    expect(idsOf(await world.stored())).toEqual([1])
    expect(drops(tab)).toEqual([['dropped', 'too-old', 2]])
    expect(drops(other)).toEqual([['dropped', 'too-old', 3]])
  })
})

describe('what the page knows by itself, for when it goes', () => {
  test('is what it has put, oldest first', async () => {
    const { world, outbox } = await setUp()
    outbox.put([rowOf(3), rowOf(1)])
    outbox.put([rowOf(2)])
    expect(idsOf(outbox.known())).toEqual([1, 2, 3])
    await world.settle()
    expect(idsOf(outbox.known())).toEqual([1, 2, 3])
    outbox.remove(rowOf(2).id)
    expect(idsOf(outbox.known())).toEqual([1, 3])
  })

  test('is not what another tab sends or has sent', async () => {
    const { world, outbox } = await setUp()
    const other = await world.open({ resume: false })
    outbox.put([rowOf(1), rowOf(2), rowOf(3)])
    await world.settle()
    await claim(world, other)
    expect(idsOf(outbox.known())).toEqual([2, 3])
    other.outbox.remove(rowOf(2).id)
    await world.tick(50)
    expect(idsOf(outbox.known())).toEqual([3])
  })

  test('is at most 300 rows', async () => {
    const { world, outbox } = await setUp()
    outbox.put(numbers(400).map((number) => rowOf(number)))
    await world.settle()
    expect(idsOf(outbox.known())).toEqual(numbers(300))
  })
})

describe('what the database has not taken when the page goes', () => {
  test('is there for the next page, held rows too', async () => {
    const { world, tab, outbox } = await setUp()
    world.online = false
    const transaction = vi.spyOn(IDBDatabase.prototype, 'transaction')
    transaction.mockImplementation(() => {
      throw new DOMException('The page goes', 'AbortError')
    })
    outbox.put([rowOf(1)])
    outbox.hold(rowOf(2))
    await tab.close()
    transaction.mockRestore()
    expect(await world.stored()).toEqual([])

    await world.open({ resume: false })
    expect(await world.stored()).toEqual([rowOf(1), rowOf(2, { due: held })])
    await (await world.open({ resume: false })).close()
    expect(await world.stored()).toHaveLength(2)
  })

  test('is there even if it was sent: nobody hears what came of it', async () => {
    const { world, tab, outbox } = await setUpWithoutDatabase()
    outbox.put(numbers(10).map((number) => rowOf(number)))
    await tab.close()
    const next = await world.open({ resume: false })
    expect(await settled(world, next.outbox.pending())).toBe(10)
  })

  test('is there after stop() too', async () => {
    const { world, tab, outbox } = await setUpWithoutDatabase()
    world.online = false
    outbox.put([rowOf(1)])
    await settled(world, tab.courier.stop())
    const next = await world.open({ resume: false })
    expect(await settled(world, next.outbox.pending())).toBe(1)
  })

  test('is there if it came after the page had gone', async () => {
    const { world, tab, outbox } = await setUp()
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
      throw new DOMException('The page goes', 'AbortError')
    })
    tab.outbox.leave()
    outbox.hold(rowOf(1))
    tab.crash()
    vi.restoreAllMocks()
    await world.open({ resume: false })
    expect(await world.stored()).toEqual([rowOf(1, { due: held })])
  })

  test('belongs to one page: one that comes back has what nobody took', async () => {
    const { world, tab, outbox } = await setUpWithoutDatabase()
    world.online = false
    outbox.put([rowOf(1), rowOf(2)])
    tab.hidden = tab.left = true
    outbox.leave()
    const next = await world.open({ resume: false })
    next.outbox.remove(rowOf(1).id)
    await world.tick(second)
    next.crash()
    tab.left = tab.hidden = false
    outbox.join()
    expect(await settled(world, outbox.pending())).toBe(1)
  })

  test('does not undo what another tab has done to the row since', async () => {
    const { world, tab, outbox } = await setUp()
    const other = await world.open({ resume: false })
    outbox.hold(rowOf(1))
    outbox.leave()
    await world.settle()
    tab.crash()
    const complete = (hit: Hit) => ({ ...hit, identity: '{"id":"alice"}' })
    await settled(world, other.outbox.completeHeld([rowOf(1).hit.visitor_id], complete))
    await world.open({ resume: false })
    expect(await world.stored()).toMatchObject([
      { due: rowOf(1).due, hit: { identity: '{"id":"alice"}' } },
    ])
  })

  test('is not counted twice when the page is left twice', async () => {
    const { world, tab, outbox } = await setUpWithoutDatabase()
    const elsewhere = 'https://elsewhere.example/hit'
    const other = await world.open({ resume: false, endpoint: elsewhere })
    world.online = false
    other.outbox.put(numbers(40).map((number) => rowOf(number, { endpoint: elsewhere })))
    other.outbox.leave()
    outbox.put(numbers(60).map((number) => rowOf(100 + number)))
    outbox.leave()
    outbox.put([rowOf(100)])
    tab.outbox.leave()
    expect(world.clientNote.read()?.unsaved).toHaveLength(100)
  })

  test('waits for a page with its endpoint, and is 100 rows at most', async () => {
    const world = createWorld()
    world.online = false
    const elsewhere = 'https://elsewhere.example/hit'
    const tab = await world.open({ resume: false })
    const other = await world.open({ resume: false, endpoint: elsewhere })
    const transaction = vi.spyOn(IDBDatabase.prototype, 'transaction')
    transaction.mockImplementation(() => {
      throw new DOMException('The page goes', 'AbortError')
    })
    tab.outbox.put(numbers(120).map((number) => rowOf(number)))
    await tab.close()
    other.outbox.put([rowOf(200, { endpoint: elsewhere })])
    await other.close()
    transaction.mockRestore()

    await world.open({ resume: false })
    expect(idsOf(await world.stored())).toEqual(numbers(120).slice(21))
    await world.open({ resume: false, endpoint: elsewhere })
    expect(idsOf(await world.stored())).toEqual([...numbers(120).slice(21), 200])
  })

  test.each([
    null,
    {},
    { forgottenAt: 0 },
    { forgottenAt: 'now', unsaved: [] },
    { forgottenAt: 0, unsaved: [5] },
    { forgottenAt: 0, unsaved: [{ hit: {} }] },
    { forgottenAt: 0, unsaved: [{ hit: { client_id: 'client' } }] },
  ])('is nothing if it says %j', (json) => {
    expect(() => parseClientState(json)).toThrow(TypeError)
  })
})

describe('without IndexedDB, rows wait in memory', () => {
  /** All that an outbox does, in a tab whose database fails. */
  async function works(world: World, tab: Tab): Promise<void> {
    const { outbox } = tab
    outbox.put([rowOf(1), rowOf(2)])
    outbox.hold(rowOf(3))
    await world.settle()
    expect(await settled(world, outbox.pending())).toBe(3)
    expect(await claim(world, tab)).toEqual(rowOf(1, { due: now + leaseMs, attempts: 1 }))
    expect(idsOf([await claim(world, tab), await claim(world, tab)])).toEqual([2, undefined])
    expect(await settled(world, outbox.nextDue())).toBe(now + leaseMs)
    await settled(world, outbox.release(rowOf(1, { due: now + second })))
    outbox.remove(rowOf(2).id)
    await settled(world, outbox.release(rowOf(2)))
    expect(await settled(world, outbox.nextDue())).toBe(now + second)
    const { visitor_id } = hitOf(3)
    expect(
      await settled(
        world,
        outbox.completeHeld([visitor_id], (hit) => hit),
      ),
    ).toBe(true)
    expect(idsOf(outbox.known())).toEqual([1, 3])
    await settled(world, outbox.forget())
    expect(await settled(world, outbox.pending())).toBe(0)
    expect(drops(tab)).toEqual([
      ['dropped', 'consent', 1],
      ['dropped', 'consent', 3],
    ])
  }

  test('when storing is not wanted', async () => {
    const { world, tab } = await setUp({ persistent: false })
    const open = vi.spyOn(indexedDB, 'open')
    await works(world, tab)
    expect(open).not.toHaveBeenCalled()
    expect(world.channels()).toBe(0)
  })

  test('when there is none', async () => {
    const world = createWorld()
    vi.stubGlobal('indexedDB', undefined)
    await works(world, await world.open({ resume: false }))
  })

  test('when opening throws, as in a sandboxed frame', async () => {
    const world = createWorld()
    vi.spyOn(indexedDB, 'open').mockImplementation(() => {
      throw new DOMException('Denied', 'SecurityError')
    })
    await works(world, await world.open({ resume: false }))
  })

  test('when a later version of it is there', async () => {
    const world = createWorld()
    indexedDB.open('skalin', 2)
    await works(world, await world.open({ resume: false }))
  })

  test('at most 5,000; the oldest go', async () => {
    const { world, tab, outbox } = await setUp({ persistent: false })
    outbox.put(numbers(5002).map((number) => rowOf(number)))
    await world.settle()
    expect(drops(tab)).toEqual([0, 1].map((number) => ['dropped', 'evicted', number]))
    expect(await settled(world, outbox.pending())).toBe(5000)
  })

  test('what is older than 7 days is dropped', async () => {
    const { world, tab, outbox } = await setUp({ persistent: false })
    outbox.put([rowOf(1, { at: now - maxAgeMs - 1, due: 0 })])
    expect(await claim(world, tab)).toBeUndefined()
    expect(drops(tab)).toEqual([['dropped', 'too-old', 1]])
    expect(await settled(world, outbox.pending())).toBe(0)
  })
})

describe('a database that fails for a while', () => {
  test('is not waited for longer than 10 s', async () => {
    const world = createWorld()
    const database = createDatabase(true)
    await settled(world, database.open())
    const answer = database.run(() => new Promise(() => undefined))
    await world.tick(10 * second)
    expect(await answer).toBeUndefined()
    expect(
      await settled(
        world,
        database.run((store) => store.count()),
      ),
    ).toBe(0)
  })

  test('does nothing by halves', async () => {
    const world = createWorld()
    const database = createDatabase(true)
    await settled(world, database.open())
    const answer = database.run<number>(async (store) => {
      await store.put(rowOf(1))
      throw new Error('In the middle')
    })
    expect(await settled(world, answer)).toBeUndefined()
    expect(await world.stored()).toEqual([])
  })

  test('is tried again though the clock is set back', async () => {
    const { world, outbox } = await setUp()
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementationOnce(() => {
      throw new DOMException('Full', 'QuotaExceededError')
    })
    outbox.put([rowOf(1)])
    await world.settle()
    vi.setSystemTime(now - 24 * hour)
    outbox.put([rowOf(2)])
    await world.settle()
    expect(idsOf(await world.stored())).toEqual([1, 2])
  })

  const quota = () => {
    throw new DOMException('Full', 'QuotaExceededError')
  }

  test('hangs on opening: after 2 s memory serves; opened after all, it takes what there is', async () => {
    const world = createWorld()
    // fake-indexeddb begins its work by setImmediate.
    const stalled: (() => void)[] = []
    const { setImmediate } = globalThis
    vi.stubGlobal('setImmediate', (work: () => void) => stalled.push(work))
    const opening = world.open({ resume: false })
    vi.stubGlobal('setImmediate', setImmediate)
    const { outbox } = await opening

    outbox.put([rowOf(1)])
    const claimed = vi.fn()
    void outbox.claim(now, now + hour).then(claimed)
    await world.tick(1999)
    expect(claimed).not.toHaveBeenCalled()
    await world.tick(1)
    expect(claimed).toHaveBeenCalledWith(rowOf(1, { due: now + leaseMs, attempts: 1 }))

    for (const work of stalled) work()
    await world.settle()
    outbox.put([rowOf(2)])
    await world.settle()
    expect(idsOf(await world.stored())).toEqual([1, 2])
  })

  test('is full: memory serves, and what it has is stored a minute later', async () => {
    const { world, tab, outbox } = await setUp()
    const put = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(quota)
    outbox.put([rowOf(1)])
    await world.settle()
    expect(await world.stored()).toEqual([])
    expect(idsOf([await claim(world, tab)])).toEqual([1])
    put.mockRestore()
    outbox.put([rowOf(2)])
    await world.settle()
    expect(await world.stored()).toEqual([])
    expect(await settled(world, outbox.pending())).toBe(2)
    await world.tick(minute)
    outbox.put([rowOf(3)])
    await world.settle()
    expect(idsOf(await world.stored())).toEqual([1, 2, 3])
  })

  test('loses its connection: it is opened again, and nothing is lost', async () => {
    const { world, outbox } = await setUp()
    vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementationOnce(() => {
      throw new DOMException('The connection is dead', 'InvalidStateError')
    })
    outbox.put([rowOf(1)])
    await world.settle()
    outbox.put([rowOf(2)])
    await world.settle()
    expect(idsOf(await world.stored())).toEqual([1, 2])
  })

  test('does not open: it is tried again after a minute', async () => {
    const world = createWorld()
    const open = vi.spyOn(indexedDB, 'open').mockImplementationOnce(() => {
      throw new DOMException('Broken', 'UnknownError')
    })
    const { outbox } = await world.open({ resume: false })
    outbox.put([rowOf(1)])
    await world.tick(minute - 1)
    outbox.put([rowOf(2)])
    await world.settle()
    expect(open).toHaveBeenCalledTimes(1)
    await world.tick(1)
    outbox.put([rowOf(3)])
    await world.settle()
    expect(open).toHaveBeenCalledTimes(2)
    expect(idsOf(await world.stored())).toEqual([1, 2, 3])
  })

  test('is deleted by the site: it is made again', async () => {
    const { world, outbox } = await setUp()
    outbox.put([rowOf(1)])
    await world.settle()
    indexedDB.deleteDatabase('skalin')
    await world.settle()
    outbox.put([rowOf(2)])
    await world.settle()
    expect(idsOf(await world.stored())).toEqual([2])
  })
})

test('a closed outbox listens to nobody', async () => {
  const { world, outbox } = await setUp()
  expect(world.channels()).toBe(1)
  outbox.close()
  expect(world.channels()).toBe(0)
})

test('two client ids do not hear each other', async () => {
  const { world, outbox } = await setUp()
  const other = await world.open({ resume: false, clientId: 'other' })
  outbox.put([rowOf(1)])
  await world.settle()
  await settled(world, other.outbox.forget())
  expect(idsOf(outbox.known())).toEqual([1])
  expect(await world.stored()).toEqual([rowOf(1)])
})
