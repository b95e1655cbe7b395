import { describe, expect, test, vi } from 'vitest'
import { type EndpointState, initialState } from '../../src/delivery/endpoint.ts'
import { hour, leaseMs, maxAgeMs, minute, second } from '../../src/delivery/limits.ts'
import type { Outcome } from '../../src/delivery/outcome.ts'
import { held } from '../../src/delivery/row.ts'
import { replace, sabotages } from './sabotage.ts'
import { hitOf, now, numberOf, numbers, ok, outcomes } from './support.ts'
import { type Tab, type TabOptions, type World, createWorld } from './world.ts'

const { answer, network, opaque, timeout } = outcomes

/** The hits that are in flight, by number, with `*` for `no-cors`. */
const flying = (world: World) =>
  world.flights.map(({ hit, mode }) => `${numberOf(hit)}${mode === 'cors' ? '' : '*'}`)

/** What a tab reported: `number outcome reason`. */
const told = ({ reports }: Tab) =>
  reports.map(({ row, outcome, reason, status }) =>
    [numberOf(row.hit), outcome, reason, status].filter((part) => part !== undefined).join(' '),
  )

const stored = async (world: World) => (await world.stored()).map(({ hit }) => numberOf(hit))

const post = (tab: Tab, ...hits: number[]) => tab.call(...hits.map((number) => hitOf(number)))

/** Silence that was asked for, from now on. */
const limited = (ms: number) => ({ limitedFrom: now, limitedUntil: now + ms })
/** A backoff, from now on. */
const backoff = (ms: number) => ({ retryFrom: now, retryAt: now + ms })

/** Lets things happen for a while, even if they never end. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

/** Answers the oldest request. */
async function answerNext(world: World, outcome: Outcome): Promise<void> {
  const [flight] = world.flights
  if (flight === undefined) throw new Error('Nothing is in flight')
  await world.answer(flight, outcome)
}

/** Answers everything, what follows too. */
async function answerAll(world: World, outcome: Outcome): Promise<void> {
  while (world.flights.length > 0) await answerNext(world, outcome)
}

async function setUp(state: Partial<EndpointState> = {}): Promise<{ world: World; tab: Tab }> {
  const world = createWorld()
  world.state = { ...initialState, answers: 'readable', ...state }
  return { world, tab: await world.open() }
}

describe('a new hit', () => {
  test('is sent and stored in the task of the call, by one transaction', async () => {
    const { world, tab } = await setUp()
    post(tab, 1)
    await world.settle()
    const before = world.transactions()
    post(tab, 2)
    expect(flying(world)).toEqual(['1', '2'])
    expect(world.transactions()).toBe(before + 1)
    await world.settle()
    const leased = { attempts: 1, due: now + leaseMs }
    expect(await world.stored()).toMatchObject([leased, leased])
    await answerAll(world, ok)
    expect(told(tab)).toEqual(['1 accepted 200', '2 accepted 200'])
    await world.tick(second)
    // One for both, and one that looks for room.
    expect(world.transactions()).toBe(before + 3)
    expect(await stored(world)).toEqual([])
    await world.tick(2 * second)
    expect(world.timers()).toBe(0)
  })

  test('waits while two are in flight', async () => {
    const { world, tab } = await setUp()
    post(tab, 1, 2, 3)
    expect(flying(world)).toEqual(['1', '2'])
    expect(told(tab)).toEqual(['3 waiting busy'])
    expect(tab.reports[0]?.nextTryAt).toBe(now)
    await answerNext(world, ok)
    expect(flying(world)).toEqual(['2', '3'])
    await answerAll(world, ok)
    expect(told(tab).slice(1)).toEqual(['1 accepted 200', '2 accepted 200', '3 accepted 200'])
    expect(tab.reports.at(-1)?.row.attempts).toBe(1)
  })

  test.each<[string, Partial<EndpointState>, string, number]>([
    ['a rate limit', { ...limited(minute) }, 'rate-limited', minute],
    ['a backoff', { step: 3, ...backoff(8000), cause: 'timeout' }, 'timeout', 8000],
    [
      'an open breaker',
      { networkErrors: 3, step: 4, ...backoff(9000), cause: 'blocked' },
      'blocked',
      9000,
    ],
  ])('waits for the end of %s', async (_, state, reason, delay) => {
    const { world, tab } = await setUp(state)
    post(tab, 1)
    await world.settle()
    expect(told(tab)).toEqual([`1 waiting ${reason}`])
    expect(tab.reports[0]?.nextTryAt).toBe(now + delay)
    await world.tick(delay - 1)
    expect(flying(world)).toEqual([])
    await world.tick(1)
    expect(flying(world)).toEqual(['1'])
  })

  test('waits for the end of a rate limit, also when a shorter one follows it', async () => {
    const { world, tab } = await setUp()
    post(tab, 1, 2, 3)
    await answerNext(world, answer(429, 30 * second))
    const until = world.state.limitedUntil
    await world.tick(5 * second)
    await answerNext(world, answer(429, second))
    await world.tick(until - Date.now() - 1)
    expect(flying(world)).toEqual([])
    await world.tick(1)
    expect(flying(world)).toHaveLength(1)
  })

  test('waits for the network, without a timer', async () => {
    const { world, tab } = await setUp()
    await world.setOnline(false)
    post(tab, 1)
    await world.tick(hour)
    expect(told(tab)).toEqual(['1 waiting offline'])
    expect(world.timers()).toBe(0)
    expect(flying(world)).toEqual([])
    await world.setOnline(true)
    expect(flying(world)).toEqual(['1'])
  })

  test('of the same call comes after the one before', async () => {
    const { world, tab } = await setUp({ ...limited(minute) })
    tab.post([hitOf(2), hitOf(1)], now)
    await world.tick(minute)
    expect(flying(world)).toEqual(['2', '1'])
  })

  test('that is held waits for its visitor', async () => {
    const { world, tab } = await setUp()
    tab.hold(hitOf(1), now)
    await world.tick(hour)
    expect(told(tab)).toEqual(['1 waiting anonymous'])
    expect(tab.reports[0]).not.toHaveProperty('nextTryAt')
    expect(await world.stored()).toMatchObject([{ due: held }])
    expect(world.timers()).toBe(0)
    expect(flying(world)).toEqual([])
  })
})

