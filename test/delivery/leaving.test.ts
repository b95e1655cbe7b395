import { describe, expect, test, vi } from 'vitest'
import { tick } from '../../src/browser/clock.ts'
import { type EndpointState, initialState } from '../../src/delivery/endpoint.ts'
import type { Hit } from '../../src/hit/hit.ts'
import { hour, leaseMs, minute, second } from '../../src/delivery/limits.ts'
import type { Outcome } from '../../src/delivery/outcome.ts'
import { sabotages } from './sabotage.ts'
import { hitOf, now, numbers, ok, outcomes } from './support.ts'
import { type Tab, type World, createWorld } from './world.ts'

const { answer, network, timeout } = outcomes
const well: EndpointState = { ...initialState, answers: 'readable' }

const identityOf = (number: number) => hitOf(number, { action: 'ui', identity: '{"id":"alice"}' })
const flying = (world: World) => world.flights.map(({ hit }) => parseInt(hit.event_id, 16))

async function setUp(
  state: Partial<EndpointState> = {},
): Promise<{ world: World; tab: Tab; sent: number[] }> {
  const world = createWorld()
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  world.state = { ...well, ...state }
  const sent: number[] = []
  world.onSend = ({ hit }) => sent.push(parseInt(hit.event_id, 16))
  return { world, tab: await world.open(), sent }
}

/** Until the function that it gives is called. */
function refusing(...names: string[]): () => void {
  const ends = names.map((name) => sabotages[name]?.())
  return () => {
    for (const end of ends) end?.()
  }
}

async function answerAll(world: World, outcome: Outcome): Promise<void> {
  for (const flight of [...world.flights]) await world.answer(flight, outcome)
}

/** A browser may abort the transactions of a page that goes. */
function goUnwritten(tab: Tab, ...calls: Hit[]): void {
  const aborting = vi.spyOn(IDBDatabase.prototype, 'transaction').mockImplementation(() => {
    throw new DOMException('The page goes', 'AbortError')
  })
  if (calls.length > 0) tab.call(...calls)
  tab.freeze()
  tab.crash()
  aborting.mockRestore()
}

/** Accepts whatever is sent within so many seconds. */
async function sendAll(world: World, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    await answerAll(world, ok)
    await world.tick(1000)
  }
}

// Chromium gives a page that closes half a second.
describe.each([
  ['well', well],
  ['in trouble', { step: 2, retryFrom: now, retryAt: now + 5 * second }],
] as const)('of a page that is ended as it goes, with a collector that is %s,', (_, state) => {
  test.each([1, 2, 5, 10])(
    'at its request number %i, nothing is lost, or goes again at once',
    async (last) => {
      const { world, tab } = await setUp(state)
      tab.call(...numbers(10).map((number) => hitOf(number)))
      await world.settle()
      const inFlight = flying(world)
      const goneAt = Date.now()
      const sent: { number: number; after: number }[] = []
      world.onSend = ({ hit }) => {
        sent.push({ number: parseInt(hit.event_id, 16), after: Date.now() - goneAt })
        if (sent.length === last) tab.crash()
      }
      tab.left = tab.hidden = true
      tab.leave(() => tab.call(hitOf(11), hitOf(12)))
      expect(sent).toHaveLength(Math.min(last, 12 - inFlight.length))

      tab.crash()
      await world.open()
      await sendAll(world, 60)
      const all = new Set([...inFlight, ...sent.map(({ number }) => number)])
      expect([...all].sort((a, b) => a - b)).toEqual(numbers(12))
      const asItWent = sent.filter(({ after }) => after === 0).map(({ number }) => number)
      const again = sent.filter(({ number, after }) => after > 0 && asItWent.includes(number))
      expect(again.map(({ number }) => number).sort((a, b) => a - b)).toEqual(asItWent)
      expect(again.filter(({ after }) => after < leaseMs)).toEqual([])
    },
  )
})

