import { ANY_ORIGIN, type Reply, reply } from './exchange.ts'
import type { HitFields } from './protocol.ts'

/**
 * A way in which the collector fails, until it is cleared or has happened `times` times.
 *
 * It strikes every request to `/hit` but preflights.
 *
 * @example
 * import { createCollector, type Fault } from 'skalin-analytics-plugin/testing'
 *
 * const busy: Fault = { kind: 'status', status: 429, retryAfter: 2, times: 3 }
 * const collector = await createCollector()
 * collector.fault(busy)
 */
export type Fault = FaultKind & FaultScope

/** A fault that is set; `feature` says whom its `where` chooses, if a page has set it. */
export type ActiveFault = Fault & { readonly feature?: string }

/** What happens to a request. */
export type FaultKind = StatusFault | HangFault | ResetFault | SlowFault | NoCorsFault

/** Whom a fault concerns, and for how long. */
export type FaultScope = {
  /**
   * Only hits for which it is true suffer; the others are answered as if nothing were wrong. A hit
   * has only the fields of its action: a `ui` has no `event`.
   *
   * @default () => true
   */
  where?: (hit: HitFields) => boolean
  /**
   * How often it strikes before it ends by itself.
   *
   * @default no end
   */
  times?: number
}

/** Answers with a status of your choice. Only a 2xx accepts a hit. */
export type StatusFault = {
  kind: 'status'
  /** 200 to 599. */
  status: number
  /** The `Retry-After` header: seconds as a number, or its very text, such as an HTTP date. */
  retryAfter?: number | string
  /**
   * Whether a page may read `Retry-After`: it is hidden from other origins unless exposed.
   * https://fetch.spec.whatwg.org/#cors-safelisted-response-header-name
   *
   * @default true
   */
  exposeRetryAfter?: boolean
  /**
   * Whether a page may read the answer; a load balancer's 503 often has no CORS headers.
   *
   * @default true
   */
  cors?: boolean
  /** The `Location` header of a redirect. */
  location?: string
}

/** Stops answering before the headers, or between them (200) and the body. Accepts nothing. */
export type HangFault = { kind: 'hang'; at: 'headers' | 'body' }

/**
 * Resets the connection (TCP RST) once the whole request has come. Accepts nothing.
 *
 * When a connection that it had reused is reset, Chromium sends the request again by itself: the
 * log then shows two, and of `times: 1` the page notices nothing.
 */
export type ResetFault = { kind: 'reset' }

/** Takes a hit at once, and answers `ms` milliseconds later. */
export type SlowFault = { kind: 'slow'; ms: number }

/** Takes a hit, and answers without CORS headers: to a page that looks like a network error. */
export type NoCorsFault = { kind: 'no-cors' }

const statusHeaders = (fault: StatusFault): Record<string, string> => ({
  ...(fault.cors !== false && ANY_ORIGIN),
  ...(fault.cors !== false &&
    fault.exposeRetryAfter !== false && { 'Access-Control-Expose-Headers': 'Retry-After' }),
  ...(fault.retryAfter !== undefined && { 'Retry-After': String(fault.retryAfter) }),
  ...(fault.location !== undefined && { Location: fault.location }),
})

/** What becomes of an answer under a fault. */
export const underFault = (fault: Fault, healthy: Reply): Reply => {
  switch (fault.kind) {
    case 'status':
      return reply(fault.status, '', statusHeaders(fault))
    case 'hang':
      return fault.at === 'headers'
        ? { ...healthy, status: 0, sent: 'nothing' }
        : { ...reply(200, '', ANY_ORIGIN), sent: 'headers' }
    case 'reset':
      return { ...healthy, status: 0, sent: 'reset' }
    case 'slow':
      return { ...healthy, afterMs: fault.ms }
    case 'no-cors':
      return reply(healthy.status, healthy.text, {})
  }
}