describe('an answer', () => {
  test.each<[string, Outcome, string]>([
    ['400', answer(400), '1 dropped refused 400'],
    ['204', answer(204), '1 accepted 204'],
  ])('%s ends it', async (_, outcome, expected) => {
    const { world, tab } = await setUp()
    post(tab, 1)
    await answerNext(world, outcome)
    await world.tick(second)
    expect(told(tab)).toEqual([expected])
    expect(await stored(world)).toEqual([])
  })

  test.each<[string, Outcome, string, number]>([
    ['503', answer(503), '1 waiting status 503', 833],
    ['timeout', timeout, '1 waiting timeout', 833],
    // Decided a second later: the page might be on its way out.
    ['network', network, '1 waiting network', second + 833],
    ['404', answer(404), '1 waiting status 404', 5 * minute],
    ['429', answer(429, minute), '1 waiting rate-limited 429', 1.25 * minute],
  ])('%s makes it wait, and is followed by another try', async (_, outcome, expected, delay) => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    const { world, tab } = await setUp()
    post(tab, 1)
    await answerNext(world, outcome)
    if (outcome === network) await world.tick(second)
    expect(told(tab)).toEqual([expected])
    expect(tab.reports[0]?.nextTryAt).toBe(now + delay)
    await world.tick(now + delay - 1 - Date.now())
    expect(flying(world)).toEqual([])
    await world.tick(1)
    expect(flying(world)).toEqual(['1'])
    await answerNext(world, ok)
    expect(tab.reports[1]?.row).toMatchObject({ attempts: 2, at: now - 1 })
  })

  test('of a wrong address does not hold up the others', async () => {
    const { world, tab } = await setUp()
    post(tab, 1, 2, 3)
    await answerNext(world, answer(401))
    await answerAll(world, ok)
    await world.tick(second)
    expect(await stored(world)).toEqual([1])
    await world.tick(5 * minute)
    expect(flying(world)).toEqual(['1'])
  })

  test('that fails stops all tabs, and one probes it', async () => {
    const { world, tab } = await setUp()
    const other = await world.open()
    post(tab, 1, 2, 3)
    await world.tick(100)
    await answerAll(world, answer(503))
    post(other, 4)
    expect(told(other)).toEqual(['4 waiting status'])
    await world.tick(second)
    expect(flying(world)).toHaveLength(1)
    await answerAll(world, ok)
    // The others look when it has been answered for sure.
    await world.tick(10 * second)
    await answerAll(world, ok)
    await world.tick(second)
    expect(await stored(world)).toEqual([])
  })

  test('of a collector that is well takes nothing from what another tab has just been told', async () => {
    const { world, tab } = await setUp({ answers: 'unknown' })
    const other = await world.open()
    post(tab, 1)
    post(other, 2)
    await world.settle()
    const [limit, acceptance] = world.flights
    for (const flight of [limit, acceptance]) clearTimeout(flight?.giveUp)
    limit?.resolve(answer(429, 30 * second))
    acceptance?.resolve(ok)
    await world.settle()
    expect(world.state.answers).toBe('readable')
    expect(world.state.limitedUntil).toBeGreaterThanOrEqual(now + 30 * second)
  })
})

