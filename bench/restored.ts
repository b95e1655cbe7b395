import type { Fault } from '../src/testing/index.ts'
import { type Measure, type Plan, all, createSamples, rounds } from './samples.ts'
import type { Stage } from './stage.ts'
import type { Variant } from './variants.ts'

const restoredEvents = 20

/**
 * How long the next destination waits for the first call of a page, when Segment has events of a
 * former page in its queue: it then hands out one event at a time, and waits for every destination.
 */
export async function measureRestored(stage: Stage, plan: Plan, limit: number): Promise<Measure[]> {
  const measure = async (when: string, fault: Fault, atMost: number): Promise<Measure> => {
    const samples = createSamples()
    await rounds(all, { ...plan, atMost }, async (variant) => {
      samples[variant].push(await firstCall(stage, variant, fault, limit))
    })
    return {
      what: 'Next destination served',
      when: `${restoredEvents} events restored, ${when}`,
      unit: 'ms',
      samples,
      limit,
      goal: { atMost: 1.1, times: 'empty' },
    }
  }

  // It is hung as long as we like, so that one round shows it.
  const hanging = await measure('collector hangs', { kind: 'hang', at: 'headers' }, 1)
  const healthy = await measure('50 ms round trip', { kind: 'slow', ms: 50 }, plan.atMost)
  stage.rig.collector.fault(undefined)
  stage.rig.collector.clear()
  return [healthy, hanging]
}

async function firstCall(
  { visit, rig }: Stage,
  variant: Variant,
  fault: Fault,
  limit: number,
): Promise<number> {
  rig.collector.fault(fault)
  const { page, close } = await visit(variant, {
    before: (page) => page.evaluate(leaveEvents, restoredEvents),
  })
  const took = await page.evaluate(
    ([variant, endpoint, limit]) => window.bench.first(variant, endpoint, limit),
    [variant, rig.collector.endpoint, limit] as const,
  )
  await close()
  return took
}

/** Runs in the page: what Segment stores when a page goes before its events were delivered. */
function leaveEvents(count: number): void {
  const events = Array.from({ length: count }, (_, index) => ({
    id: `former-${index}`,
    event: {
      type: 'track',
      event: `former-${index}`,
      userId: 'alice',
      anonymousId: 'alice-browser',
      messageId: `former-${index}`,
      timestamp: new Date().toISOString(),
      properties: {},
      context: { page: { url: 'https://app.example.com/former' } },
      integrations: { 'Segment.io': false },
    },
  }))
  localStorage.setItem('persisted-queue:v1:bench:event-queue:items', JSON.stringify(events))
}