describe('while another tab looks for what waits,', () => {
  /** Two tabs, of which the first has ten hits in a backoff that ends. */
  async function setUpTwo(): Promise<{ world: World; tab: Tab; other: Tab }> {
    const { world, tab } = await setUp({ step: 2, retryFrom: now, retryAt: now + 5 * second })
    tab.call(...numbers(10).map((number) => hitOf(number)))
    const other = await world.open()
    await world.tick(second)
    return { world, tab, other }
  }

  // 50: a page does not see at once what another has just written into `localStorage`.
  test.each([
    [0, 'stays'],
    [50, 'stays'],
    [0, 'leaves'],
    [50, 'leaves'],
  ] as const)(
    'a tab sends as it goes what the other took %i ms later: nobody does, and that one %s',
    async (ms, fate) => {
      const { world, tab, other } = await setUpTwo()
      // Word of it comes too late.
      vi.spyOn(BroadcastChannel.prototype, 'postMessage').mockReturnValue(undefined)
      other.online()
      await world.settle()
      const taken = flying(world)
      expect(taken).toHaveLength(1)

      const goneAt = Date.now()
      vi.setSystemTime(goneAt - ms)
      tab.freeze()
      vi.setSystemTime(goneAt)
      expect(flying(world).slice(1)).toEqual(numbers(10))
      tab.crash()

      const sent: { number: number; after: number }[] = []
      world.onSend = ({ hit }) =>
        sent.push({ number: parseInt(hit.event_id, 16), after: Date.now() - goneAt })
      await world.settle()
      await answerAll(world, ok)
      await world.tick(5 * second)
      if (fate === 'leaves') {
        await other.close()
        await world.open()
      }
      await sendAll(world, 60)

      const rest = numbers(10).filter((number) => !taken.includes(number))
      expect(sent.map(({ number }) => number).sort((a, b) => a - b)).toEqual(rest)
      expect(sent.filter(({ after }) => after < leaseMs - ms)).toEqual([])
    },
  )

  test('one that is hidden takes what it sends on lease before it sends', async () => {
    const { world, tab } = await setUpTwo()
    const before = world.transactions()
    const atSending: number[] = []
    world.onSend = () => atSending.push(world.transactions() - before)
    tab.hide()
    expect(atSending).toEqual(numbers(10).map(() => 1))
  })
})

test('what an idle page posts as it goes is written down before any of it is sent', async () => {
  const { world, tab } = await setUp()
  const notedAtSending: string[][] = []
  world.onSend = () => notedAtSending.push(world.clientState().sent.map(({ id }) => id))
  tab.left = tab.hidden = true
  tab.leave(() => {
    tab.call(hitOf(1))
    tab.call(hitOf(2))
  })
  const ids = [hitOf(1), hitOf(2)].map(({ event_id }) => event_id)
  expect(notedAtSending).toEqual([ids, ids])
})

test('a call that cannot be read as the page goes keeps no other from going', async () => {
  const { world, tab } = await setUp({ step: 2, retryFrom: now, retryAt: now + 5 * second })
  tab.call(hitOf(1))
  tab.left = tab.hidden = true
  tab.leave(() => {
    tab.call(hitOf(2))
    throw new Error('unreadable')
  })
  expect(flying(world)).toEqual([1, 2])
})

test('a channel that cannot be closed keeps nothing from going', async () => {
  const { world, tab } = await setUp({ step: 2, retryFrom: now, retryAt: now + 5 * second })
  tab.call(hitOf(1))
  vi.spyOn(BroadcastChannel.prototype, 'close').mockImplementation(() => {
    throw new TypeError('close is not a function')
  })
  tab.left = tab.hidden = true
  tab.leave(() => undefined)
  expect(flying(world)).toEqual([1])
})