describe('an answer that cannot be read', () => {
  test('is followed by a no-cors request; an hour later again; then all go that way', async () => {
    const { world, tab } = await setUp({ answers: 'unknown' })
    post(tab, 1)
    await answerNext(world, network)
    expect(flying(world)).toEqual(['1*'])
    await answerNext(world, opaque)
    expect(await world.stored()).toMatchObject([{ due: now + hour, reachedAt: now }])
    await world.tick(hour)
    expect(flying(world)).toEqual(['1'])
    await answerNext(world, network)
    await answerNext(world, opaque)
    expect(told(tab)).toEqual(['1 waiting network', '1 accepted unconfirmed'])
    post(tab, 2)
    expect(flying(world)).toEqual(['2*'])
    await answerNext(world, opaque)
    expect(told(tab).at(-1)).toBe('2 accepted unconfirmed')
    await world.tick(hour)
    post(tab, 3)
    expect(flying(world)).toEqual(['3'])
    await answerNext(world, ok)
    post(tab, 4)
    expect(flying(world)).toEqual(['4'])
  })

  test('is a network error in a page that is isolated', async () => {
    const { world, tab } = await setUp({ answers: 'unknown' })
    tab.isolated = true
    post(tab, 1)
    await answerNext(world, network)
    await world.tick(second)
    expect(told(tab)).toEqual(['1 waiting network'])
    expect(flying(world)).toEqual([])
  })

  test('is asked for readably in a page that is isolated, whatever others know', async () => {
    const { world, tab } = await setUp({ answers: 'opaque', probedAt: now })
    tab.isolated = true
    post(tab, 1)
    expect(flying(world)).toEqual(['1'])
  })

  test('is not followed by anything once the hit was to be forgotten', async () => {
    const { world, tab } = await setUp({ answers: 'unknown' })
    post(tab, 1)
    void tab.forget()
    await world.settle()
    await answerNext(world, network)
    expect(flying(world)).toEqual([])
    await world.tick(hour)
    expect(flying(world)).toEqual([])
    expect(await stored(world)).toEqual([])
  })
})

