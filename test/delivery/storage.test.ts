import { afterEach, describe, expect, test, vi } from 'vitest'
import { minute, second } from '../../src/delivery/limits.ts'
import { sabotages } from './sabotage.ts'
import { hitOf, outcomes } from './support.ts'
import { type World, begin } from './world.ts'

// No storm is possible by construction: whatever the storage does, the collector sees hardly more of it.

type Collector = 'healthy' | 'failing'

let world: ReturnType<typeof begin> | undefined
const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0).reverse()) end()
  world?.end()
})

/** How often each hit was asked of the collector, and which it has accepted. */
type Seen = { requests: Map<string, number>; accepted: Set<string>; stored: Set<string> }

/** Answers all that is in flight, and what follows; a collector in trouble takes nothing. */
async function respond(world: World, seen: Seen, isWell: boolean): Promise<void> {
  for (let turn = 0; turn < 50 && world.flights.length > 0; turn += 1) {
    const [flight] = world.flights
    if (flight === undefined) return
    if (isWell) seen.accepted.add(flight.hit.event_id)
    await world.answer(flight, isWell ? outcomes.answer(200) : outcomes.answer(503))
  }
}

/** Three pages, one after the other, make calls; the storage fails in all, in the second, or in the last two. */
async function play(names: readonly string[], collector: Collector): Promise<Seen> {
  world = begin()
  const { tick } = world
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  const seen: Seen = { requests: new Map(), accepted: new Set(), stored: new Set() }
  world.onSend = ({ hit: { event_id } }) => {
    seen.requests.set(event_id, (seen.requests.get(event_id) ?? 0) + 1)
  }
  for (const name of names) ends.push(sabotages[name]?.() ?? (() => undefined))
  let number = 0
  let seconds = 0
  const isWell = () => collector === 'healthy' || seconds > 20 || seconds % 5 === 0
  for (const page of [1, 2, 3]) {
    const tab = await world.open()
    await respond(world, seen, isWell())
    for (const pause of [0, 1, 1, 3, 5]) {
      await tick(pause * second)
      seconds += pause
      number += 1
      tab.call(hitOf(number), hitOf(number + 100))
      await world.settle()
      await respond(world, seen, isWell())
    }
    // A second at a time, and then in leaps.
    for (const pause of [1, 1, 1, 1, 1, 5, 10, 20, 40]) {
      await tick(pause * second)
      seconds += pause
      await respond(world, seen, isWell())
    }
    if (page < 3) await tab.close()
  }
  for (const pause of [minute, minute, 6 * minute]) {
    await tick(pause)
    await respond(world, seen, true)
  }
  for (const end of ends.splice(0).reverse()) end()
  for (const { id } of await world.stored()) seen.stored.add(id)
  world.end()
  return seen
}

const sum = (seen: Seen) => [...seen.requests.values()].reduce((all, count) => all + count, 0)

describe.each<Collector>(['healthy', 'failing'])('with a %s collector', (collector) => {
  const names = Object.keys(sabotages)

  async function check(pairs: string[][]): Promise<void> {
    const hits = 30
    const working = await play([], collector)
    expect(working.accepted.size).toBe(hits)
    const bad: string[] = []
    for (const pair of pairs) {
      const seen = await play(pair, collector)
      const excess = sum(seen) - sum(working)
      const kept = new Set([...seen.accepted, ...seen.stored])
      if (kept.size < hits) bad.push(`${pair.join(', ')}: ${kept.size} accepted`)
      if (excess > hits) bad.push(`${pair.join(', ')}: ${excess} requests more`)
      const most = Math.max(...seen.requests.values())
      // By each page once, only where neither the row can be deleted nor a note of it be kept.
      const isBlind = pair.some((name) => /^deletes/.test(name)) && /notes/.test(pair.join())
      if (collector === 'healthy' && most > (isBlind ? 3 : 2)) {
        bad.push(`${pair.join(', ')}: one hit ${most} times`)
      }
    }
    expect(bad).toEqual([])
  }

  test('each storage operation may fail, hang or lie', async () => {
    await check(names.map((name) => [name]))
  })

  test('and any two of them', async () => {
    await check(names.flatMap((one, at) => names.slice(at + 1).map((other) => [one, other])))
  }, 120_000)
})
