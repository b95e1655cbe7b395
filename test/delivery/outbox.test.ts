import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { parseClientState } from '../../src/delivery/client.ts'
import { initialState } from '../../src/delivery/endpoint.ts'
import { hour, leaseMs, maxAgeMs, minute, second } from '../../src/delivery/limits.ts'
import { held } from '../../src/delivery/row.ts'
import { lease } from '../../src/delivery/store.ts'
import type { Hit } from '../../src/hit/hit.ts'
import { hang, replace, sabotages } from './sabotage.ts'
import { hitOf, now, numberOf, numbers, ok, outcomes, of } from './support.ts'
import { type Flight, type Tab, type TabOptions, type World, createWorld } from './world.ts'

const elsewhere = 'https://elsewhere.example/hit'

const hitsOf = (count: number, from = 0) => numbers(count, from).map((number) => hitOf(number))

const stored = async (world: World) => (await world.stored()).map(({ hit }) => numberOf(hit))
const sent = (world: World) => world.flights.map(({ hit }) => numberOf(hit))

/** A tab that is offline, so that all waits, and its world. */
async function setUp(options: TabOptions = {}): Promise<{ world: World; tab: Tab }> {
  const world = createWorld()
  world.online = false
  return { world, tab: await world.open(options) }
}

/** Lets all that needs no time happen until a promise is decided. */
async function settled<Result>(world: World, promise: Promise<Result>): Promise<Result> {
  await world.settle()
  return promise
}

const drops = ({ reports }: Tab) =>
  reports
    .filter(({ outcome }) => outcome === 'dropped')
    .map(({ reason, row }) => [reason, numberOf(row.hit)])

const accepted = ({ reports }: Tab) =>
  reports.filter(({ outcome }) => outcome === 'accepted').map(({ row }) => numberOf(row.hit))

/** Answers everything, what follows too. */
async function answerAll(world: World): Promise<void> {
  for (let [flight] = world.flights; flight; [flight] = world.flights)
    await world.answer(flight, ok)
}

const refusal = (name: string) => () => {
  throw new DOMException('Not now', name)
}

describe('putting', () => {
  test('begins in the same task, and commits without waiting', async () => {
    const { world, tab } = await setUp()
    const before = world.transactions()
    const commit = vi.spyOn(IDBTransaction.prototype, 'commit')
    tab.call(hitOf(1), hitOf(2))
    expect(world.transactions()).toBe(before + 1)
    expect(commit).toHaveBeenCalledTimes(1)
    await world.settle()
    const [first, second] = await world.stored()
    expect([first, second]).toMatchObject([
      { id: hitOf(1).event_id, hit: hitOf(1), at: now - 1, due: now - 1, attempts: 0 },
      { id: hitOf(2).event_id, hit: hitOf(2) },
    ])
    expect(second?.at).toBeGreaterThan(now - 1)
    expect(second?.at).toBeLessThan(now)
  })

  test('before the database is open, waits for that, and goes in by one transaction', async () => {
    const world = createWorld()
    world.online = false
    const opening = world.open()
    const [tab] = world.tabs
    for (const number of numbers(5, 0)) tab?.call(hitOf(number))
    expect(world.transactions()).toBe(0)
    const put = vi.spyOn(IDBTransaction.prototype, 'commit')
    await opening
    expect(await stored(world)).toEqual(numbers(5, 0))
    expect(put).toHaveBeenCalledTimes(1)
  })

  test('what was accepted before the database was open is never put', async () => {
    const world = createWorld()
    const opening = world.open()
    const [tab] = world.tabs
    const put = vi.spyOn(IDBObjectStore.prototype, 'put')
    tab?.call(hitOf(1), hitOf(2))
    world.flights[0]?.resolve(ok)
    await opening
    await world.tick(2 * second)
    expect(put.mock.calls.map(([row]) => (row as { id: string }).id)).toEqual([hitOf(2).event_id])
    expect(await stored(world)).toEqual([2])
  })
})