describe('what earlier pages left', () => {
  test('is sent oldest first, four at a time', async () => {
    const { world, tab } = await setUp({ ...limited(10) })
    post(tab, ...numbers(6))
    await world.settle()
    tab.crash()
    await world.tick(10)
    await world.open()
    const sent: string[] = []
    while (world.flights.length > 0) {
      expect(world.flights.length).toBeLessThanOrEqual(4)
      sent.push(flying(world)[0] ?? '')
      await answerNext(world, ok)
    }
    expect(sent).toEqual(['1', '2', '3', '4', '5', '6'])
    await world.tick(3 * second)
    expect(await stored(world)).toEqual([])
    expect(world.timers()).toBe(0)
  })

  test('in flight when it died comes due by itself', async () => {
    const { world, tab } = await setUp()
    post(tab, 1)
    await world.settle()
    tab.crash()
    await world.open()
    await world.tick(leaseMs - 1)
    expect(flying(world)).toEqual([])
    await world.tick(1)
    expect(flying(world)).toEqual(['1'])
  })

  test('too long ago is dropped, and the rest goes', async () => {
    const { world, tab } = await setUp({ ...limited(1) })
    tab.post([hitOf(1)], now - maxAgeMs)
    post(tab, 2)
    await world.tick(second)
    expect(told(tab).slice(2)).toEqual(['1 dropped too-old'])
    expect(flying(world)).toEqual(['2'])
  })

  test('is looked at only on demand: no transaction and no timer without need', async () => {
    const { world } = await setUp()
    const before = world.transactions()
    await world.tick(24 * hour)
    expect(world.transactions()).toBe(before)
    expect(world.timers()).toBe(0)
  })

  test('is looked at when there is room again, not with a timer after the other until then', async () => {
    const world = createWorld()
    world.state = { ...initialState, answers: 'readable' }
    world.online = false
    const tab = await world.open()
    post(tab, ...numbers(3))
    await world.settle()
    await tab.close()
    world.online = true
    const next = await world.open()
    post(next, 11)
    await world.settle()
    expect(flying(world)).toEqual(['1', '11'])
    // As it is seen again, a look is due.
    next.hide()
    next.show()
    await world.settle()
    const set = vi.spyOn(globalThis, 'setTimeout')
    await world.tick(5 * second)
    expect(set.mock.calls.length).toBeLessThan(5)
  })

  test('is not written anew by each page that finds it free', async () => {
    const { world, tab } = await setUp()
    post(tab, ...numbers(3))
    await world.settle()
    await tab.close()
    await (await world.open()).close()
    const put = vi.spyOn(IDBObjectStore.prototype, 'put')
    await world.open()
    await world.settle()
    expect(await world.stored()).toHaveLength(3)
    expect(put).not.toHaveBeenCalled()
    put.mockRestore()
  })
})

describe('when the page is hidden or goes', () => {
  test('all that waits goes at once, oldest first', async () => {
    const { world, tab } = await setUp()
    post(tab, ...numbers(20))
    await world.settle()
    expect(flying(world)).toEqual(['1', '2'])
    tab.hide()
    expect(flying(world)).toEqual(numbers(20).map(String))
    await world.settle()
    const rows = await world.stored()
    expect(rows.map(({ due, attempts }) => [due, attempts])).toEqual(
      numbers(20).map(() => [now + leaseMs, 1]),
    )
  })

  test('at most 200 requests', async () => {
    const { world, tab } = await setUp()
    post(tab, ...numbers(250))
    tab.freeze()
    expect(world.flights).toHaveLength(200)
  })

  test.each([
    ['it goes, 60 KiB of bodies: browsers refuse what goes beyond 64', 'freeze', 4],
    ['it is hidden, half of that', 'hide', 2],
  ] as const)('at most, when %s', async (_, end, count) => {
    const world = createWorld()
    world.state = { ...initialState, answers: 'readable' }
    const tab = await world.open({ bytes: 15 * 1024 })
    post(tab, ...numbers(10))
    tab[end]()
    expect(world.flights).toHaveLength(count)
    post(tab, 11)
    expect(world.flights).toHaveLength(count)
  })

  test.each<[string, Partial<EndpointState>]>([
    ['a rate limit', { ...limited(minute) }],
    ['an open breaker', { networkErrors: 3 }],
    ['rejections', { rejections: 3 }],
  ])('not against %s', async (_, state) => {
    const { world, tab } = await setUp({ ...state, ...backoff(minute) })
    post(tab, 1)
    tab.hide()
    expect(flying(world)).toEqual([])
  })

  test('not while offline, not what is held, not what the collector wants later', async () => {
    const { world, tab } = await setUp()
    post(tab, 1)
    await answerNext(world, answer(404))
    tab.hold(hitOf(2), now)
    tab.hide()
    await world.settle()
    expect(flying(world)).toEqual([])
    tab.show()
    await world.settle()
    await world.setOnline(false)
    post(tab, 3)
    tab.hide()
    expect(flying(world)).toEqual([])
  })

  test('in a backoff each hit gets one such chance', async () => {
    const { world, tab } = await setUp({ step: 5, ...backoff(5 * minute), cause: 'timeout' })
    post(tab, 1)
    tab.hide()
    expect(flying(world)).toEqual(['1'])
    await answerNext(world, timeout)
    await world.tick(10 * second)
    tab.show()
    await world.settle()
    tab.hide()
    expect(flying(world)).toEqual([])
  })

  test('calls that are made while it is hidden are sent', async () => {
    const { world, tab } = await setUp()
    tab.hide()
    post(tab, ...numbers(5))
    expect(world.flights).toHaveLength(5)
  })

  test('no timer runs, until it is back', async () => {
    const { world, tab } = await setUp()
    post(tab, 1)
    await answerNext(world, timeout)
    tab.hide()
    await world.tick(2 * second)
    expect(world.timers()).toBe(0)
    await world.tick(hour)
    expect(flying(world)).toEqual([])
    tab.show()
    await world.settle()
    expect(flying(world)).toEqual(['1'])
  })

  test('what another page has learnt meanwhile counts as soon as it is back', async () => {
    const { world, tab } = await setUp()
    tab.hide()
    world.state = { ...world.state, ...limited(minute) }
    tab.show()
    post(tab, 1)
    expect(flying(world)).toEqual([])
  })

  test('a new hit does not go before older ones that found no room', async () => {
    const world = createWorld()
    world.state = { ...initialState, answers: 'readable' }
    const tab = await world.open({ bytes: 1500 })
    post(tab, ...numbers(60))
    await world.settle()
    tab.hide()
    const sent: number[] = []
    world.onSend = ({ hit }) => sent.push(numberOf(hit))
    for (const flight of world.flights.slice(0, 5)) await world.answer(flight, ok)
    await world.tick(100)
    post(tab, 99)
    expect(sent.length).toBeGreaterThan(0)
    expect(sent).not.toContain(99)
  })

  test('a failure that comes a moment before it is gone changes nothing', async () => {
    const { world, tab } = await setUp()
    post(tab, 1)
    tab.hide()
    await answerNext(world, network)
    await world.tick(500)
    tab.left = true
    await world.tick(500)
    expect(world.state).toMatchObject({ networkErrors: 0, step: 0 })
    expect(told(tab)).toEqual(['1 waiting network'])
  })

  test('a failure in a page that is only hidden counts', async () => {
    const { world, tab } = await setUp()
    post(tab, 1)
    tab.hide()
    await answerNext(world, network)
    await world.tick(second)
    expect(world.state).toMatchObject({ networkErrors: 1, step: 1 })
  })

  test('what was to be forgotten is not sent, though this tab was not told', async () => {
    const { world, tab } = await setUp()
    await world.setOnline(false)
    post(tab, 1)
    await world.settle()
    world.online = true
    world.texts.set('skalin:client:client', JSON.stringify({ era: 'another' }))
    tab.hide()
    expect(flying(world)).toEqual([])
  })
})

