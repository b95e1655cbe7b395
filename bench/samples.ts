import type { Variant } from './variants.ts'

/** What is compared, by the names of the tables. */
export const columns: Record<Variant, string> = {
  empty: 'Segment alone',
  handWritten: 'Hand-written',
  ours: 'This plugin',
}

export const all = Object.keys(columns) as Variant[]

export type Samples = Record<Variant, number[]>

/** A row of the result. */
export type Measure = {
  what: string
  when: string
  unit: 'ms' | 'MB' | 'hits'
  samples: Samples
  /** At this value it was given up. */
  limit?: number
}

export const createSamples = (): Samples => ({ empty: [], handWritten: [], ours: [] })

/** How long to measure: until a time of `performance.now()`, but never less or more than so often. */
export type Plan = { until: number; atLeast: number; atMost: number }

/**
 * Does something with each item in turn, round by round, each round beginning with another one: what
 * else the machine does meanwhile meets all of them alike.
 */
export async function rounds<Item>(
  items: Item[],
  { until, atLeast, atMost }: Plan,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  let longest = 0
  for (let round = 0; round < atMost; round += 1) {
    const start = performance.now()
    if (round >= atLeast && start + longest > until) return
    const turn = round % items.length
    for (const item of [...items.slice(turn), ...items.slice(0, turn)]) await work(item)
    longest = Math.max(longest, performance.now() - start)
  }
}