describe('leaving is no outage', () => {
  test('nor is what is sent only then, in the middle of one, waited for', async () => {
    const state = { step: 3, retryFrom: now, retryAt: now + 1 }
    const { world, tab } = await setUp(state)
    await world.tick(1)
    tab.left = tab.hidden = true
    tab.leave(() => tab.call(hitOf(1)))
    expect(flying(world)).toEqual([1])
    expect(world.state.retryAt).toBe(state.retryAt)
  })

  test('two hits of a millisecond that has not passed go as well', async () => {
    const { world, tab } = await setUp()
    tab.left = tab.hidden = true
    tab.leave(() => {
      tab.post([hitOf(1), hitOf(2)], Date.now())
      tab.post([hitOf(3)], Date.now() + 2 * tick)
    })
    expect(flying(world)).toEqual([1, 2, 3])
  })

  test.each([0, 1, 500, 999])(
    'requests that fail %i ms before the page goes say nothing',
    async (ms) => {
      const { world, tab } = await setUp()
      tab.call(hitOf(1), hitOf(2), hitOf(3))
      await answerAll(world, network)
      await world.tick(ms)
      tab.freeze()
      await answerAll(world, network)
      await world.tick(5 * second)
      expect(world.state).toEqual(well)
    },
  )

  test.each([network, timeout])('nor do those that fail after it has gone: %j', async (outcome) => {
    const { world, tab } = await setUp()
    tab.call(hitOf(1), hitOf(2))
    tab.freeze()
    await answerAll(world, outcome)
    await world.tick(5 * second)
    tab.show()
    await world.settle()
    expect(world.state).toEqual(well)
  })

  test('nor those that fail when it is back already', async () => {
    const { world, tab } = await setUp()
    tab.call(hitOf(1))
    tab.freeze()
    tab.show()
    await world.settle()
    await answerAll(world, network)
    await world.tick(2 * second)
    expect(world.state).toEqual(well)
  })

  test('but one that fails and stays is one', async () => {
    const { world, tab } = await setUp()
    tab.call(hitOf(1))
    await answerAll(world, network)
    expect(world.state).toEqual(well)
    await world.tick(second)
    expect(world.state).toMatchObject({ networkErrors: 1, step: 1 })
  })

  test('and an answer is one', async () => {
    const { world, tab } = await setUp()
    tab.call(hitOf(1))
    tab.freeze()
    await answerAll(world, answer(503))
    expect(world.state).toMatchObject({ step: 1, cause: 'status' })
  })
})