describe('a request in flight for longer than its lease', () => {
  test('as when the computer slept: its row is not sent twice, and not asked for again and again', async () => {
    const { world, tab } = await setUp()
    world.patienceMs = hour
    post(tab, 1)
    await world.settle()
    await world.tick(leaseMs + second)
    const before = world.transactions()
    tab.back()
    await turns(200)
    expect(world.transactions() - before).toBeLessThan(10)
    expect(flying(world)).toEqual(['1'])
    await answerNext(world, ok)
    await world.tick(second)
    expect(await stored(world)).toEqual([])
  })
})

describe('flush', () => {
  /** How long it takes, in a world where requests are answered by `reply` after a second. */
  async function flushing(world: World, tab: Tab, reply?: () => Promise<void>): Promise<number> {
    const from = Date.now()
    let tookMs: number | undefined
    void tab.flush().then(() => {
      tookMs = Date.now() - from
    })
    for (let seconds = 0; seconds < 30 && tookMs === undefined; seconds += 1) {
      await world.settle()
      await reply?.()
      await world.tick(second)
    }
    return tookMs ?? Infinity
  }

  test('ends at once when nothing waits', async () => {
    const { world, tab } = await setUp()
    expect(await flushing(world, tab)).toBe(0)
    await world.tick(2 * second)
    expect(world.timers()).toBe(0)
  })

  test('ends at once when what waits cannot go', async () => {
    const { world, tab } = await setUp({ ...limited(minute) })
    post(tab, 1)
    expect(await flushing(world, tab)).toBe(0)
  })

  test('ends when all that can go has gone', async () => {
    const { world, tab } = await setUp()
    post(tab, ...numbers(5))
    const reply = () => answerNext(world, ok)
    expect(await flushing(world, tab, reply)).toBe(4 * second)
    expect(told(tab).filter((report) => report.includes('accepted'))).toHaveLength(5)
  })

  test('ends after 10 s', async () => {
    const { world, tab } = await setUp()
    world.patienceMs = hour
    post(tab, 1)
    expect(await flushing(world, tab)).toBe(10 * second)
  })
})

