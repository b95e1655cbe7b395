import { EventEmitter } from 'node:events'
import type { ReceivedHit, ReceivedRequest } from './received.ts'

/** What the collector remembers. */
export type RequestLog = {
  readonly requests: readonly ReceivedRequest[]
  /** The hits that count, by {@link hitKey}, in the order of their first arrival. */
  readonly hits: ReadonlyMap<string, ReceivedHit>
  /** How many POSTs had another path than hits have, and that of the last one. */
  readonly strays: () => { count: number; path: string }
  readonly stray: (path: string) => void
  readonly add: (received: ReceivedRequest) => void
  readonly clear: () => void
  /** Emits `request` after each {@link RequestLog.add} and `clear` after each clear. */
  readonly news: EventEmitter<{ request: [ReceivedRequest]; clear: [] }>
}

export const isHit = (received: ReceivedRequest): received is ReceivedHit => received.accepted

/** What two arrivals of one hit have in common. */
export const hitKey = ({ hit }: ReceivedRequest): string =>
  JSON.stringify([hit['client_id'], hit['event_id']])

/** An empty log, of the newest requests and as many hits. */
export const createLog = (limit: number): RequestLog => {
  const requests: ReceivedRequest[] = []
  // As Skalin documents: of hits with one `event_id`, the last one transmitted is kept.
  // A Map gives a key the place of its first arrival. https://docs.skalin.io/en/dev/tracking/1.0.0/sst/feature/
  const hits = new Map<string, ReceivedHit>()
  let strays = { count: 0, path: '' }
  const news: RequestLog['news'] = new EventEmitter()
  // As many may wait as like to; it is no leak.
  news.setMaxListeners(0)

  return {
    requests,
    hits,
    news,
    strays: () => strays,
    stray: (path) => (strays = { count: strays.count + 1, path }),
    add: (received) => {
      requests.push(received)
      if (requests.length > limit) requests.shift()
      if (isHit(received)) hits.set(hitKey(received), received)
      if (hits.size > limit) hits.delete(hits.keys().next().value ?? '')
      news.emit('request', received)
    },
    clear: () => {
      requests.length = 0
      strays = { count: 0, path: '' }
      hits.clear()
      news.emit('clear')
    },
  }
}
