import { setTimeout as sleep } from 'node:timers/promises'
import { type Samples, all, createSamples } from './samples.ts'
import type { Guest, Stage } from './stage.ts'
import type { Variant } from './variants.ts'

/** How often a call asks the browser for something that is slow, or that others feel. */
export type Operation = {
  what: string
  /** By Segment alone; by the others over that. */
  perCall: Record<Variant, number>
  /** What it may be for this plugin. */
  atMost?: number
}

/** In the order of the table. */
const goals: [what: string, atMost?: number][] = [
  ['Cookie reads', 0],
  ['Cookie writes', 0],
  ['localStorage reads', 2],
  ['localStorage writes', 0.2],
  ['Timers', 1.1],
  ['IndexedDB transactions', 1.3],
  ['BroadcastChannel messages'],
  ['Requests', 1],
]

/** Runs in the page, before its scripts. */
function countOperations(): void {
  const counts: Record<string, number> = {}
  const watch = (owner: object, name: string, label: string, kind: 'value' | 'get' | 'set') => {
    const own = Object.getOwnPropertyDescriptor(owner, name)
    if (own === undefined) return
    const original = Reflect.get(own, kind) as (...given: unknown[]) => unknown
    counts[label] ??= 0
    const counting = function (this: unknown, ...given: unknown[]) {
      counts[label] = (counts[label] ?? 0) + 1
      return Reflect.apply(original, this, given)
    }
    Object.defineProperty(owner, name, { ...own, [kind]: counting })
  }
  watch(Document.prototype, 'cookie', 'Cookie reads', 'get')
  watch(Document.prototype, 'cookie', 'Cookie writes', 'set')
  watch(Storage.prototype, 'getItem', 'localStorage reads', 'value')
  watch(Storage.prototype, 'setItem', 'localStorage writes', 'value')
  watch(Storage.prototype, 'removeItem', 'localStorage writes', 'value')
  watch(window, 'setTimeout', 'Timers', 'value')
  watch(window, 'setInterval', 'Timers', 'value')
  watch(IDBDatabase.prototype, 'transaction', 'IndexedDB transactions', 'value')
  watch(BroadcastChannel.prototype, 'postMessage', 'BroadcastChannel messages', 'value')
  watch(window, 'fetch', 'Requests', 'value')
  for (const name of ['put', 'get', 'getAll', 'delete', 'count', 'openCursor']) {
    watch(IDBObjectStore.prototype, name, `IndexedDB ${name}`, 'value')
    watch(IDBIndex.prototype, name, `IndexedDB ${name}, by index`, 'value')
  }
  Object.assign(window, { operations: counts })
}

const read = ({ page }: Guest) =>
  page.evaluate(() => ({
    ...(window as unknown as { operations: Record<string, number> }).operations,
  }))

/** What each destination makes of `count` calls, per call. */
export async function operationsOf(
  stage: Stage,
  count: number,
  calls: (guest: Guest) => Promise<unknown>,
): Promise<Map<string, Samples>> {
  const found = new Map<string, Samples>()
  for (const variant of all) {
    const guest = await stage.open(variant, { script: countOperations })
    const before = await read(guest)
    await calls(guest)
    for (const [what, after] of Object.entries(await read(guest))) {
      const samples = found.get(what) ?? createSamples()
      samples[variant].push((after - (before[what] ?? 0)) / count)
      found.set(what, samples)
    }
    await guest.close()
  }
  return found
}

const gapMs = 10
/** For the answers, and for the rows that are deleted once a second. */
const settleMs = 1500

/** In a steady stream of calls. */
export async function measureOperations(stage: Stage, count: number): Promise<Operation[]> {
  const found = await operationsOf(stage, count, async ({ page }) => {
    await page.evaluate(([count, gapMs]) => window.bench.calls(count, gapMs), [
      count,
      gapMs,
    ] as const)
    await sleep(settleMs)
  })
  stage.rig.collector.clear()
  return goals.map(([what, atMost]) => {
    const of = (variant: Variant) => found.get(what)?.[variant][0] ?? NaN
    const over = (variant: Variant) => of(variant) - of('empty')
    return {
      what,
      perCall: {
        empty: of('empty'),
        floor: over('floor'),
        handWritten: over('handWritten'),
        ours: over('ours'),
      },
      ...(atMost === undefined ? {} : { atMost }),
    }
  })
}