describe('asking how many wait, where nothing may be sent yet,', () => {
  /** What an earlier page left, which could not send it. */
  async function left(world: World, tab: Tab) {
    world.online = false
    post(tab, 1)
    await world.settle()
    await tab.close()
    world.online = true
    await world.tick(minute)
  }

  test('sends nothing, not even once a slow database is there', async () => {
    const { world, tab } = await setUp()
    await left(world, tab)
    const stalled: (() => void)[] = []
    const { setImmediate } = globalThis
    vi.stubGlobal('setImmediate', (work: () => void) => stalled.push(work))
    const pending = world.create().pending()
    await world.tick(3 * second)
    vi.stubGlobal('setImmediate', setImmediate)
    for (const work of stalled) work()
    await world.tick(second)
    expect(await pending).toBe(0)
    expect(world.flights).toEqual([])
  })

  test('sends nothing, nor when it is deregistered then', async () => {
    const world = createWorld()
    const end = sabotages['opening fails']?.()
    await left(world, await world.open())
    const tab = world.create()
    const pending = tab.pending()
    await world.tick(second)
    expect(await pending).toBe(1)
    void tab.stop()
    await world.tick(second)
    end?.()
    expect(world.flights).toEqual([])
  })
})

describe('stop', () => {
  test('sends what can go, takes nothing more, and resolves when what was in flight has ended', async () => {
    const { world, tab } = await setUp()
    post(tab, 1, 2, 3)
    await world.settle()
    const stopped = vi.fn()
    void tab.stop().then(stopped)
    post(tab, 4)
    expect(flying(world)).toEqual(['1', '2', '3'])
    await answerNext(world, ok)
    await answerNext(world, ok)
    expect(stopped).not.toHaveBeenCalled()
    await answerNext(world, timeout)
    expect(stopped).toHaveBeenCalled()
    expect(told(tab).slice(1)).toEqual(['1 accepted 200', '2 accepted 200', '3 waiting timeout'])
    expect(await stored(world)).toEqual([3])
    expect(world.timers()).toBe(0)
    expect(world.channels()).toBe(0)
  })

  test('in the middle of asking the outbox leaves nothing behind', async () => {
    const { world, tab } = await setUp(limited(minute))
    post(tab, 1)
    await world.settle()
    tab.back()
    void tab.stop()
    const before = world.transactions()
    await turns(200)
    expect(world.transactions() - before).toBeLessThan(10)
    expect(flying(world)).toEqual([])
    expect(world.channels()).toBe(0)
    expect(world.timers()).toBe(0)
    expect(await world.stored()).toMatchObject([{ attempts: 0, due: now - 1 }])
  })
})

test.each(['before', 'after'])(
  'an answer that comes too late is believed if it says accepted, %s the next try',
  async (when) => {
    const { world, tab } = await setUp()
    post(tab, 1)
    await world.settle()
    const [given] = world.flights
    await answerNext(world, timeout)
    if (when === 'after') await world.tick((tab.reports[0]?.nextTryAt ?? 0) - Date.now())
    given?.late(ok)
    await answerAll(world, network)
    await world.tick(hour)
    expect(told(tab)).toEqual(['1 waiting timeout', '1 accepted 200'])
    expect(flying(world)).toEqual([])
    expect(await stored(world)).toEqual([])
  },
)

test('a page that has left listens to nobody, even if its requests end later', async () => {
  const { world, tab } = await setUp()
  post(tab, 1, 2)
  await world.settle()
  tab.freeze()
  await answerNext(world, ok)
  await answerNext(world, answer(503))
  await world.tick(second)
  expect(world.channels()).toBe(0)
})

test('without IndexedDB, hits wait in memory and are sent all the same', async () => {
  const world = createWorld()
  world.state = { ...initialState, answers: 'readable' }
  const tab = await world.open({ persistent: false })
  post(tab, ...numbers(5))
  await answerNext(world, timeout)
  await answerAll(world, ok)
  for (let seconds = 0; seconds < 5; seconds += 1) {
    await world.tick(second)
    await answerAll(world, ok)
  }
  expect(told(tab).filter((report) => report.includes('accepted'))).toHaveLength(5)
  expect(world.timers()).toBe(0)
})