describe('the next page', () => {
  test('sends its first call at once, however much was in flight; that goes once more', async () => {
    const { world, tab, sent } = await setUp()
    tab.call(hitOf(1), hitOf(2), hitOf(3))
    await world.settle()
    await tab.close()
    await world.tick(100)
    const next = await world.open()
    next.call(hitOf(11))
    expect(flying(world)).toContain(11)
    for (let seconds = 0; seconds < 30; seconds += 1) {
      await answerAll(world, ok)
      await world.tick(second)
    }
    expect(sent.sort((a, b) => a - b)).toEqual([1, 1, 2, 2, 3, 3, 11])
    expect(await world.stored()).toEqual([])
  })

  test('makes its first call before it takes over what was left', async () => {
    const { world, tab } = await setUp({ limitedFrom: now, limitedUntil: now + second })
    tab.call(hitOf(1))
    await world.settle()
    await tab.close()
    await world.tick(second)
    const before = world.transactions()
    const next = await world.open({ busyMs: second })
    expect(world.transactions()).toBe(before)
    next.call(hitOf(11))
    expect(flying(world)).toEqual([11])
    await world.tick(second)
    expect(flying(world)).toEqual([11, 1])
  })

  test('also where what was left stands in the note', async () => {
    const { world, tab } = await setUp({ limitedFrom: now, limitedUntil: now + second })
    goUnwritten(tab, hitOf(1))
    const before = world.transactions()
    let meanwhile: number | undefined
    const open = indexedDB.open.bind(indexedDB)
    vi.spyOn(indexedDB, 'open').mockImplementation((...given) => {
      const request = open(...given)
      // Segment hands over a call a moment after the database has opened.
      const look = () => (meanwhile = world.transactions() - before)
      request.addEventListener('success', () => setImmediate(look))
      return request
    })
    await world.open({ busyMs: minute })
    expect(meanwhile).toBe(0)
    expect(await world.stored()).toMatchObject([{ hit: hitOf(1) }])
  })

  test('but for an identity, which an older one of the same person precedes', async () => {
    const { world, tab, sent } = await setUp({ limitedFrom: now, limitedUntil: now + second })
    goUnwritten(tab, identityOf(1))
    await world.tick(second)
    const next = await world.open({ busyMs: minute })
    next.call(identityOf(11))
    await world.settle()
    expect(flying(world)).toEqual([1])
    await answerAll(world, ok)
    expect(sent).toEqual([1, 11])
  })

  test.each(['opening fails', 'transactions fail', 'puts fail'])(
    'and so where %s',
    async (sabotage) => {
      const { world, tab, sent } = await setUp({ limitedFrom: now, limitedUntil: now + second })
      goUnwritten(tab, identityOf(1))
      await world.tick(second)
      const end = sabotages[sabotage]?.()
      // At once: its database is not open yet.
      const opening = world.open({ busyMs: minute })
      world.tabs[0]?.call(identityOf(11))
      await opening
      for (let turn = 0; turn < 5; turn += 1) {
        await answerAll(world, ok)
        await world.tick(second)
      }
      end?.()
      expect(sent).toEqual([1, 11])
    },
  )

  test('makes room in the note, where the last one has left much', async () => {
    const { world, tab, sent } = await setUp({ limitedFrom: now, limitedUntil: now + minute })
    goUnwritten(tab, ...numbers(60).map((number) => hitOf(number)))
    const next = await world.open({ busyMs: minute })
    await world.settle()
    goUnwritten(next, ...numbers(60, 101).map((number) => hitOf(number)))
    await world.tick(minute)
    await world.open()
    await sendAll(world, 60)
    expect(new Set(sent).size).toBe(120)
  })

  test.each(['transactions hang', 'puts are dropped'])(
    'sends once what the last one left in its note, though %s',
    async (sabotage) => {
      const { world, tab, sent } = await setUp({ limitedFrom: now, limitedUntil: now + second })
      goUnwritten(tab, hitOf(1), hitOf(2))
      await world.tick(second)
      const end = sabotages[sabotage]?.()
      const next = await world.open()
      await sendAll(world, 30)
      end?.()
      await sendAll(world, 150)
      await next.close()
      await world.open()
      await sendAll(world, 60)
      expect(sent).toEqual([1, 2])
    },
  )

  test('leaves alone what another tab has taken since, and is not held up by a clock set back', async () => {
    const { world, tab, sent } = await setUp()
    tab.call(hitOf(1))
    await world.settle()
    await tab.close()
    await world.open()
    await world.tick(20 * second)
    expect(flying(world)).toEqual([1])
    await world.tick(second)
    await world.open()
    await world.tick(second)
    expect(sent).toEqual([1, 1])
    vi.setSystemTime(now - hour)
    for (const open of [...world.tabs]) await open.close()
    vi.setSystemTime(now - 2 * hour)
    await world.open()
    expect(flying(world)).toEqual([1])
  })

  test('waits for the lease of what was sent, though the database was not told', async () => {
    const { world, tab, sent } = await setUp({ step: 1, retryFrom: now, retryAt: now + minute })
    tab.call(hitOf(1))
    await world.settle()
    const other = await world.open()
    goUnwritten(tab)
    other.online()
    await world.tick(20 * second - 1)
    expect(sent).toEqual([1])
    await world.tick(second)
    expect(sent).toEqual([1, 1])
  })

  test('is told what the last one had heard of, though the database was not told', async () => {
    const { world, tab, sent } = await setUp()
    tab.call(hitOf(1))
    await world.open()
    await answerAll(world, ok)
    goUnwritten(tab)
    await world.tick(minute)
    expect(sent).toEqual([1])
    expect(await world.stored()).toEqual([])
  })

  test('also where it went without an event, 20 seconds later', async () => {
    const { world, tab, sent } = await setUp()
    tab.call(hitOf(1), hitOf(2))
    await world.settle()
    tab.crash()
    const next = await world.open()
    next.call(hitOf(11))
    expect(flying(world)).toEqual([11])
    await answerAll(world, ok)
    await world.tick(20 * second)
    expect(sent).toEqual([1, 2, 11, 1, 2])
  })

  test('is not held up by a probe that nobody heard of, but by the backoff', async () => {
    const { world, tab } = await setUp({ step: 3, retryFrom: now - 8000, retryAt: now })
    tab.call(hitOf(1))
    expect(flying(world)).toEqual([1])
    await tab.close()
    await world.tick(100)
    const next = await world.open()
    next.call(hitOf(2))
    await world.tick(100)
    expect(flying(world)).toHaveLength(1)
  })

  test('waits for what is left of a backoff', async () => {
    const backoff = { step: 6, retryFrom: now, retryAt: now + minute, cause: 'status' } as const
    const { world, tab } = await setUp(backoff)
    tab.call(hitOf(1))
    await tab.close()
    const next = await world.open()
    next.call(hitOf(2))
    await world.tick(minute - 1)
    expect(flying(world)).toEqual([])
    await world.tick(1)
    expect(flying(world)).toHaveLength(1)
  })
})

