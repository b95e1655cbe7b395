// What the collector tells an inspector: its control routes' events.
import type { DeliveryReport } from 'skalin-analytics-plugin'

/** A hit's fields as they came; of a request that is no hit, what it has of them. */
export type Fields = Partial<Record<string, string>>

/** A Segment event, as far as the inspector reads it. */
export type SegmentEvent = {
  type?: string | undefined
  messageId?: string | undefined
  [field: string]: unknown
}

/** A call of `analytics`, as `inspect()` saw it when it was made. */
export type Call = {
  messageId: string
  /** Absent where somebody else has posted it. */
  clientId?: string
  at: number
  /** The setting of that name. */
  enabled?: unknown
  event: SegmentEvent
}

/** What the plugin said in some page, by way of `inspect()`. */
export type Told = DeliveryReport & { at: number }

/** A request to `/hit`. */
export type Arrival = {
  at: number
  method: string
  url: string
  headers: Record<string, string | string[] | undefined>
  body: string
  hit: Fields
  problems: string[]
  /** 0 when it went unanswered. */
  status: number
  accepted: boolean
}

/** A way for the collector to fail, as its control route takes it; `null` is healthy. */
export type Fault = {
  kind: string
  status?: number
  feature?: string
  [part: string]: unknown
} | null
