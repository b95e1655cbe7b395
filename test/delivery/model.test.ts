import fc from 'fast-check'
import { afterEach, expect, test, vi } from 'vitest'
import { hour, minute, second } from '../../src/delivery/limits.ts'
import type { Outcome } from '../../src/delivery/outcome.ts'
import type { Hit } from '../../src/hit/hit.ts'
import { hitOf, outcomes } from './support.ts'
import { type Flight, type Tab, type World, begin } from './world.ts'

// Random interleavings of all that can happen, on the real courier and outbox. For a soak:
// NUM_RUNS=5000 SEED=1 npx vitest run --project pure test/delivery/model
const numRuns = Number(process.env.NUM_RUNS ?? 100)
const seed = Number(process.env.SEED ?? 20_261_124)

const { answer, redirect, opaque, network, timeout } = outcomes

const outcome = fc.oneof(
  { weight: 4, arbitrary: fc.constant(answer(200)) },
  { weight: 2, arbitrary: fc.constant(network) },
  {
    weight: 3,
    arbitrary: fc.constantFrom<Outcome>(timeout, redirect, answer(503), answer(404), answer(400)),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(second, 30 * second, 10 * minute, 24 * hour)
      .map((retryAfterMs) => answer(429, retryAfterMs)),
  },
)
const ms = fc.constantFrom(1, 60, second, 5 * second, 11 * second, 21 * second, 5 * minute, hour)
const hits = fc.constantFrom(1, 1, 2, 5)
/** Which of the tabs, or requests, that there are. */
const which = fc.nat({ max: 9 })

const what = <Name extends string>(name: Name) => fc.constant(name)
const action = fc.oneof(
  { weight: 5, arbitrary: fc.record({ what: what('call'), which, hits }) },
  { weight: 2, arbitrary: fc.record({ what: what('identify'), which }) },
  { weight: 8, arbitrary: fc.record({ what: what('answer'), which, outcome }) },
  { weight: 5, arbitrary: fc.record({ what: what('tick'), ms }) },
  {
    weight: 2,
    arbitrary: fc.record({ what: what('open'), busyMs: fc.constantFrom(0, 2 * second) }),
  },
  { weight: 1, arbitrary: fc.record({ what: what('close'), which }) },
  { weight: 1, arbitrary: fc.record({ what: what('crash'), which }) },
  // To another tab and back.
  { weight: 2, arbitrary: fc.record({ what: what('switch'), which }) },
  // Offline, or online again.
  { weight: 1, arbitrary: fc.record({ what: what('network') }) },
  // The clock is set, ahead or back.
  {
    weight: 1,
    arbitrary: fc.record({
      what: what('clock'),
      jumpMs: fc.constantFrom(-24 * hour, -hour, -minute, minute, hour, 24 * hour),
    }),
  },
)
type Action = typeof action extends fc.Arbitrary<infer A> ? A : never

const pick = <Item>(items: Item[], which: number) => items[which % items.length]

/** What ought to be. */
type Model = {
  persistent: boolean
  /** Every hit that was posted, as it was, and by whom. */
  posted: Map<string, { json: string; by: Tab; at: number }>
  /** Once the clock was set, nobody knows what time it was. */
  isClockRight: boolean
  /** When the collector asked a tab for silence, and until when. */
  silences: { from: number; until: number; tab: Tab }[]
  /** What a request broke, in words. */
  broken: string[]
  reportsOf: (tab: Tab, id: string) => Tab['reports']
  /** Whether somebody said that it was accepted, or dropped for a reason. */
  hasEnded: (id: string) => boolean
}

const isEnd = ({ outcome }: Tab['reports'][number]) => outcome !== 'waiting'

