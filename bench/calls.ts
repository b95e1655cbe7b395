import { setTimeout as sleep } from 'node:timers/promises'
import { stored } from '../test/support/fault-rig.ts'
import type { Fault } from '../src/testing/index.ts'
import { type Goal, type Measure, type Plan, added, all, createSamples, rounds } from './samples.ts'
import type { Stage } from './stage.ts'

export const backlog = 5000

/** `share`: what the plugin's share of the main thread's time may be. */
export type Situation = { when: string; fault: Fault; waiting: number; share: Goal }

export const situations: Situation[] = [
  {
    when: 'healthy, 15 ms round trip',
    fault: { kind: 'slow', ms: 15 },
    waiting: 0,
    share: { atMost: 1.3, times: 'floor' },
  },
  {
    when: '5,000 hits waiting',
    fault: { kind: 'status', status: 503 },
    waiting: backlog,
    share: { atMost: 0.7, times: 'handWritten' },
  },
  {
    when: 'collector hangs',
    fault: { kind: 'hang', at: 'headers' },
    waiting: 0,
    share: { atMost: 0.7, times: 'handWritten' },
  },
]

const callsARound = 20
/** Longer than a round trip: nobody clicks faster. */
const gapMs = 40
/** For what a call leads to afterwards: the answer, and that the row is deleted. */
const settleMs = 300

/** In one situation: what a call costs the page, whom it keeps waiting, and memory. */
export async function measureCalls(
  { open, rig }: Stage,
  plan: Plan,
  { when, fault, waiting, share }: Situation,
): Promise<Measure[]> {
  rig.collector.fault(fault)
  const guests = await Promise.all(all.map((variant) => open(variant, { waiting })))

  const cpu = createSamples()
  const memory = createSamples()
  const returned = createSamples()
  const witnessed = createSamples()

  await rounds(guests, plan, async ({ variant, page, metrics }) => {
    const before = await metrics()
    await page.evaluate(([count, gapMs]) => window.bench.calls(count, gapMs), [
      callsARound,
      gapMs,
    ] as const)
    await sleep(settleMs)
    const after = await metrics()
    cpu[variant].push(((after.ThreadTime - before.ThreadTime) * 1000) / callsARound)
  })

  for (const { variant, page, cdp, metrics, close } of guests) {
    await cdp.send('HeapProfiler.collectGarbage')
    memory[variant].push((await metrics()).JSHeapUsedSize / 1e6)
    if (variant === 'ours') {
      const rows = await stored(page)
      if (rows.length < waiting)
        throw new Error(`Only ${rows.length} of ${waiting} hits still wait`)
    }
    const timings = await page.evaluate(() => window.bench.timings())
    returned[variant] = timings.map((timing) => timing.returned)
    witnessed[variant] = timings.map((timing) => timing.witnessed)
    await close()
  }
  rig.collector.fault(undefined)
  rig.collector.clear()

  const mainThread: Measure = { what: 'Main thread per call', when, unit: 'ms', samples: cpu }
  return [
    mainThread,
    { ...added(mainThread), goal: share },
    { what: '`await track()`', when, unit: 'ms', samples: returned },
    { what: 'Next destination served', when, unit: 'ms', samples: witnessed },
    { what: 'JavaScript heap', when, unit: 'MB', samples: memory },
  ]
}