test.each<[string, TabOptions, () => void]>([
  ['there is no IndexedDB', { persistent: false }, () => undefined],
  [
    'IndexedDB does not open',
    {},
    (): void => {
      vi.spyOn(indexedDB, 'open').mockImplementation(() => {
        throw new DOMException('Blocked', 'SecurityError')
      })
    },
  ],
])('where %s, no timer is left of a hit that had to wait for long', async (_, options, fail) => {
  const world = createWorld()
  fail()
  world.state = { ...initialState, answers: 'readable' }
  const tab = await world.open(options)
  post(tab, 1)
  await answerNext(world, answer(404))
  await world.tick((tab.reports[0]?.nextTryAt ?? 0) - Date.now())
  await answerNext(world, ok)
  await world.tick(hour)
  expect(told(tab)).toEqual(['1 waiting status 404', '1 accepted 200'])
  expect(world.timers()).toBe(0)
})

test('a tab that was frozen does not take back what another sends meanwhile', async () => {
  const { world, tab } = await setUp()
  world.patienceMs = 26 * second
  post(tab, 1)
  await world.settle()
  await world.open()
  world.patienceMs = minute
  await world.tick(25 * second)
  expect(flying(world)).toEqual(['1', '1'])
  // Its own request is given up only now.
  await world.tick(5 * second)
  expect(world.flights.map((flight) => world.tabs.indexOf(flight.tab))).toEqual([1])
  await answerAll(world, ok)
  await world.tick(second)
  expect(await stored(world)).toEqual([])
})

test('and looks after it once the other had its time', async () => {
  const { world, tab } = await setUp()
  world.patienceMs = 26 * second
  post(tab, 1)
  await world.settle()
  const other = await world.open()
  await world.tick(22 * second)
  other.hide()
  await world.tick(30 * second)
  // The other tab is hidden, and sets no timer.
  expect(flying(world)).toContain('1')
  expect(world.flights.map((flight) => world.tabs.indexOf(flight.tab))).toContain(0)
  await answerAll(world, ok)
  await world.tick(second)
  expect(await stored(world)).toEqual([])
})

describe('a database that cannot be written to', () => {
  const full = () => {
    throw new DOMException('Full', 'QuotaExceededError')
  }

  test('keeps nobody from sending what is stored, nor is it asked again and again', async () => {
    const { world, tab } = await setUp()
    await world.setOnline(false)
    post(tab, 1, 2, 3)
    await world.settle()
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(full)
    const before = world.transactions()
    await world.setOnline(true)
    for (let seconds = 0; seconds < 5; seconds += 1) {
      await world.tick(second)
      await answerAll(world, ok)
    }
    expect(told(tab).filter((report) => report.includes('accepted'))).toHaveLength(3)
    await world.tick(minute)
    expect(world.transactions() - before).toBeLessThan(60)
    expect(await stored(world)).toEqual([])
  })

  test.each([2, 3])('does not have %i tabs take a row from each other', async (count) => {
    const { world, tab } = await setUp()
    for (let index = 1; index <= count; index += 1) {
      const other = await world.open()
      post(other, 10 * index, 10 * index + 1)
      await world.settle()
    }
    post(tab, 1)
    await world.settle()
    tab.crash()
    await world.tick(500)
    vi.setSystemTime(now + leaseMs + second)
    const put = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(full)
    const before = world.transactions()
    void world.setOnline(true)
    await turns(500)
    expect(world.transactions() - before).toBeLessThan(30)
    put.mockRestore()
  })

  test('nor read from, is not asked again and again', async () => {
    const { world, tab } = await setUp(limited(minute))
    post(tab, 1)
    await world.settle()
    tab.crash()
    await world.tick(minute)
    const broken = vi.spyOn(IDBIndex.prototype, 'getAllKeys').mockImplementation(full)
    const before = world.transactions()
    const other = await world.open()
    await world.tick(10 * second)
    expect(world.transactions() - before).toBeLessThan(60)
    broken.mockRestore()
    other.back()
    await world.settle()
    expect(flying(world)).toEqual(['1'])
  })
})

describe('a new hit finds its timer', () => {
  test.each(numbers(12, 0))('though the outbox is being asked: %i turns before', async (count) => {
    const { world, tab } = await setUp({ ...limited(30 * second) })
    tab.back()
    await turns(count)
    post(tab, 1)
    await world.tick(minute)
    expect(flying(world)).toEqual(['1'])
  })
})

