import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../test/support/deadline.ts'
import { acceptedBy } from '../test/support/fault-rig.ts'
import { type Measure, all, createSamples, rounds } from './samples.ts'
import type { Stage } from './stage.ts'

const callsARound = 100
const gapMs = 10
/** For what ends later than the last answer: rows are deleted once a second. */
const settleMs = 1500

/** In a steady stream: how long the page's own `track()` takes, and what is left of it in memory. */
export async function measureStream({ open, rig }: Stage, calls: number): Promise<Measure[]> {
  const inside = createSamples()
  const heap = createSamples()
  const guests = await Promise.all(all.map((variant) => open(variant)))

  const exactly = calls / callsARound
  await rounds(guests, { until: 0, atLeast: exactly, atMost: exactly }, async (guest) => {
    rig.collector.clear()
    await guest.page.evaluate(([count, gapMs]) => window.bench.calls(count, gapMs), [
      callsARound,
      gapMs,
    ] as const)
    const timings = await guest.page.evaluate(() => window.bench.timings())
    inside[guest.variant].push(...timings.map(({ made }) => made))
    const areAccepted = () => acceptedBy(rig).length >= callsARound
    if (guest.variant !== 'empty') await until(areAccepted, { message: 'the hits of a round' })
  })

  await sleep(settleMs)
  for (const { variant, cdp, metrics, close } of guests) {
    await cdp.send('HeapProfiler.collectGarbage')
    heap[variant].push((await metrics()).JSHeapUsedSize / 1e6)
    await close()
  }
  rig.collector.clear()

  return [
    {
      what: 'Inside `track()`',
      when: `calls ${gapMs} ms apart`,
      unit: 'ms',
      samples: inside,
      goal: { atMost: 1.05, times: 'empty' },
    },
    {
      what: 'JavaScript heap',
      when: `after ${calls.toLocaleString('en')} accepted calls`,
      unit: 'MB',
      samples: heap,
      goal: { atMost: 1.2, times: 'empty' },
    },
  ]
}