describe('deleting', () => {
  // `for (let id = setTimeout(() => {}); id--;) clearTimeout(id)`
  test('goes on in a page that stopped all timers', async () => {
    const { world, tab } = await setUp()
    const set = vi.spyOn(globalThis, 'setTimeout')
    await world.setOnline(true)
    tab.call(hitOf(1))
    await answerAll(world)
    await world.settle()
    for (const { value } of set.mock.results) clearTimeout(value as NodeJS.Timeout)
    set.mockRestore()
    await world.tick(2 * second)
    expect(await stored(world)).toEqual([1])
    tab.call(hitOf(2))
    await answerAll(world)
    await world.tick(2 * second)
    expect(await stored(world)).toEqual([])
  })

  test('is gathered for a second', async () => {
    const { world, tab } = await setUp()
    tab.call(...hitsOf(5))
    await world.settle()
    await world.setOnline(true)
    await answerAll(world)
    const before = world.transactions()
    await world.tick(second - 1)
    expect(await stored(world)).toEqual(numbers(5, 0))
    await world.tick(1)
    expect(await stored(world)).toEqual([])
    // And one that looks whether there is too much.
    expect(world.transactions()).toBe(before + 2)
  })

  test('is done before what waits is counted', async () => {
    const { world, tab } = await setUp()
    world.online = true
    tab.call(hitOf(1), hitOf(2))
    await world.settle()
    for (const flight of world.flights.slice(0, 1)) await world.answer(flight, ok)
    expect(await settled(world, tab.pending())).toBe(1)
  })

  test.each(['close', 'stop', 'freeze'] as const)(
    'is done at once when the page goes: %s',
    async (go) => {
      const { world, tab } = await setUp()
      world.online = true
      tab.call(hitOf(1))
      await world.settle()
      await answerAll(world)
      expect(await stored(world)).toEqual([1])
      await tab[go]()
      await world.settle()
      expect(await world.stored()).toEqual([])
    },
  )

  test('is not forgotten when the connection turns out to be dead', async () => {
    const { world, tab } = await setUp()
    world.online = true
    tab.call(hitOf(1))
    await world.settle()
    await answerAll(world)
    vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementationOnce(
      refusal('InvalidStateError'),
    )
    await world.tick(second)
    expect(await world.stored()).toEqual([])
  })

  test('is not forgotten by the next page, and what was accepted is not sent again', async () => {
    const { world, tab } = await setUp()
    world.online = true
    tab.call(hitOf(1), hitOf(2))
    await world.settle()
    const spy = vi
      .spyOn(IDBObjectStore.prototype, 'delete')
      .mockImplementation(refusal('QuotaExceededError'))
    await answerAll(world)
    await tab.close()
    const next = await world.open()
    await world.tick(minute)
    expect(sent(world)).toEqual([])
    next.call(hitOf(3))
    expect(sent(world)).toEqual([3])
    await answerAll(world)
    expect(await settled(world, next.pending())).toBe(0)
    await next.close()
    spy.mockRestore()
    await world.open()
    expect(sent(world)).toEqual([])
    expect(await world.stored()).toEqual([])
    expect(world.clientState().ended).toEqual([])
  })

  test('nor is it sent again by the page after one that crashed', async () => {
    const { world, tab } = await setUp()
    world.online = true
    vi.spyOn(IDBObjectStore.prototype, 'delete').mockImplementation(refusal('QuotaExceededError'))
    for (const number of [1, 2]) {
      tab.call(hitOf(number))
      await world.settle()
      await answerAll(world)
      await world.tick(2 * second)
    }
    expect(await stored(world)).toEqual([1, 2])
    tab.crash()
    await world.open()
    await world.tick(minute)
    expect(sent(world)).toEqual([])
  })
})

