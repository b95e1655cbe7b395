import type { Variant } from './variants.ts'

/** What is compared, by the names of the tables. */
export const columns: Record<Variant, string> = {
  empty: 'Segment alone',
  floor: 'The floor',
  handWritten: 'Hand-written',
  ours: 'This plugin',
}

export const all = Object.keys(columns) as Variant[]

export type Samples = Record<Variant, number[]>

/** A row of the result. */
export type Measure = {
  what: string
  when: string
  unit: 'ms' | 'MB' | 'hits' | 'requests'
  samples: Samples
  /** At this value it was given up. */
  limit?: number
  goal?: Goal
}

/** What this plugin's median may be at most, as a multiple of another's. */
export type Goal = { atMost: number; times: Variant }

/** What is left of a cost when Segment's own is taken off, round by round. */
export function added({ what, when, unit, samples }: Measure): Measure {
  const over = (variant: Variant) =>
    samples[variant].map((value, round) => value - (samples.empty[round] ?? NaN))
  return {
    what: `${what}, the plugin's share`,
    when,
    unit,
    samples: {
      empty: [],
      floor: over('floor'),
      handWritten: over('handWritten'),
      ours: over('ours'),
    },
  }
}

export const createSamples = (): Samples => ({ empty: [], floor: [], handWritten: [], ours: [] })

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
