import { describe, expect, test, vi } from 'vitest'
import { type EndpointState, initialState } from '../../src/delivery/endpoint.ts'
import { hour, minute, second } from '../../src/delivery/limits.ts'
import type { Outcome } from '../../src/delivery/outcome.ts'
import { createCalls } from '../../src/segment/calls.ts'
import type { Analytics, SegmentContext } from '../../src/segment/host.ts'
import { hitOf, now, numbers, ok, outcomes, of } from './support.ts'
import { type Tab, type World, createWorld } from './world.ts'

const { answer, network, opaque, timeout } = outcomes

/** Who a hit is about: `ui` hits of one person follow one another. */
const identityOf = (number: number, id = 'alice') =>
  hitOf(number, { action: 'ui', identity: JSON.stringify({ id }) })

const flying = (world: World) => world.flights.map(({ hit }) => parseInt(hit.event_id, 16))

/** Answers the request of a hit, by its number. */
async function reply(world: World, number: number, outcome: Outcome): Promise<void> {
  const flight = world.flights.find(({ hit }) => parseInt(hit.event_id, 16) === number)
  if (flight === undefined) throw new Error(`${number} is not in flight`)
  await world.answer(flight, outcome)
}

async function setUp(
  state: Partial<EndpointState> = {},
): Promise<{ world: World; tab: Tab; sent: number[] }> {
  const world = createWorld()
  vi.spyOn(Math, 'random').mockReturnValue(0)
  world.state = { ...initialState, answers: 'readable', ...state }
  const sent: number[] = []
  world.onSend = ({ hit }) => sent.push(parseInt(hit.event_id, 16))
  return { world, tab: await world.open(), sent }
}

/** Everything that waits goes and is accepted. */
async function drain(world: World): Promise<void> {
  for (let seconds = 0; seconds < 120; seconds += 1) {
    for (let [flight] = world.flights; flight; [flight] = world.flights)
      await world.answer(flight, ok)
    await world.tick(second)
  }
}

describe('hits of a page go in the order of their calls', () => {
  test('though some wait', async () => {
    const { world, tab, sent } = await setUp({ retryFrom: now, retryAt: now + second, step: 1 })
    tab.call(hitOf(1), hitOf(2))
    await world.tick(500)
    tab.call(hitOf(3))
    await world.tick(500)
    tab.call(hitOf(4))
    await drain(world)
    expect(sent).toEqual([1, 2, 3, 4])
  })

  test('a new one never before an older one that could go', async () => {
    const { world, tab, sent } = await setUp()
    tab.call(...numbers(4).map((number) => hitOf(number)))
    await world.settle()
    // Nothing is in the way any more, and nobody has gone on with it yet.
    world.flights.shift()?.resolve(ok)
    tab.call(hitOf(5))
    await drain(world)
    expect(sent).toEqual([1, 2, 3, 4, 5])
  })

  test('one that failed goes again before those that have not been tried', async () => {
    const { world, tab, sent } = await setUp()
    tab.call(...numbers(4).map((number) => hitOf(number)))
    await world.settle()
    await reply(world, 1, answer(503))
    await reply(world, 2, answer(503))
    await drain(world)
    expect(sent).toEqual([1, 2, 1, 2, 3, 4])
  })

  test('one that is refused, or wanted later, holds up nobody', async () => {
    const { world, tab, sent } = await setUp()
    tab.call(...numbers(4).map((number) => hitOf(number)))
    await world.settle()
    await reply(world, 1, answer(400))
    await reply(world, 2, answer(404))
    await drain(world)
    expect(sent).toEqual([1, 2, 3, 4])
    await world.tick(3 * minute)
    expect(flying(world)).toEqual([2])
  })
})