describe('a row', () => {
  test('is sent by one of several tabs', async () => {
    const { world, tab } = await setUp()
    tab.call(...hitsOf(130))
    await world.settle()
    tab.crash()
    world.online = true
    const tabs = [await world.open(), await world.open(), await world.open()]
    const all: number[] = []
    world.onSend = ({ hit }) => all.push(numberOf(hit))
    all.push(...sent(world))
    for (let round = 0; round < 100 && all.length < 130; round += 1) {
      await answerAll(world)
      await world.tick(second)
      for (const each of tabs) each.back()
      await world.settle()
    }
    expect(all.sort((a, b) => a - b)).toEqual(numbers(130, 0))
  })

  test('that another tab leases while the database takes it is sent by that one', async () => {
    const { world, tab } = await setUp()
    const other = await world.open()
    tab.call(hitOf(1))
    world.online = true
    other.online()
    // The other's transaction is the next.
    const before = world.transactions()
    while (world.transactions() === before) await Promise.resolve()
    tab.call(hitOf(2))
    await world.settle()
    const senders = world.flights.map(({ hit, tab }) => [numberOf(hit), tab === other] as const)
    expect(new Map(senders)).toEqual(
      new Map([
        [1, true],
        [2, false],
      ]),
    )
    expect(senders).toHaveLength(2)
  })

  test('that the database will not take is sent from memory', async () => {
    const { world, tab } = await setUp()
    const refusing = vi
      .spyOn(IDBObjectStore.prototype, 'put')
      .mockImplementation(refusal('QuotaExceededError'))
    tab.call(hitOf(1))
    world.online = true
    tab.call(hitOf(2))
    await world.settle()
    expect(sent(world)).toEqual([1, 2])
    refusing.mockRestore()
  })

  test('whose transaction never ends is sent from memory, though later ones end', async () => {
    const { world, tab } = await setUp()
    const restore = replace(
      IDBObjectStore.prototype,
      ['put'],
      () =>
        function (this: IDBObjectStore) {
          hang(this.transaction)
          return {}
        },
    )
    tab.call(hitOf(1))
    restore()
    world.online = true
    tab.call(hitOf(2))
    await world.settle()
    expect(sent(world)).toEqual([1, 2])
  }, 5000)

  test('that the database drops without a word is sent from memory, the second of a burst too', async () => {
    const world = createWorld()
    const tab = await world.open()
    const end = sabotages['puts are dropped']?.()
    tab.call(hitOf(1))
    tab.call(hitOf(2))
    await world.settle()
    for (const flight of [...world.flights]) await world.answer(flight, outcomes.answer(503))
    await world.tick(minute)
    end?.()
    for (let flight = world.flights[0]; flight; flight = world.flights[0]) {
      await world.answer(flight, ok)
      await world.tick(minute)
    }
    expect(accepted(tab)).toEqual([1, 2])
  })

  test('that the database refuses is put once more, but not the one behind it that it took', async () => {
    const { world, tab } = await setUp()
    const put = vi.spyOn(IDBObjectStore.prototype, 'put')
    put.mockImplementationOnce(refusal('QuotaExceededError'))
    tab.call(hitOf(1))
    tab.call(hitOf(2))
    await world.tick(2 * minute)
    tab.call(hitOf(3))
    await world.settle()
    const ids = put.mock.calls.map(([row]) => (row as { id: string }).id)
    expect(ids).toEqual([1, 2, 1, 3].map((number) => hitOf(number).event_id))
  })

  test('that is put behind one that the database dropped is deleted, should it be there', async () => {
    const world = createWorld()
    const tab = await world.open()
    const put = vi.spyOn(IDBObjectStore.prototype, 'put')
    put.mockImplementationOnce(function (this: IDBObjectStore) {
      return this.count() as unknown as IDBRequest<IDBValidKey>
    })
    tab.call(hitOf(1))
    tab.call(hitOf(2))
    await world.settle()
    expect(await stored(world)).toEqual([2])
    await answerAll(world)
    await world.tick(2 * second)
    expect(await stored(world)).toEqual([])
  })

  test('that another tab leases while the database keeps one waiting is not taken', async () => {
    const { world, tab } = await setUp()
    tab.call(hitOf(1))
    const [row] = await settled(world, world.stored())
    const opening = indexedDB.open('skalin')
    const db = await new Promise<IDBDatabase>((resolve) => {
      opening.onsuccess = () => resolve(opening.result)
    })
    const store = db.transaction('outbox', 'readwrite').objectStore('outbox')
    const later = now + 3 * second
    store.put({ ...row, owner: 'another', from: later, due: later + leaseMs })
    const given = lease(store, [hitOf(1).event_id], {
      page: 'one',
      ageNow: () => Date.now(),
      isForgotten: () => false,
      sent: () => new Map(),
    })
    vi.setSystemTime(later)
    await world.settle()
    db.close()
    expect(given).toMatchObject({ rows: [], others: [{ owner: 'another' }] })
  })

  test('that another tab leases while the database keeps a new page waiting is not freed', async () => {
    const { world, tab } = await setUp()
    world.online = true
    const { transaction } = Object.getOwnPropertyDescriptors(IDBDatabase.prototype)
    const waiting = vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(function (
      this: IDBDatabase,
      ...args
    ) {
      // The page has read the clock; before its transaction comes one of the tab's.
      if (args[1] === 'readwrite') {
        waiting.mockRestore()
        vi.setSystemTime(now + 3 * second)
        tab.call(hitOf(1))
      }
      return Reflect.apply(transaction.value as IDBDatabase['transaction'], this, args)
    })
    await world.open()
    await world.tick(second)
    expect(sent(world)).toEqual([1])
  })

  test.each([
    ['is on lease', leaseMs],
    ['waits for long', 30 * minute],
  ])(
    'that %s by a clock that was set back since is sent when the next page comes',
    async (_, ms) => {
      const { world, tab } = await setUp()
      vi.spyOn(Math, 'random').mockReturnValue(0)
      world.online = true
      tab.call(hitOf(1))
      await world.settle()
      const [flight] = world.flights
      if (ms > leaseMs && flight) await world.answer(flight, outcomes.answer(404))
      tab.crash()
      vi.setSystemTime(now - 24 * hour)
      await world.open()
      expect(sent(world)).toEqual([1])
    },
  )

  test('that another tab has taken is looked for when its lease is over', async () => {
    const { world, tab } = await setUp()
    vi.spyOn(Math, 'random').mockReturnValue(0)
    world.online = true
    tab.call(hitOf(1))
    await world.settle()
    await world.answer(world.flights[0] as Flight, outcomes.answer(503))
    const other = await world.open()
    // The backoff is over by its clock, and it is seen before the first one's timer goes off.
    vi.setSystemTime(Date.now() + minute)
    other.back()
    await world.settle()
    expect(world.flights.map((flight) => flight.tab === other)).toEqual([true])
    await world.answer(world.flights[0] as Flight, outcomes.answer(503))
    other.hide()
    await world.tick(leaseMs + second)
    expect(world.flights.map((flight) => flight.tab === tab)).toEqual([true])
  })

  test('is only for its own client id and endpoint', async () => {
    const { world, tab } = await setUp()
    const other = await world.open({ clientId: 'other' })
    const afar = await world.open({ endpoint: elsewhere })
    tab.call(hitOf(0))
    other.call(hitOf(1, { client_id: 'other' }))
    afar.call(hitOf(2))
    await world.settle()
    for (const each of [tab, other, afar]) expect(await settled(world, each.pending())).toBe(1)
    for (const each of [tab, other, afar]) each.crash()
    world.online = true
    for (const [options, number] of [
      [{}, 0],
      [{ clientId: 'other' }, 1],
      [{ endpoint: elsewhere }, 2],
    ] as const) {
      const next = await world.open(options)
      expect(
        world.flights.filter(({ tab }) => tab === next).map(({ hit }) => numberOf(hit)),
      ).toEqual([number])
    }
  })

  test('that another tab forgot is not brought back by what came of its request', async () => {
    const { world, tab } = await setUp()
    world.online = true
    tab.call(hitOf(1))
    await world.settle()
    const other = await world.open()
    await settled(world, other.forget())
    const [flight] = world.flights
    if (flight) await world.answer(flight, outcomes.answer(503))
    expect(await world.stored()).toEqual([])
    await world.tick(hour)
    expect(sent(world)).toEqual([])
  })

  test('that another tab has taken is not sent when the page goes', async () => {
    const { world, tab } = await setUp()
    tab.call(...hitsOf(3))
    await world.settle()
    world.online = true
    await world.open()
    const before = sent(world)
    expect(before).toEqual([0])
    tab.hide()
    expect(sent(world)).toEqual(before)
  })
})

