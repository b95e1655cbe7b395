/** Runs in the page: makes the calls, and times what only the page can. */
import { AnalyticsBrowser } from '@segment/analytics-next'
import { type Variant, variants, witness } from './variants.ts'

/** Milliseconds since a call of `track()`. */
export type Timing = {
  /** When `track()` gave the page back its control. */
  made: number
  /** When the destination that is registered next had the event. */
  witnessed: number
  /** When `await track()` was over. */
  returned: number
}

declare global {
  interface Window {
    bench: typeof bench
  }
}

let analytics: AnalyticsBrowser
let count = 0
let outstanding: Promise<Timing>[] = []
const witnessedAt = new Map<string, number>()

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

const call = (name: string) =>
  analytics.track(name, { format: 'pdf', pages: 12, filters: ['open', 'mine'], size: 340.5 })

async function timed(): Promise<Timing> {
  const name = `call-${count++}`
  const start = performance.now()
  const calling = call(name)
  const made = performance.now() - start
  await calling
  const returned = performance.now() - start
  const witnessed = (witnessedAt.get(name) ?? NaN) - start
  // Nothing of the benchmark's own is to grow in memory.
  witnessedAt.delete(name)
  return { made, witnessed, returned }
}

/** Loads Segment with the destination and, after it, the witness. Nothing goes to Segment. */
function load(variant: Variant, endpoint: string): void {
  analytics = AnalyticsBrowser.load(
    { writeKey: 'bench', cdnSettings: { integrations: { 'Segment.io': { apiKey: 'bench' } } } },
    { integrations: { 'Segment.io': false } },
  )
  void analytics.register(variants[variant](endpoint))
  void analytics.register(
    witness(({ event }) => {
      if (event.event) witnessedAt.set(event.event, performance.now())
    }),
  )
}

const bench = {
  async start(variant: Variant, endpoint: string): Promise<void> {
    load(variant, endpoint)
    // Not awaited, for the collector may hang.
    void analytics.identify('alice', { email: 'alice@example.com' })
    void analytics.group('acme')
    await analytics.ready()
  },

  /** Calls as a user causes them, one at a time. Resolves when the last has been made. */
  async calls(count: number, gapMs: number): Promise<void> {
    for (let index = 0; index < count; index += 1) {
      outstanding.push(timed())
      await pause(gapMs)
    }
  },

  /** The timings of all calls since they were last asked for; waits until they are over. */
  async timings(): Promise<Timing[]> {
    const calls = outstanding
    outstanding = []
    return Promise.all(calls)
  },

  /** Calls in one task. Returns the time at which it began. */
  burst(count: number): number {
    const start = Date.now()
    for (let index = 0; index < count; index += 1) void call(`burst-${index}`)
    return start
  },

  /**
   * Makes a call while Segment loads, as pages do. With events of a former page in its queue they go
   * before it. Milliseconds until the next destination has it, `limitMs` at most.
   */
  async first(variant: Variant, endpoint: string, limitMs: number): Promise<number> {
    const start = performance.now()
    load(variant, endpoint)
    void analytics.identify('alice', { email: 'alice@example.com' })
    void call('first')
    while (!witnessedAt.has('first') && performance.now() < start + limitMs) await pause(10)
    return (witnessedAt.get('first') ?? start + limitMs) - start
  },

  /** A page of an application: it makes a call as soon as it can. Its name says whose, and when. */
  arrive(variant: Variant, endpoint: string): void {
    load(variant, endpoint)
    // The user logs in on the first page.
    if (location.search === '') void analytics.identify('alice', { email: 'alice@example.com' })
    void call(`${variant} first ${performance.timeOrigin + performance.now()}`)
  },

  /** What the click on a link does, before the next page comes. */
  click(variant: Variant, count: number): void {
    for (let index = 0; index < count; index += 1) void call(`${variant} click ${index}`)
  },
}

window.bench = bench
