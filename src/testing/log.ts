import { EventEmitter, once } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http'
import { requestLine } from './line.ts'
import type { HitFields } from './protocol.ts'

/** One request to `/hit`, whatever became of it; written down before it is answered. */
export type ReceivedRequest = {
  /** When it had come, in epoch milliseconds. */
  readonly at: number
  readonly method: string
  /** The request target: path and query. */
  readonly url: string
  readonly headers: Readonly<IncomingHttpHeaders>
  /** The body as it came, at most 64 KiB of it. */
  readonly body: string
  /** The body's decoded fields; of one that came twice, the last. */
  readonly hit: HitFields
  /** Why it is no valid hit, a sentence each. */
  readonly problems: readonly string[]
  /** The status it was answered with, even if nobody stayed to read it; 0 when there was none. */
  readonly status: number
  /** Whether the collector took the hit: a valid one, with a complete 2xx. */
  readonly accepted: boolean
}

/** A hit that the collector took. */
export type ReceivedHit = ReceivedRequest & { readonly accepted: true }

/** Which hits to wait for. */
export type HitQuery = {
  /**
   * How many there must be at least.
   *
   * @default 1
   */
  count?: number
  /**
   * Only these.
   *
   * @default () => true
   */
  where?: (hit: HitFields) => boolean
}

/** What the collector remembers, and who waits for more. */
export type RequestLog = {
  readonly requests: readonly ReceivedRequest[]
  readonly hits: (query?: HitQuery, deadlineMs?: number) => Promise<ReceivedHit[]>
  readonly add: (received: ReceivedRequest) => void
  readonly clear: () => void
  /** Emits `request` after each {@link RequestLog.add} and `clear` after each clear. */
  readonly news: EventEmitter<{ request: [ReceivedRequest]; clear: [] }>
}

/** Lines of a failed wait, so that a test of thousands of hits keeps a readable message. */
const MAX_LINES = 50

const isHit = (received: ReceivedRequest): received is ReceivedHit => received.accepted

const arrived = (requests: readonly ReceivedRequest[]): string => {
  if (requests.length === 0) return 'Nothing arrived.'
  const unshown = Math.max(0, requests.length - MAX_LINES)
  return [
    'What arrived:',
    ...(unshown === 0 ? [] : [`  … ${unshown} before these`]),
    ...requests.slice(unshown).map((received) => `  ${requestLine(received)}`),
  ].join('\n')
}

/** An empty log. */
export const createLog = (): RequestLog => {
  const requests: ReceivedRequest[] = []
  // As Skalin documents: of hits with one `event_id`, the last one transmitted is kept.
  // A Map gives a key the place of its first arrival. https://docs.skalin.io/en/dev/tracking/1.0.0/sst/feature/
  const kept = new Map<string, ReceivedHit>()
  const news: RequestLog['news'] = new EventEmitter()
  // As many may wait as like to; it is no leak.
  news.setMaxListeners(0)

  return {
    requests,
    news,
    hits: async ({ count = 1, where = () => true } = {}, deadlineMs = 5000) => {
      const signal = AbortSignal.timeout(deadlineMs)
      const matching = (): ReceivedHit[] => [...kept.values()].filter(({ hit }) => where(hit))
      for (;;) {
        // Thousands of arrivals each wake this up: look through them only when it can be worth it.
        const found = kept.size < count ? [] : matching()
        if (found.length >= count) return found
        // No arrival is missed, as nothing is awaited in between; only the deadline rejects.
        await once(news, 'request', { signal }).catch((cause: unknown) => {
          const wanted = count === 1 ? '1 hit' : `${count} hits`
          const came = `${matching().length} came. ${arrived(requests)}`
          throw new Error(`Waited ${deadlineMs} ms for ${wanted}, ${came}`, { cause })
        })
      }
    },
    add: (received) => {
      requests.push(received)
      if (isHit(received)) {
        const { client_id, event_id } = received.hit
        kept.set(JSON.stringify([client_id, event_id]), received)
      }
      news.emit('request', received)
    },
    clear: () => {
      requests.length = 0
      kept.clear()
      news.emit('clear')
    },
  }
}