describe('held rows', () => {
  const alice = 'a'.repeat(16)
  const bob = 'b'.repeat(16)
  const complete = (hit: Hit): Hit => ({ ...hit, identity: '{"id":"alice"}' })

  async function holding(): Promise<{ world: World; tab: Tab }> {
    const all = await setUp()
    for (const [number, visitor_id] of [alice, bob, alice].entries()) {
      all.tab.hold(hitOf(number, { visitor_id }), now - 10 + number)
    }
    await all.world.settle()
    return all
  }

  test('are stored and counted, but never due', async () => {
    const { world, tab } = await holding()
    expect((await world.stored()).map(({ due }) => due)).toEqual([held, held, held])
    expect(await settled(world, tab.pending())).toBe(3)
    await world.setOnline(true)
    await world.tick(6 * 24 * hour)
    await world.open()
    expect(sent(world)).toEqual([])
  })

  test('are completed and freed for one visitor', async () => {
    const { world, tab } = await holding()
    expect(await settled(world, tab.completeHeld(of(alice), complete))).toBe(true)
    expect(await world.stored()).toMatchObject([
      { due: now - 10, hit: { identity: '{"id":"alice"}' } },
      { due: held },
      { due: now - 8, hit: { identity: '{"id":"alice"}' } },
    ])
    expect(await settled(world, tab.completeHeld(of(alice), complete))).toBe(false)
    await world.setOnline(true)
    await world.tick(second)
    expect(sent(world)).toEqual([0, 2])
    await answerAll(world)
    await world.tick(second)
    expect(await stored(world)).toEqual([1])
  })

  test('that are freed before they are stored are sent by one tab', async () => {
    const world = createWorld()
    const tab = await world.open()
    const other = await world.open()
    tab.hold(hitOf(1), now - 1)
    const freed = tab.completeHeld(of(hitOf(1).visitor_id), complete)
    await Promise.resolve()
    await Promise.resolve()
    tab.call(hitOf(2))
    await freed
    await world.settle()
    expect(sent(world)).toEqual([1, 2])
    other.hide()
    other.show()
    await world.settle()
    expect(sent(world)).toEqual([1, 2])
  })

  test('that do not fit any more are dropped', async () => {
    const { world, tab } = await holding()
    expect(
      await settled(
        world,
        tab.completeHeld(of(bob), () => undefined),
      ),
    ).toBe(false)
    expect(drops(tab)).toEqual([['too-large', 1]])
    expect(await stored(world)).toEqual([0, 2])
  })

  test('are dropped up to a time', async () => {
    const { world, tab } = await holding()
    await settled(world, tab.dropHeld(now - 9))
    expect(drops(tab)).toEqual([
      ['anonymous', 0],
      ['anonymous', 1],
    ])
    expect(await stored(world)).toEqual([2])
  })

  test('are at most 100; the oldest go', async () => {
    const { world, tab } = await setUp()
    for (const number of numbers(101, 0)) {
      tab.hold(hitOf(number), now + number)
      await world.settle()
    }
    expect(drops(tab)).toEqual([['evicted', 0]])
    expect(await stored(world)).toEqual(numbers(100, 1))
  })

  test('that could not be freed are not said to be none', async () => {
    const { world, tab } = await holding()
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementationOnce(refusal('QuotaExceededError'))
    const free = () =>
      settled(
        world,
        tab.completeHeld(of(alice), (hit) => hit),
      )
    expect(await free()).toBeUndefined()
    expect(await free()).toBe(true)
    expect(await free()).toBe(false)
  })
})