describe('one that comes back goes before those of later calls', () => {
  test('when its visitor is known at last', async () => {
    const { world, tab, sent } = await setUp()
    for (const number of [1, 2]) tab.hold(hitOf(number), Date.now() - 1)
    await world.settle()
    await world.tick(10)
    tab.call(...numbers(6, 3).map((number) => hitOf(number)))
    await world.settle()
    expect(flying(world)).toEqual([3, 4])
    await tab.completeHeld(of(hitOf(1).visitor_id), (hit) => hit)
    await drain(world)
    expect(sent).toEqual([3, 4, 1, 2, 5, 6, 7, 8])
  })

  test('also where the database has none of them', async () => {
    const { world, sent } = await setUp()
    const tab = await world.open({ persistent: false })
    for (const number of [1, 2]) tab.hold(hitOf(number), Date.now() - 1)
    await world.tick(10)
    tab.call(...numbers(6, 3).map((number) => hitOf(number)))
    await tab.completeHeld(of(hitOf(1).visitor_id), (hit) => hit)
    await drain(world)
    expect(sent).toEqual([3, 4, 1, 2, 5, 6, 7, 8])
  })

  test('when its page has died, whatever their ids', async () => {
    const { world, tab, sent } = await setUp()
    const reversed = numbers(8).reverse()
    tab.call(...reversed.map((number) => hitOf(number)))
    await world.settle()
    expect(sent).toEqual([8, 7])
    tab.crash()
    sent.length = 0
    await world.open()
    await drain(world)
    expect(sent).toEqual(reversed)
  })

  test('when the page of two calls of one millisecond has died', async () => {
    const { world, tab, sent } = await setUp({ retryFrom: now, retryAt: now + second, step: 1 })
    const ctxs = [{}, {}].map(() => ({ event: {} }))
    const times: number[] = []
    const calls = createCalls({
      first: {} as Analytics,
      asOf: ({ at }) => times.push(at),
      onCall: () => undefined,
      onReset: () => undefined,
    })
    // A call that nobody saw being made is taken as of its hook.
    for (const ctx of ctxs) calls.arrive(ctx as SegmentContext)
    const [first = 0, next = 0] = times
    tab.post([hitOf(1), hitOf(9)], first)
    tab.post([hitOf(3)], next)
    await world.settle()
    tab.crash()
    await world.open()
    await drain(world)
    expect(sent).toEqual([1, 9, 3])
  })

  test('when the time has come that the collector wanted it at', async () => {
    const { world, tab, sent } = await setUp()
    tab.call(hitOf(1))
    await reply(world, 1, answer(404))
    await world.tick(5 * minute - second)
    tab.call(...numbers(7, 2).map((number) => hitOf(number)))
    await world.settle()
    const before = sent.length
    await world.tick(2 * second)
    await drain(world)
    expect(sent.slice(before, before + 2)).toContain(1)
    expect(sent.filter((number) => number > 1)).toEqual(numbers(7, 2))
  })
})

test('a backlog and today’s calls take turns, each in its order', async () => {
  const { world, tab, sent } = await setUp({ limitedFrom: now, limitedUntil: now + second })
  tab.call(...numbers(6).map((number) => hitOf(number)))
  await world.settle()
  tab.crash()
  const next = await world.open()
  next.call(...numbers(12, 11).map((number) => hitOf(number)))
  await world.tick(second)
  await drain(world)
  const isOwn = (number: number) => number > 10
  expect(sent.filter(isOwn)).toEqual(numbers(12, 11))
  expect(sent.filter((number) => !isOwn(number))).toEqual(numbers(6))
  // Neither holds up the other.
  const early = sent.slice(0, 12)
  expect(early.filter(isOwn).length).toBeGreaterThanOrEqual(5)
  expect(early.filter((number) => !isOwn(number)).length).toBeGreaterThanOrEqual(4)
})

test('a backlog leaves a place for today’s calls', async () => {
  const { world, tab } = await setUp({ limitedFrom: now, limitedUntil: now + second })
  tab.call(...numbers(6).map((number) => hitOf(number)))
  await world.settle()
  tab.crash()
  await world.tick(second)
  const next = await world.open()
  expect(flying(world)).toEqual([1])
  next.call(hitOf(11))
  expect(flying(world)).toEqual([1, 11])
})

