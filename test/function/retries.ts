import type { Payload, Segment, Settings, Verdict } from './sandbox.ts'

const hour = 3_600_000

/** What became of an event in the end. */
export type Fate = { fate: 'delivered' | 'discarded' | 'expired'; tries: number; last: Verdict }

/**
 * Segment's way of events through a Function: what is to be retried is, for four hours, after pauses
 * that grow and are spread at random. How long they are is not published.
 *
 * Hours pass by a clock of their own: `at` is told, before each round, how many have.
 *
 * https://segment.com/docs/connections/functions/destination-functions/#does-segment-retry-failed-function-invocations
 */
export async function carry(
  segment: Segment,
  events: readonly Payload[],
  settings: Settings,
  {
    batch = false,
    at = () => undefined,
  }: { batch?: boolean; at?: (hours: number) => unknown } = {},
): Promise<Fate[]> {
  const fates: (Fate | undefined)[] = events.map(() => undefined)
  let now = 0
  for (let round = 1; ; round += 1) {
    await at(now / hour)
    const open = [...events.entries()].filter(([index]) => fates[index] === undefined)
    const payloads = open.map(([, event]) => event)
    const verdicts = batch
      ? await segment.invokeBatch(payloads, settings)
      : await Promise.all(payloads.map((event) => segment.invoke(event, settings)))
    now += Math.min(20_000 * 2 ** round, hour / 2) * (0.5 + Math.random())
    for (const [nth, [index]] of open.entries()) {
      const last = verdicts[nth]
      if (last === undefined) continue
      if (last.kind !== 'retried') fates[index] = { fate: last.kind, tries: round, last }
      else if (now > 4 * hour) fates[index] = { fate: 'expired', tries: round, last }
    }
    const known = fates.filter((fate) => fate !== undefined)
    if (known.length === events.length) return known
  }
}
