import { setTimeout as sleep } from 'node:timers/promises'
import { acceptedBy } from '../test/support/fault-rig.ts'
import { backlog } from './calls.ts'
import { type Measure, type Plan, createSamples, rounds } from './samples.ts'
import type { Stage } from './stage.ts'
import { tasksDuring } from './tasks.ts'
import type { Variant } from './variants.ts'

/** On a processor four times slower: the longest task, while hits wait and while they are sent. */
export async function measureSlowCpu(
  stage: Stage,
  plan: Plan,
  drainMs: number,
): Promise<Measure[]> {
  const { open, rig } = stage
  const waiting = createSamples()
  const draining = createSamples()
  const drained = createSamples()

  // The hand-written plugin keeps nothing, so that nothing of it drains.
  await rounds<Variant>(['empty', 'ours'], plan, async (variant) => {
    rig.collector.fault({ kind: 'status', status: 503 })
    const guest = await open(variant, { waiting: backlog })
    await guest.cdp.send('Emulation.setCPUThrottlingRate', { rate: 4 })
    const call = () => guest.page.evaluate(() => window.bench.calls(20, 50))
    waiting[variant].push(Math.max(...(await tasksDuring(stage, guest, call))))

    rig.collector.fault(undefined)
    rig.collector.clear()
    const drain = async () => {
      // Ends the backoff.
      await guest.page.evaluate(() => window.dispatchEvent(new Event('online')))
      await sleep(drainMs)
    }
    draining[variant].push(Math.max(...(await tasksDuring(stage, guest, drain))))
    if (variant === 'ours') drained.ours.push(acceptedBy(rig).length)
    await guest.close()
  })
  rig.collector.clear()

  const what = 'Longest task, CPU 4× slower'
  return [
    { what, when: '20 calls, 5,000 hits waiting', unit: 'ms', samples: waiting },
    { what, when: '5,000 hits being sent', unit: 'ms', samples: draining },
    {
      what: 'Hits sent, CPU 4× slower',
      when: `in ${drainMs / 1000} s`,
      unit: 'hits',
      samples: drained,
    },
  ]
}