describe('forgetting', () => {
  test('deletes what another tab could not write down', async () => {
    const { world, tab } = await setUp()
    const sibling = await world.open()
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(refusal('QuotaExceededError'))
    sibling.call(hitOf(1))
    await world.settle()
    expect(await settled(world, sibling.pending())).toBe(1)
    await settled(world, tab.forget())
    expect(await settled(world, sibling.pending())).toBe(0)
    expect([...drops(tab), ...drops(sibling)]).toEqual([['consent', 1]])
    await sibling.close()
    expect(world.clientState().unsaved).toEqual([])
  })

  test('spares what is made after it was called, though nothing was begun before', async () => {
    const { world, tab } = await setUp()
    tab.call(hitOf(1))
    await world.settle()
    await tab.close()
    const next = world.create()
    const forgetting = next.forget()
    next.start()
    next.call(hitOf(2))
    await settled(world, forgetting)
    expect(await stored(world)).toEqual([2])
  })

  test('deletes all of the client id, in all tabs, and nothing else', async () => {
    const { world, tab } = await setUp()
    const sameClient = await world.open({ endpoint: elsewhere })
    const otherClient = await world.open({ clientId: 'other' })
    const sibling = await world.open()
    tab.call(hitOf(1))
    tab.hold(hitOf(2), now)
    sibling.call(hitOf(3))
    sameClient.call(hitOf(4))
    otherClient.call(hitOf(5, { client_id: 'other' }))
    await world.settle()
    await settled(world, tab.forget())
    expect(await stored(world)).toEqual([5])
    expect(drops(tab).sort()).toEqual([
      ['consent', 1],
      ['consent', 2],
      ['consent', 3],
    ])
    for (const each of [tab, sibling, sameClient]) {
      expect(await settled(world, each.pending())).toBe(0)
      world.online = true
      each.hide()
    }
    expect(sent(world)).toEqual([])
    otherClient.hide()
    expect(sent(world)).toEqual([5])
  })

  // As a page may when somebody logs out.
  test.each(['of an earlier page', 'of another tab'])(
    'also what is %s, though the page clears its storage in the same task',
    async (whose) => {
      const { world, tab } = await setUp()
      const other = await world.open()
      other.call(hitOf(1))
      await world.settle()
      if (whose === 'of an earlier page') await other.close()
      await world.tick(minute)
      const forgetting = tab.forget()
      world.texts.clear()
      tab.call(hitOf(2, { action: 'ui', identity: '{"id":"bob"}' }))
      tab.call(hitOf(3))
      await world.tick(second)
      await forgetting
      expect(await stored(world)).toEqual([2, 3])
      await world.setOnline(true)
      await world.tick(second)
      expect(sent(world)).toEqual([2, 3])
    },
  )

  test('in memory too', async () => {
    const { world, tab } = await setUp({ persistent: false })
    tab.call(hitOf(1))
    tab.hold(hitOf(2), now)
    await settled(world, tab.forget())
    expect(await settled(world, tab.pending())).toBe(0)
    expect(drops(tab)).toEqual([
      ['consent', 1],
      ['consent', 2],
    ])
  })

  test.each([-hour, hour])(
    'takes what was made before, and nothing after, though the clock jumps by %i ms',
    async (ms) => {
      const { world, tab } = await setUp()
      const other = await world.open()
      tab.call(hitOf(1))
      other.call(hitOf(2))
      await world.settle()
      vi.setSystemTime(now + ms)
      tab.call(hitOf(3))
      await settled(world, tab.forget())
      vi.setSystemTime(now)
      await world.tick(100)
      tab.call(hitOf(4))
      other.call(hitOf(5))
      await world.settle()
      expect((await stored(world)).sort()).toEqual([4, 5])
      await world.setOnline(true)
      expect(sent(world).sort()).toEqual([4, 5])
    },
  )
})

