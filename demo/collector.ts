import type { Arrival } from './ledger.ts'

/** A way for the collector to fail, as its control route takes it; `null` is healthy. */
export type Fault = Record<string, string | number> | null

export type FaultName =
  'healthy' | 'slow' | 'status' | 'rate-limit' | 'hang' | 'unreachable' | 'refuse'

type FaultWords = {
  fault: (feature: string) => Fault
  /** What the page's head says of the collector meanwhile. */
  state: string
  /** What it means, in two lines of the panel. */
  says: string
}

export const faults: Record<FaultName, FaultWords> = {
  healthy: {
    fault: () => null,
    state: 'Collector healthy',
    says: 'Takes every hit at once.',
  },
  slow: {
    fault: () => ({ kind: 'slow', ms: 2000 }),
    state: 'Collector slow',
    says: 'Takes every hit and answers after 2 s. Two are sent at a time.',
  },
  status: {
    fault: () => ({ kind: 'status', status: 503 }),
    state: 'Collector answers 503',
    says: 'Hits wait, and are tried again after 1 s, then 2, 4, 8 … up to 5 min.',
  },
  'rate-limit': {
    fault: () => ({ kind: 'status', status: 429, retryAfter: 10 }),
    state: 'Collector answers 429',
    says: 'With Retry-After: 10. Nothing is sent before that.',
  },
  hang: {
    fault: () => ({ kind: 'hang', at: 'headers' }),
    state: 'Collector hangs',
    says: 'Never answers. The plugin gives up after 10 s, and tries again later.',
  },
  unreachable: {
    fault: () => ({ kind: 'reset' }),
    state: 'Collector unreachable',
    says: 'Cuts each connection. After three of them, one hit at a time tries.',
  },
  refuse: {
    fault: (feature) => ({ kind: 'status', status: 400, feature }),
    state: 'Collector refuses a feature',
    says: 'Answers 400 to this one: its hits are dropped, the others go through.',
  },
}

/** What the page hears from the collector that was started with it. */
export type CollectorListener = {
  onArrival: (arrival: Arrival) => void
  /** All that was told is told again. */
  onAnew: () => void
  onReach: (reached: boolean) => void
}

export function createCollectorClient(origin: string) {
  // By another name than the hits: a browser opens six connections a host, and hits that hang would
  // leave none to heal the collector with.
  const control = origin.replace('127.0.0.1', 'localhost')

  const post = async (path: string, body: string) => {
    const response = await fetch(`${control}/control/${path}`, { method: 'POST', body })
    if (!response.ok) throw new Error(await response.text())
  }

  return {
    listen({ onArrival, onAnew, onReach }: CollectorListener): void {
      const events = new EventSource(`${control}/control/events`)
      events.addEventListener('hello', ({ data }: MessageEvent<string>) => {
        if ((JSON.parse(data) as { anew: boolean }).anew) onAnew()
      })
      events.addEventListener('clear', onAnew)
      events.addEventListener('request', ({ data }: MessageEvent<string>) =>
        onArrival(JSON.parse(data) as Arrival),
      )
      events.onopen = () => onReach(true)
      events.onerror = () => onReach(false)
    },
    setFault: (name: FaultName, feature: string) =>
      post('fault', JSON.stringify(faults[name].fault(feature))),
    clear: () => post('clear', ''),
  }
}

export type CollectorClient = ReturnType<typeof createCollectorClient>