test('a call made after we have heard of `pagehide` goes once more when its lease is over', async () => {
  const { world, tab, sent } = await setUp()
  await world.open()
  tab.freeze()
  tab.call(hitOf(1))
  await world.settle()
  tab.crash()
  await world.tick(15 * second)
  expect(sent).toEqual([1])
  await world.tick(6 * second)
  expect(sent).toEqual([1, 1])
})

test('a hidden tab in an outage backs off like a visible one, and runs no timer for it', async () => {
  async function requests(hidden: boolean): Promise<number> {
    const { world, tab, sent } = await setUp()
    if (hidden) tab.hide()
    await world.tick(2 * second)
    for (let call = 0; call < 31; call += 1) {
      tab.call(hitOf(call))
      await answerAll(world, answer(503))
      // Of the database: one looks whether it hangs, one for room.
      if (hidden) expect(world.timers(tab)).toBeLessThanOrEqual(2)
      await world.tick(second)
      await answerAll(world, answer(503))
    }
    if (hidden) {
      await world.tick(3 * second)
      expect(world.timers(tab)).toBe(0)
    }
    return sent.length
  }
  const visible = await requests(false)
  expect(visible).toBeLessThanOrEqual(6)
  expect(await requests(true)).toBeLessThanOrEqual(visible)
})

describe('after trouble', () => {
  // Firefox's timers go off a little early.
  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
    'the time for the next try may come at any moment: after %i looks at the clock',
    async (looks) => {
      const { world, tab, sent } = await setUp()
      tab.call(hitOf(1))
      await answerAll(world, answer(503))
      const { retryAt } = world.state
      const clock = Date.now.bind(Date)
      let looked = 0
      vi.spyOn(Date, 'now').mockImplementation(() => {
        const at = clock()
        if (at < retryAt) return at
        looked += 1
        return looked <= looks ? retryAt - 1 : at
      })
      await world.tick(2 * second)
      expect(sent).toEqual([1, 1])
    },
  )

  test('one request goes out, and more with each answer', async () => {
    const { world, tab } = await setUp({ step: 2, retryFrom: now, retryAt: now + second })
    tab.call(...Array.from({ length: 20 }, (_, index) => hitOf(index)))
    const counts: number[] = []
    await world.tick(second)
    for (let round = 0; round < 4; round += 1) {
      counts.push(world.flights.length)
      const [flight] = world.flights
      if (flight) await world.answer(flight, ok)
    }
    expect(counts).toEqual([1, 2, 3, 4])
  })

  test('two are in flight at most once one has been out for a second', async () => {
    const { world, tab } = await setUp()
    tab.call(...Array.from({ length: 20 }, (_, index) => hitOf(index)))
    for (let round = 0; round < 2; round += 1) {
      const [flight] = world.flights
      if (flight) await world.answer(flight, ok)
    }
    expect(world.flights).toHaveLength(4)
    await world.tick(second)
    const last = world.flights.at(-1)
    if (last) await world.answer(last, ok)
    const another = world.flights.at(-1)
    if (another) await world.answer(another, ok)
    expect(world.flights).toHaveLength(2)
  })

  test.each([
    ['a rate limit', answer(429, minute), minute, 1.5 * minute],
    ['a moment named for all', answer(503, minute), minute, 1.5 * minute],
  ])('browsers come back one by one: %s', async (_, outcome, from, to) => {
    const returns = new Set<number>()
    for (const random of [0, 0.2, 0.4, 0.6, 0.8, 0.999]) {
      const { world, tab } = await setUp()
      vi.spyOn(Math, 'random').mockReturnValue(random)
      tab.call(hitOf(1))
      await answerAll(world, outcome)
      for (let waited = 0; world.flights.length === 0 && waited < hour; waited += 1000) {
        await world.tick(1000)
      }
      returns.add(Date.now() - now)
    }
    expect(returns.size).toBe(6)
    expect(Math.min(...returns)).toBeGreaterThanOrEqual(from)
    expect(Math.max(...returns)).toBeLessThanOrEqual(to)
  })
})