describe('limits', () => {
  test('5,000 rows; the oldest go', async () => {
    const { world, tab } = await setUp()
    tab.call(...hitsOf(5003))
    await world.settle()
    expect(drops(tab)).toEqual(numbers(3, 0).map((number) => ['evicted', number]))
    expect(await stored(world)).toEqual(numbers(5000, 3))
  })

  test('5 MB; the oldest go', async () => {
    const { world, tab } = await setUp({ bytes: 16_000 })
    for (const from of [0, 100, 200, 300]) {
      tab.call(...hitsOf(100, from))
      await world.tick(1000)
    }
    // 312 × 16,000 bytes are 4,992,000.
    expect(await stored(world)).toEqual(numbers(312, 88))
    expect(drops(tab)).toEqual(numbers(88, 0).map((number) => ['evicted', number]))
  })

  test('5 MB exactly may stay', async () => {
    const { world, tab } = await setUp({ bytes: 10_000 })
    tab.call(...hitsOf(501))
    await world.tick(1000)
    expect(await stored(world)).toEqual(numbers(500, 1))
  })

  test.each(['wait', 'were sent'])('5 MB, also where the small ones before %s', async (fate) => {
    const { world, tab } = await setUp()
    let number = 0
    async function callMany(url: string): Promise<void> {
      for (let batch = 0; batch < 15; batch += 1) {
        for (let call = 0; call < 50; call += 1) tab.call(hitOf((number += 1), { url }))
        await world.tick(1000)
      }
    }
    await callMany('https://app.example.com/')
    if (fate === 'were sent') {
      await world.setOnline(true)
      await answerAll(world)
      await world.tick(2 * second)
      expect(await world.stored()).toEqual([])
      await world.setOnline(false)
    }
    await callMany(`https://app.example.com/${'x'.repeat(14_000)}`)
    const sizes = (await world.stored()).map(({ hit }) => JSON.stringify(hit).length)
    expect(sizes.reduce((all, size) => all + size, 0)).toBeLessThanOrEqual(5_000_000)
    expect(new Set(drops(tab).map(([reason]) => reason))).toEqual(new Set(['evicted']))
  })

  test('7 days, held rows and those of others too', async () => {
    const { world, tab } = await setUp()
    const other = await world.open({ clientId: 'other' })
    tab.hold(hitOf(2), now - maxAgeMs - 1)
    tab.post([hitOf(1)], now - maxAgeMs + 5000)
    await world.tick(1000)
    other.post([hitOf(3, { client_id: 'other' })], now - maxAgeMs - 1)
    await world.tick(1000)
    expect(await stored(world)).toEqual([1])
    expect(drops(tab)).toEqual([['too-old', 2]])
    expect(drops(other)).toEqual([['too-old', 3]])
  })

  test('7 days, where the database deletes nothing, is said once', async () => {
    const { world, tab } = await setUp()
    tab.post([hitOf(1)], now - maxAgeMs + minute)
    await tab.close()
    await world.tick(2 * minute)
    const end = sabotages['deletes are dropped']?.()
    await world.setOnline(true)
    const next = await world.open()
    await world.tick(hour)
    end?.()
    expect(drops(next)).toEqual([['too-old', 1]])
    expect(sent(world)).toEqual([])
  })

  test.each([-30, 30])(
    'hits of this page do not age by a clock that jumps by %i days',
    async (days) => {
      const { world, tab } = await setUp()
      tab.call(hitOf(1))
      tab.hold(hitOf(2), now)
      await world.settle()
      vi.setSystemTime(now + days * 24 * hour)
      tab.call(hitOf(3))
      await world.settle()
      await world.setOnline(true)
      expect(drops(tab)).toEqual([])
      expect(sent(world).sort()).toEqual([1, 3])
      expect(await settled(world, tab.pending())).toBe(3)
    },
  )

  test('in memory: 5,000; the oldest go', async () => {
    const { world, tab } = await setUp({ persistent: false })
    tab.call(...hitsOf(5002))
    await world.settle()
    expect(drops(tab)).toEqual(numbers(2, 0).map((number) => ['evicted', number]))
    expect(await settled(world, tab.pending())).toBe(5000)
  })
})