describe('after all was to be forgotten', () => {
  test('the hits of another client id are none of it', async () => {
    const { world, tab } = await setUp()
    const other = await world.open({ clientId: 'other' })
    await world.setOnline(false)
    other.post([hitOf(1, { client_id: 'other' })], now - 1)
    await world.settle()
    void tab.forget()
    await world.settle()
    world.online = true
    other.hide()
    expect(flying(world)).toEqual(['1'])
  })

  test('new hits go on, though the clock was set back', async () => {
    const { world, tab } = await setUp({ answers: 'unknown' })
    void tab.forget()
    await world.settle()
    vi.setSystemTime(now - minute)
    post(tab, 1)
    await answerNext(world, network)
    expect(flying(world)).toEqual(['1*'])
  })

  test('another tab, which could not write its note once, does not take that back', async () => {
    const { world, tab } = await setUp(backoff(minute))
    const other = await world.open()
    await Promise.all([other.forget(), world.settle()])
    const full = replace(localStorage, ['setItem'], () => () => {
      throw new DOMException('Full', 'QuotaExceededError')
    })
    tab.call(hitOf(1, { action: 'ui', identity: '{"id":"alice"}' }))
    await world.settle()
    full()
    await Promise.all([other.forget(), world.settle()])
    post(other, 2)
    await world.settle()
    const { era } = world.clientState()
    tab.call(hitOf(3, { action: 'ui', identity: '{"id":"alice"}' }))
    await world.settle()
    expect(world.clientState().era).toBe(era)
    await world.tick(minute)
    await answerAll(world, ok)
    expect(told(other)).toContain('2 accepted 200')
  })

  test('what could not be deleted then is not sent', async () => {
    const { world, tab } = await setUp()
    await world.setOnline(false)
    post(tab, 1, 2)
    await world.settle()
    vi.spyOn(IDBObjectStore.prototype, 'delete').mockImplementationOnce(() => {
      throw new DOMException('Trouble', 'UnknownError')
    })
    void tab.forget()
    await world.settle()
    expect(await stored(world)).toEqual([1, 2])
    await world.setOnline(true)
    expect(flying(world)).toEqual([])
    expect(await stored(world)).toEqual([])
  })
})

test('nor by any other tab, though nobody can write', async () => {
  const { world, tab } = await setUp()
  const others = [await world.open(), await world.open()]
  const sent: number[] = []
  world.onSend = ({ hit }) => sent.push(numberOf(hit))
  post(tab, 1)
  await world.settle()
  const trouble = replace(IDBObjectStore.prototype, ['put', 'delete'], () => () => {
    throw new DOMException('Full', 'QuotaExceededError')
  })
  await answerAll(world, ok)
  for (let call = 0; call < 6; call += 1) {
    for (const [index, other] of others.entries()) post(other, 100 * (index + 1) + call)
    await answerAll(world, ok)
    await world.tick(20 * second)
    await answerAll(world, ok)
  }
  trouble()
  expect(sent.filter((number) => number === 1)).toEqual([1])
})

test('an accepted hit whose deletion failed is not sent again, and deleted later', async () => {
  const { world, tab } = await setUp()
  post(tab, 1)
  await world.settle()
  vi.spyOn(IDBObjectStore.prototype, 'delete').mockImplementationOnce(() => {
    throw new DOMException('Trouble', 'UnknownError')
  })
  await answerNext(world, ok)
  await world.tick(leaseMs)
  tab.back()
  await world.settle()
  expect(flying(world)).toEqual([])
  await world.tick(minute)
  post(tab, 2)
  await answerNext(world, ok)
  await world.tick(second)
  expect(flying(world)).toEqual([])
  expect(await stored(world)).toEqual([])
})

test('of a backlog a page takes on lease what it can send, and leaves the rest to others', async () => {
  const world = createWorld()
  world.state = { ...initialState, answers: 'readable' }
  world.online = false
  const before = await world.open()
  post(before, ...numbers(1000))
  await world.tick(second)
  await before.close()
  world.online = true
  const transactions = world.transactions()
  await world.open()
  await world.tick(second)
  expect(flying(world)).toHaveLength(1)
  expect((await world.stored()).filter(({ owner }) => owner !== undefined)).toHaveLength(50)
  expect(world.transactions() - transactions).toBeLessThan(10)
})
