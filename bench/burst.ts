import { setTimeout as sleep } from 'node:timers/promises'
import { acceptedBy } from '../test/support/fault-rig.ts'
import { type Measure, type Plan, all, createSamples, rounds } from './samples.ts'
import type { Stage } from './stage.ts'
import { tasksDuring } from './tasks.ts'

/** No hit for so long: none comes any more. Longer than ky's timeout and than our backoff's first steps. */
const silenceMs = 12_000

/**
 * Many calls in one task: how long that is, and how long it takes until all have arrived. Of the
 * floor's they do not: it has more in flight than a browser allows to requests that outlive a page.
 */
export async function measureBurst(stage: Stage, plan: Plan, count: number): Promise<Measure[]> {
  const { open, rig } = stage
  const longest = createSamples()
  const last = createSamples()
  const arrived = createSamples()

  const guests = await Promise.all(all.map((variant) => open(variant)))
  await rounds(guests, plan, async (guest) => {
    const { variant, page } = guest
    rig.collector.clear()
    const tasks = await tasksDuring(stage, guest, async () => {
      const start = await page.evaluate((count) => window.bench.burst(count), count)
      if (variant === 'empty' || variant === 'floor') return sleep(1000)
      const hits = await gather(stage, start, count)
      last[variant].push((hits.at(-1)?.at ?? NaN) - start)
      arrived[variant].push(hits.length)
    })
    longest[variant].push(Math.max(...tasks))
  })
  for (const { close } of guests) await close()
  rig.collector.clear()

  const when = `${count.toLocaleString('en')} calls in one task`
  return [
    {
      what: 'Longest task',
      when,
      unit: 'ms',
      samples: longest,
      goal: { atMost: 1.1, times: 'empty' },
    },
    {
      what: 'Last hit accepted',
      when,
      unit: 'ms',
      samples: last,
      goal: { atMost: 1, times: 'handWritten' },
    },
    { what: 'Hits accepted', when, unit: 'hits', samples: arrived },
  ]
}

async function gather({ rig }: Stage, start: number, count: number) {
  for (;;) {
    const hits = acceptedBy(rig)
    if (hits.length >= count || Date.now() > (hits.at(-1)?.at ?? start) + silenceMs) return hits
    await sleep(25)
  }
}