/** Watches what a world sends. */
function watch(world: World, persistent: boolean): Model {
  const senders = new Set<Tab>()
  const turns = new Set<string>()
  const model: Model = {
    persistent,
    posted: new Map(),
    silences: [],
    broken: [],
    isClockRight: true,
    reportsOf: ({ reports }, id) => reports.filter(({ row }) => row.id === id),
    hasEnded: (id) => [...senders].some((tab) => model.reportsOf(tab, id).some(isEnd)),
  }
  /** Other tabs hear of it a little later; where nothing is stored, never. */
  const isSilent = (tab: Tab) =>
    model.silences.some(({ from, until, tab: asked }) => {
      const heardMs = tab === asked ? 0 : persistent ? 100 : Infinity
      return Date.now() >= from + heardMs && Date.now() < until
    })
  /**
   * Where nothing is stored, other tabs do not hear of an identity. Of two that were made in one
   * millisecond, in two tabs, either may be the older.
   */
  const overtakes = ({ tab, hit }: Flight, others: Flight[]) =>
    hit.action === 'ui' &&
    others.some(({ hit: other }) => {
      const mine = model.posted.get(hit.event_id)
      const theirs = model.posted.get(other.event_id)
      if (other.action !== 'ui' || !mine || !theirs) return false
      const isOlder = theirs.by === mine.by ? other.event_id < hit.event_id : theirs.at < mine.at
      return isOlder && (persistent || theirs.by === tab)
    })
  world.onSend = (flight) => {
    const { tab, hit, mode } = flight
    const id = hit.event_id
    senders.add(tab)
    const reports = model.reportsOf(tab, id)
    const others = world.flights.filter((other) => other !== flight)
    const ofTab = others.filter((other) => other.tab === tab)
    // The hit is to wait until then, whatever the endpoint's state.
    const dues = [...senders].map((each) => model.reportsOf(each, id).at(-1)?.due ?? 0)
    // Once more, no-cors, at once: nothing was reported in between.
    const turn = `${[...senders].indexOf(tab)} ${id} ${reports.length}`
    const follows = mode === 'no-cors' && turns.has(turn)
    turns.add(turn)

    const rules = {
      'nothing is sent while offline': world.online,
      'nothing is sent before the rate limit ends': !model.isClockRight || !isSilent(tab),
      'no identity overtakes another': follows || !model.isClockRight || !overtakes(flight, others),
      'nothing is sent before its time':
        follows || !model.isClockRight || Date.now() >= Math.max(...dues),
      'four are in flight at most': follows || tab.hidden || ofTab.length < 4,
      // A lease of a clock that was set back is over.
      'a hit is in flight once':
        !model.isClockRight || !others.some((other) => other.hit.event_id === id),
      'a hit says the same every time': JSON.stringify(hit) === model.posted.get(id)?.json,
      'what has ended is not sent again': !reports.some(isEnd),
    }
    for (const [rule, holds] of Object.entries(rules)) if (!holds) model.broken.push(rule)
  }
  return model
}

async function post(world: World, model: Model, tab: Tab, hits: Hit[]): Promise<void> {
  for (const hit of hits) {
    model.posted.set(hit.event_id, { json: JSON.stringify(hit), by: tab, at: Date.now() })
  }
  tab.call(...hits)
  await world.settle()
}

/** Lets one thing happen, in the world and in the model. */
async function perform(world: World, model: Model, action: Action): Promise<void> {
  const tab = 'which' in action ? pick(world.tabs, action.which) : undefined
  switch (action.what) {
    case 'call': {
      if (tab === undefined) return
      const from = model.posted.size
      const hits = Array.from({ length: action.hits }, (_, index) => hitOf(from + index))
      return post(world, model, tab, hits)
    }
    case 'identify': {
      const identity = { action: 'ui', identity: '{"id":"alice"}' } as const
      if (tab) await post(world, model, tab, [hitOf(model.posted.size, identity)])
      return
    }
    case 'answer': {
      const flight = pick(world.flights, action.which)
      return flight && respond(world, model, flight, action.outcome)
    }
    case 'tick':
      return world.tick(action.ms)
    case 'open':
      if (world.tabs.length < 4) {
        await world.open({ persistent: model.persistent, busyMs: action.busyMs })
      }
      return
    case 'close':
      return tab?.close()
    case 'crash':
      return tab?.crash()
    case 'switch':
      if (tab?.hidden) tab.show()
      else tab?.hide()
      return world.settle()
    case 'network':
      return world.setOnline(!world.online)
    case 'clock':
      model.isClockRight = false
      vi.setSystemTime(Date.now() + action.jumpMs)
      return world.settle()
  }
}

