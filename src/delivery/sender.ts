import ky from 'ky'
import type { Hit } from '../hit/hit.ts'
import { timeoutMs } from './endpoint.ts'
import type { Mode, Outcome } from './policy.ts'

/** Sends one hit by one request. Never rejects: what came of it is a value. */
export type Sender = (hit: Hit, mode: Mode) => Promise<Outcome>

/** `Retry-After` in milliseconds from `now`; it is a number of seconds or a date (RFC 9110, 10.2.3). */
export function parseRetryAfter(header: string | null, now: number): number | undefined {
  if (header === null) return undefined
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now
  return ms > 0 ? ms : undefined
}

/**
 * A sender to `endpoint`. Its requests are CORS-simple, so that no preflight can be lost when the
 * page goes, and `keepalive`, so that they outlive it.
 *
 * @see {@link https://fetch.spec.whatwg.org/#simple-header}
 */
export function createSender(endpoint: string): Sender {
  return async (hit, mode) => {
    let abort: AbortController | undefined
    let timer: ReturnType<typeof setTimeout> | undefined
    try {
      abort = new AbortController()
      const { signal } = abort
      timer = setTimeout(() => abort?.abort(), timeoutMs)
      const response = await ky.post(endpoint, {
        body: new URLSearchParams(hit),
        mode,
        keepalive: true,
        credentials: 'omit',
        cache: 'no-store',
        // `manual` is refused for no-cors requests: https://fetch.spec.whatwg.org/#main-fetch
        redirect: mode === 'cors' ? 'manual' : 'follow',
        priority: 'low',
        retry: 0,
        timeout: false,
        throwHttpErrors: false,
        // Not as `signal`: ky would join it to its own by AbortSignal.any, which Chrome 109 lacks.
        // And `keepalive` once more: Firefox overlooks it on a request that ky has made.
        fetch: (request, init) => fetch(request, { ...init, keepalive: true, signal }),
      })
      // Read to its end, for until then the body holds on to the browser's keepalive budget.
      const complete = await response.text().then(
        () => true,
        () => false,
      )
      // Half an answer is none: the collector may have died over it, and a duplicate does no harm.
      return response.ok && !complete ? { kind: 'timeout' } : outcomeOf(response)
    } catch {
      return { kind: abort?.signal.aborted ? 'timeout' : 'network' }
    } finally {
      clearTimeout(timer)
    }
  }
}

function outcomeOf(response: Response): Outcome {
  if (response.type === 'opaque') return { kind: 'opaque' }
  if (response.type === 'opaqueredirect') return { kind: 'redirect' }
  const retryAfterMs = parseRetryAfter(response.headers.get('Retry-After'), Date.now())
  return { kind: 'answer', status: response.status, retryAfterMs }
}