describe('identities of one person follow one another', () => {
  test('while features, and those of others, go on', async () => {
    const { world, tab, sent } = await setUp()
    // All in one millisecond, by several calls.
    tab.call(identityOf(1))
    tab.call(identityOf(2))
    tab.call(hitOf(3), identityOf(4, 'bob'))
    await world.settle()
    expect(flying(world)).toEqual([1, 3])
    await reply(world, 3, ok)
    expect(flying(world)).toEqual([1, 4])
    await reply(world, 4, ok)
    expect(flying(world)).toEqual([1])
    await reply(world, 1, ok)
    expect(flying(world)).toEqual([2])
    await drain(world)
    expect(sent).toEqual([1, 3, 4, 2])
  })

  test('though the clock is set back between two calls, on their way', async () => {
    const { world, tab } = await setUp()
    tab.call(identityOf(1))
    await world.settle()
    vi.setSystemTime(now - 30 * second)
    tab.call(identityOf(2))
    await world.settle()
    expect(flying(world)).toEqual([1])
  })

  test('and in a backoff', async () => {
    const { world, tab, sent } = await setUp({ retryFrom: now, retryAt: now + 5 * second, step: 1 })
    tab.call(identityOf(1))
    await world.tick(second)
    vi.setSystemTime(now - 30 * second)
    tab.call(identityOf(2))
    await drain(world)
    expect(sent).toEqual([1, 2])
  })

  test.each<[string, Outcome]>([
    ['a 503', answer(503)],
    ['a timeout', timeout],
    ['a network error', network],
    ['silence that was asked for', answer(429, 30 * second)],
  ])('after %s the older goes again first', async (_, outcome) => {
    const { world, tab, sent } = await setUp()
    tab.call(identityOf(1))
    await world.tick(100)
    tab.call(identityOf(2))
    await reply(world, 1, outcome)
    await drain(world)
    expect(sent).toEqual([1, 1, 2])
  })

  test.each<[string, Partial<EndpointState>, Outcome[]]>([
    ['refused', {}, [answer(400)]],
    ['deferred', {}, [answer(404)]],
    ['opaque', { answers: 'unknown' }, [network, opaque]],
  ])('one that is %s holds up no other', async (_, state, replies) => {
    const { world, tab } = await setUp(state)
    tab.call(identityOf(1))
    await world.tick(100)
    tab.call(identityOf(2))
    for (const outcome of replies) await reply(world, 1, outcome)
    await world.settle()
    expect(flying(world)).toEqual([2])
  })

  test('in the order of their calls, also on leaving', async () => {
    const { world, tab } = await setUp()
    tab.call(identityOf(1), identityOf(2), hitOf(3))
    tab.hide()
    expect(flying(world)).toEqual([1, 3])
    await reply(world, 1, ok)
    expect(flying(world)).toEqual([3, 2])
  })

  test('across tabs', async () => {
    const { world, tab, sent } = await setUp()
    const other = await world.open()
    tab.call(identityOf(1))
    await world.tick(150)
    other.call(identityOf(2), hitOf(3))
    await world.tick(5 * second)
    expect(flying(world)).toEqual([1, 3])
    await reply(world, 1, ok)
    await reply(world, 3, ok)
    await world.tick(second)
    expect(flying(world)).toEqual([2])
    await drain(world)
    expect(sent).toEqual([1, 3, 2])
  })

  test('across tabs, when the other is slow to hear', async () => {
    const { world, tab, sent } = await setUp()
    const other = await world.open()
    tab.call(identityOf(1))
    await world.tick(150)
    other.call(identityOf(2))
    await reply(world, 1, ok)
    await drain(world)
    expect(sent).toEqual([1, 2])
  })

  test.each(['close', 'crash'] as const)('across pages: %s', async (go) => {
    const { world, tab, sent } = await setUp()
    tab.call(identityOf(1))
    await world.settle()
    await world.tick(100)
    await tab[go]()
    await world.tick(200)
    const next = await world.open()
    next.call(identityOf(2), hitOf(3))
    await world.settle()
    expect(flying(world)).toEqual([3])
    await drain(world)
    expect(sent).toEqual([1, 3, 1, 2])
  })

  test.each([0, 1, 300, 3000])('without a database as well, left after %i ms', async (ms) => {
    const { world, tab, sent } = await setUp()
    vi.spyOn(indexedDB, 'open').mockImplementation(() => {
      throw new DOMException('Denied', 'SecurityError')
    })
    await tab.close()
    const first = await world.open()
    first.call(identityOf(1))
    await world.tick(ms)
    await first.close()
    await world.tick(1)
    const next = await world.open()
    next.call(identityOf(2))
    await drain(world)
    expect(sent).toEqual([1, 1, 2])
  })

  test('those of another endpoint are none of this one’s', async () => {
    const { world, tab } = await setUp({ limitedFrom: now, limitedUntil: now + 5 * minute })
    tab.call(identityOf(1))
    await world.settle()
    await tab.close()
    await world.tick(second)
    const other = await world.open({ endpoint: 'https://elsewhere.example/hit' })
    other.call(identityOf(2))
    await world.settle()
    expect(flying(world)).toEqual([2])
    await other.close()
    await world.tick(5 * minute)
    await world.open()
    expect(flying(world)).toEqual([1])
  })

  test('one whose row is gone holds up nobody for longer than it may be on its way', async () => {
    const { world, tab, sent } = await setUp()
    tab.call(identityOf(1))
    await world.settle()
    tab.crash()
    indexedDB.deleteDatabase('skalin')
    await world.settle()
    const next = await world.open()
    next.call(identityOf(2))
    await drain(world)
    expect(sent).toEqual([1, 2])
  })

  test('nor by a clock that jumps', async () => {
    const { world, tab, sent } = await setUp()
    tab.call(identityOf(1))
    await world.tick(100)
    vi.setSystemTime(now - hour)
    tab.call(identityOf(2))
    await reply(world, 1, ok)
    await drain(world)
    vi.setSystemTime(now + 30 * 24 * hour)
    tab.call(identityOf(3))
    await drain(world)
    expect(sent).toEqual([1, 2, 3])
  })
})