describe('whatever the clock says, nothing waits for longer than was decided', () => {
  const jumps = [
    -1000 * hour,
    -25 * hour,
    -hour,
    -30 * minute,
    -5 * minute,
    -minute,
    -1,
    minute,
    hour,
    25 * hour,
    1000 * hour,
  ]
  const waits: [string, Outcome[], number, number?][] = [
    ['a backoff', [answer(503), answer(503), answer(503)], 5 * second],
    ['a rate limit', [answer(429, 10 * minute)], 15 * minute],
    ['an hour of silence', [answer(429, 5 * hour)], hour + 2.5 * minute],
    ['a blocked endpoint', [network, network, network, network], 15 * second],
    // Counted by the clock alone: no longer than twice.
    ['a wrong address', [answer(404)], 5 * minute, 5 * minute],
  ]

  test.each(waits)(
    'after %s',
    async (_, replies, decidedMs, slackMs = 2 * second) => {
      for (const jump of jumps) {
        for (const part of [0.1, 0.9]) {
          const { world, tab } = await setUp()
          tab.call(hitOf(1))
          // As in a page, where it is written down before any answer comes.
          await world.settle()
          for (const [index, outcome] of replies.entries()) {
            await answerAll(world, outcome)
            for (
              let seconds = 0;
              index < replies.length - 1 && world.flights.length === 0 && seconds < 60;
              seconds += 0.1
            ) {
              await world.tick(100)
            }
          }
          await world.tick(decidedMs * part)
          // From now on the collector is well.
          world.onSend = (flight) => void Promise.resolve().then(() => world.answer(flight, ok))
          await answerAll(world, ok)
          vi.setSystemTime(Date.now() + jump)
          // A call brings the page to look, and finds what it would.
          tab.call(hitOf(2))
          await world.tick(decidedMs * (1 - part) + slackMs)
          const ended = tab.reports.filter(({ outcome }) => outcome === 'accepted')
          expect([jump, part, ended.length]).toEqual([jump, part, 2])
          world.tabs = []
          tab.crash()
        }
      }
    },
    20_000,
  )
})

describe('a page that comes back', () => {
  const limited = { limitedFrom: now, limitedUntil: now + 30 * second }

  test('and goes again at once sends nothing that others may have sent meanwhile', async () => {
    const { world, tab, sent } = await setUp(limited)
    tab.call(identityOf(1), hitOf(2))
    await world.settle()
    tab.freeze()
    await world.settle()
    const other = await world.open()
    await world.tick(31 * second)
    other.call(identityOf(3))
    await sendAll(world, 10)
    other.freeze()
    await world.settle()
    expect(sent.toSorted()).toEqual([1, 2, 3])
    tab.show()
    tab.freeze()
    await world.settle()
    expect(sent).toHaveLength(3)
    // It has lost nothing that was its own.
    tab.show()
    tab.call(hitOf(4))
    await sendAll(world, 10)
    expect(sent.slice(3)).toEqual([4])
  })

  test('has what neither the database nor the note took, whatever others have noted since', async () => {
    const { world, tab, sent } = await setUp(limited)
    const full = refusing('puts fail', 'notes refuse writes')
    tab.call(hitOf(1), hitOf(2))
    await world.settle()
    tab.freeze()
    await world.settle()
    full()
    const other = await world.open()
    other.call(hitOf(3))
    await other.close()
    await world.tick(31 * second)
    tab.show()
    await sendAll(world, 100)
    expect(sent.toSorted()).toEqual([1, 2, 3])
  })

  test.each([network, timeout])(
    'counts nothing of what it sent as it went: %j',
    async (outcome) => {
      const { world, tab } = await setUp()
      tab.call(...numbers(5).map((number) => hitOf(number)))
      await world.settle()
      tab.freeze()
      await world.settle()
      expect(world.flights.length).toBeGreaterThan(2)
      tab.show()
      await answerAll(world, outcome)
      await world.tick(2 * second)
      expect(world.state).toMatchObject({ step: 0, networkErrors: 0 })
    },
  )
})

describe('a page that is hidden may be killed: what was accepted', () => {
  test('a moment before does not go again', async () => {
    const { world, tab, sent } = await setUp()
    tab.call(hitOf(1))
    await world.settle()
    await answerAll(world, ok)
    tab.hide()
    await world.settle()
    tab.crash()
    await world.open()
    await sendAll(world, 60)
    expect(sent).toEqual([1])
  })

  test('since does not go again either', async () => {
    const { world, tab, sent } = await setUp()
    tab.hide()
    await world.tick(2 * second)
    tab.call(hitOf(1))
    await world.settle()
    await answerAll(world, ok)
    tab.crash()
    await world.open()
    await sendAll(world, 60)
    expect(sent).toEqual([1])
  })
})