describe('what the database has not taken when the page goes', () => {
  /** A database that aborts what a page begins when it goes. */
  const failing = () =>
    vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(refusal('AbortError'))

  /** A page without a database that goes, with two hits, and may come back. */
  async function goWithoutDatabase(): Promise<{ world: World; tab: Tab }> {
    vi.stubGlobal('indexedDB', undefined)
    const { world, tab } = await setUp()
    tab.call(hitOf(1), hitOf(2))
    tab.freeze()
    return { world, tab }
  }

  test('is there for the next page, held rows too', async () => {
    const { world, tab } = await setUp()
    const broken = failing()
    tab.call(hitOf(1))
    tab.hold(hitOf(2), now)
    await tab.close()
    broken.mockRestore()
    expect(await world.stored()).toEqual([])

    await world.open()
    expect(await world.stored()).toMatchObject([{ hit: hitOf(1) }, { hit: hitOf(2), due: held }])
    expect(world.clientState().unsaved).toEqual([])
    await (await world.open()).close()
    expect(await world.stored()).toHaveLength(2)
  })

  test('is sent by the next page once, though its database fails as well', async () => {
    const { world, tab } = await setUp()
    failing()
    tab.call(hitOf(1))
    await tab.close()
    world.online = true
    const next = await world.open()
    expect(sent(world)).toEqual([1])
    await answerAll(world)
    await next.close()
    await world.open()
    expect(sent(world)).toEqual([])
  })

  test('is there even if it was sent: nobody hears what came of it', async () => {
    const world = createWorld()
    vi.stubGlobal('indexedDB', undefined)
    const tab = await world.open()
    tab.call(...hitsOf(10))
    await tab.close()
    const next = await world.open()
    expect(await settled(world, next.pending())).toBe(10)
  })

  test('is there after stop() too', async () => {
    const { world, tab } = await setUp()
    failing()
    tab.call(hitOf(1))
    await settled(world, tab.stop())
    vi.restoreAllMocks()
    await world.open()
    expect(await stored(world)).toEqual([1])
  })

  test('is there if it came after the page had gone', async () => {
    const { world, tab } = await setUp()
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(refusal('AbortError'))
    tab.freeze()
    tab.hold(hitOf(1), now)
    tab.crash()
    vi.restoreAllMocks()
    await world.open()
    expect(await world.stored()).toMatchObject([{ hit: hitOf(1), due: held }])
  })

  test('belongs to one page: one that comes back has what nobody took', async () => {
    const { world, tab } = await goWithoutDatabase()
    const next = await world.open()
    expect(await settled(world, next.pending())).toBe(2)
    await next.close()
    tab.show()
    expect(await settled(world, tab.pending())).toBe(2)
  })

  test('is sent once by a page that comes back to a database that still fails', async () => {
    const { world, tab } = await goWithoutDatabase()
    tab.show()
    await world.settle()
    await world.setOnline(true)
    expect(sent(world)).toEqual([1, 2])
    await answerAll(world)
    await world.tick(hour)
    expect(sent(world)).toEqual([])
  })

  test('is not sent again by a page that comes back and hears only then that it was accepted', async () => {
    const world = createWorld()
    const tab = await world.open()
    const onSend = vi.spyOn(world, 'onSend')
    const end = sabotages['transactions hang']?.()
    tab.call(hitOf(1))
    tab.freeze()
    tab.show()
    await world.settle()
    await answerAll(world)
    await world.tick(hour)
    end?.()
    expect(onSend).toHaveBeenCalledTimes(1)
  })

  test.each(['opening fails', 'puts fail'])(
    'is not sent by a hidden tab that hears that another has done so: %s',
    async (name) => {
      const world = createWorld()
      const end = sabotages[name]?.()
      const tab = await world.open()
      const other = await world.open()
      tab.call(hitOf(1))
      other.hide()
      await tab.close()
      const onSend = vi.spyOn(world, 'onSend')
      const next = await world.open()
      await world.tick(leaseMs)
      await answerAll(world)
      await world.tick(hour)
      expect(world.clientState()).toMatchObject({ unsaved: [], ended: [] })
      await other.close()
      await world.open()
      await world.tick(hour)
      end?.()
      expect(onSend.mock.calls.map(([flight]) => flight.tab === next)).toEqual([true])
    },
  )

  test('goes on in a page that comes back, when its request failed meanwhile', async () => {
    const world = createWorld()
    const tab = await world.open()
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(refusal('QuotaExceededError'))
    tab.call(hitOf(1))
    await world.settle()
    tab.freeze()
    await world.settle()
    const [flight] = world.flights
    if (flight) await world.answer(flight, outcomes.network)
    tab.show()
    await world.tick(minute)
    expect(sent(world)).toEqual([1])
  })

  test('goes to a tab that is at work, also if it came after the page had gone', async () => {
    const { world, tab } = await setUp()
    await world.open()
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(refusal('AbortError'))
    tab.freeze()
    await world.settle()
    tab.call(hitOf(1))
    tab.crash()
    vi.restoreAllMocks()
    await world.setOnline(true)
    expect(sent(world)).toEqual([1])
  })

  test('is not sent by one that comes back after another has done so', async () => {
    const world = createWorld()
    world.state = { ...initialState, limitedFrom: now, limitedUntil: now + minute }
    const tab = await world.open()
    tab.call(hitOf(1))
    await world.settle()
    tab.freeze()
    const next = await world.open()
    vi.spyOn(IDBObjectStore.prototype, 'delete').mockImplementation(refusal('QuotaExceededError'))
    await world.tick(minute)
    expect(sent(world)).toEqual([1])
    await answerAll(world)
    await world.tick(2 * second)
    await next.close()
    tab.show()
    await world.tick(second)
    tab.call(hitOf(2))
    expect(sent(world)).toEqual([2])
  })

  test('does not undo what another tab has done to the row since', async () => {
    const { world, tab } = await setUp()
    const other = await world.open()
    tab.hold(hitOf(1), now)
    tab.freeze()
    await world.settle()
    tab.crash()
    const complete = (hit: Hit) => ({ ...hit, identity: '{"id":"alice"}' })
    await settled(world, other.completeHeld(of(hitOf(1).visitor_id), complete))
    await world.open()
    expect(await world.stored()).toMatchObject([{ due: now, hit: complete(hitOf(1)) }])
  })

  test('waits for a page with its endpoint, and is 100 rows at most', async () => {
    const { world, tab } = await setUp()
    const other = await world.open({ endpoint: elsewhere })
    const broken = failing()
    tab.call(...hitsOf(120))
    await tab.close()
    await world.tick(1)
    other.call(hitOf(200))
    await other.close()
    broken.mockRestore()
    await world.open()
    expect(await stored(world)).toEqual(numbers(99, 21))
    await world.open({ endpoint: elsewhere })
    expect(await stored(world)).toEqual([...numbers(99, 21), 200])
  })

  test.each([
    null,
    { gone: 5 },
    { unsaved: [5] },
    { unsaved: [{ hit: {} }] },
    { unsaved: [{ hit: { client_id: 'client' } }] },
    { ended: {} },
  ])('is nothing if it says %j', (json) => {
    expect(() => parseClientState(json)).toThrow(TypeError)
  })
})

describe('without IndexedDB, rows wait in memory', () => {
  /** All that an outbox does, in a tab whose database fails. */
  async function works(world: World, tab: Tab): Promise<void> {
    tab.call(hitOf(1), hitOf(2))
    tab.hold(hitOf(3), now)
    await world.settle()
    expect(await settled(world, tab.pending())).toBe(3)
    await world.setOnline(true)
    expect(sent(world)).toEqual([1, 2])
    const [first, second] = world.flights
    if (first) await world.answer(first, outcomes.answer(404))
    if (second) await world.answer(second, ok)
    expect(await settled(world, tab.pending())).toBe(2)
    await world.tick(6 * minute)
    expect(sent(world)).toEqual([1])
    await answerAll(world)
    const freed = tab.completeHeld(of(hitOf(3).visitor_id), (hit) => hit)
    expect(await settled(world, freed)).toBe(true)
    expect(sent(world)).toEqual([3])
    await settled(world, tab.forget())
    expect(await settled(world, tab.pending())).toBe(0)
    expect(drops(tab)).toEqual([['consent', 3]])
  }

  test('when storing is not wanted', async () => {
    const { world, tab } = await setUp({ persistent: false })
    const open = vi.spyOn(indexedDB, 'open')
    await works(world, tab)
    expect(open).not.toHaveBeenCalled()
    expect(world.channels()).toBe(0)
    expect(world.texts.size).toBe(0)
  })

  test('when there is none', async () => {
    const world = createWorld()
    world.online = false
    vi.stubGlobal('indexedDB', undefined)
    await works(world, await world.open())
  })

  test('when opening throws, as in a sandboxed frame', async () => {
    const world = createWorld()
    world.online = false
    vi.spyOn(indexedDB, 'open').mockImplementation(refusal('SecurityError'))
    await works(world, await world.open())
  })
})