/** A request to a collector that sends CORS headers, unless something in between failed. */
async function respond(
  world: World,
  model: Model,
  flight: Flight,
  outcome: Outcome,
): Promise<void> {
  const isAnswer = outcome.kind === 'answer' || outcome.kind === 'redirect'
  if (flight.mode === 'no-cors') return world.answer(flight, isAnswer ? opaque : outcome)
  if (outcome.kind === 'answer' && outcome.retryAfterMs !== undefined) {
    const from = Date.now()
    const until = from + Math.min(hour, outcome.retryAfterMs)
    model.silences.push({ from, until, tab: flight.tab })
  }
  return world.answer(flight, outcome)
}

/** How many hits have neither been accepted nor dropped, by what the world says. */
async function waiting(world: World, { persistent }: Model): Promise<number> {
  if (persistent) return (await world.stored()).length
  const counts = world.tabs.map((tab) => tab.pending())
  await world.settle()
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0)
}

async function expectAllWell(world: World, model: Model): Promise<void> {
  expect(model.broken).toEqual([])
  const open = [...model.posted].filter(([id]) => !model.hasEnded(id))
  const rows = new Map(
    model.persistent ? (await world.stored()).map((row) => [row.id, row.hit] as const) : [],
  )
  for (const [id, { json, by }] of open) {
    if (model.persistent) {
      expect(JSON.stringify(rows.get(id)), 'accepted, dropped or stored').toBe(json)
    }
    // Whoever posted it, or has taken it, comes back to it, unless an event will make it.
    const isBusy = world.tabs.some((tab) => world.timers(tab) > 0) || world.flights.length > 0
    expect(isBusy || by.dead || by.hidden || !world.online, 'not forgotten').toBe(true)
  }
  if (!model.persistent) expect(await waiting(world, model)).toBe(open.length)
}

/** From now on the network and the collector are well, and somebody looks at a page. */
async function heal(world: World, model: Model): Promise<void> {
  const see = world.onSend
  world.onSend = (flight) => {
    see(flight)
    void Promise.resolve().then(() => respond(world, model, flight, answer(200)))
  }
  for (const flight of [...world.flights]) await respond(world, model, flight, answer(200))
  if (!world.online) await world.setOnline(true)
  if (model.persistent) await world.open()
  for (const tab of world.tabs) if (tab.hidden) tab.show()
  const isQuiet = async () => {
    await world.settle()
    return world.flights.length === 0 && (await waiting(world, model)) === 0
  }
  for (let minutes = 0; minutes < 4 * 60 && !(await isQuiet()); minutes += 1) {
    await world.tick(minute)
  }
}

let world: ReturnType<typeof begin> | undefined
afterEach(() => {
  world?.end()
})

test.each([
  ['in IndexedDB', true],
  // What a tab keeps in memory dies with it, and so none does.
  ['in memory', false],
] as const)(
  '%s no hit is lost, and all arrive in the end',
  async (_, persistent) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          action.filter(({ what }) => persistent || (what !== 'crash' && what !== 'close')),
          { maxLength: 60, size: 'max' },
        ),
        fc.infiniteStream(fc.integer({ min: 0, max: 999_999 })),
        async (actions, randoms) => {
          world?.end()
          world = begin()
          const random = () => Number(randoms.next().value) / 1_000_000
          vi.spyOn(Math, 'random').mockImplementation(random)
          const model = watch(world, persistent)
          await world.open({ persistent })
          for (const action of actions) {
            await perform(world, model, action)
            await expectAllWell(world, model)
          }
          await heal(world, model)
          await expectAllWell(world, model)
          const open = [...model.posted.keys()].filter((id) => !model.hasEnded(id))
          expect(open).toEqual([])
          // A lease of a clock that was set back is over, and what two have sent may stay for a while.
          if (model.isClockRight) expect(await waiting(world, model)).toBe(0)
          // And then there is nothing left to do.
          await world.tick(2 * hour)
          if (model.isClockRight) expect(world.timers()).toBe(0)
        },
      ),
      { seed, numRuns },
    )
  },
  0,
)