test('an era that storage does not give for a moment makes nothing forgotten', async () => {
  const { world, tab } = await setUp()
  await settled(world, tab.forget())
  tab.call(hitOf(1))
  await world.settle()
  const end = sabotages['notes refuse reads']?.()
  await world.tick(6 * second)
  tab.call(hitOf(2))
  await world.settle()
  end?.()
  await world.tick(6 * second)
  await world.setOnline(true)
  await answerAll(world)
  expect([accepted(tab), drops(tab)]).toEqual([[1, 2], []])
})

test('of a hit that is driven out while it is on its way, one end is told', async () => {
  const world = createWorld()
  const tab = await world.open()
  tab.call(hitOf(1))
  await world.settle()
  tab.call(...hitsOf(5010, 2))
  await world.tick(3 * second)
  await answerAll(world)
  const ends = tab.reports.filter(
    ({ row, outcome }) => numberOf(row.hit) === 1 && outcome !== 'waiting',
  )
  expect(ends).toHaveLength(1)
})

test('a hit that is too old and cannot be deleted is dropped once, and then left alone', async () => {
  const { world, tab } = await setUp()
  tab.call(hitOf(1))
  await world.settle()
  tab.crash()
  vi.setSystemTime(now + 2 * maxAgeMs)
  const end = sabotages['deletes abort']?.()
  await world.setOnline(true)
  const next = await world.open()
  await world.tick(10 * second)
  const before = world.transactions()
  await world.tick(50 * second)
  expect(world.transactions() - before).toBeLessThan(3)
  expect(drops(next)).toEqual([['too-old', 1]])
  end?.()
})

test('a silence that the collector asked for is kept though the page clears its storage', async () => {
  const world = createWorld()
  const tab = await world.open()
  tab.call(hitOf(1))
  await world.settle()
  const [flight] = world.flights
  if (flight) await world.answer(flight, outcomes.answer(429, 10 * minute))
  world.texts.clear()
  tab.changedElsewhere(null)
  const onSend = vi.spyOn(world, 'onSend')
  await world.tick(minute)
  tab.call(hitOf(2))
  await world.tick(8 * minute)
  expect(onSend).not.toHaveBeenCalled()
  await world.tick(7 * minute)
  expect(onSend).toHaveBeenCalled()
})

test('a request without CORS does not follow where another tab may be sending by then', async () => {
  const world = createWorld()
  const tab = await world.open()
  const other = await world.open()
  const senders = new Set<Tab>()
  world.onSend = (flight) => {
    const isThird = numberOf(flight.hit) === 3
    if (isThird) senders.add(flight.tab)
    // Nobody can read the answers, and they take long.
    const [ms, outcome] =
      flight.mode === 'cors' ? [5900, outcomes.network] : [isThird ? 9000 : 4000, outcomes.opaque]
    setTimeout(() => void world.answer(flight, outcome), ms)
  }
  tab.call(...hitsOf(4, 1))
  await world.settle()
  other.back()
  for (let seconds = 0; seconds < 60; seconds += 1) {
    await world.tick(second)
    const tabs = world.flights.filter(({ hit }) => numberOf(hit) === 3).map((flight) => flight.tab)
    expect(new Set(tabs).size).toBeLessThan(2)
  }
  expect(senders.size).toBeGreaterThan(0)
})

test('a closed outbox listens to nobody', async () => {
  const { world, tab } = await setUp()
  expect(world.channels()).toBe(1)
  await settled(world, tab.stop())
  expect(world.channels()).toBe(0)
})

test('an id that comes again after it ended is not looked for without end', async () => {
  const world = createWorld()
  world.state = { ...initialState, answers: 'readable' }
  const tab = await world.open()
  onTestFinished(replace(IDBObjectStore.prototype, ['delete'], () => refusal('UnknownError')))
  tab.call(hitOf(1))
  await answerAll(world)
  await world.tick(3 * second)
  await tab.close()
  const next = await world.open()
  await world.tick(3 * second)
  world.online = false
  next.call(hitOf(1))
  await world.settle()
  world.online = true
  const before = world.transactions()
  next.online()
  for (let turn = 0; turn < 1000; turn += 1) await new Promise((resolve) => setImmediate(resolve))
  const count = world.transactions() - before
  // Ends the loop, if there is one.
  void next.stop()
  await world.settle()
  expect(count).toBeLessThan(10)
})
