import { now } from '../browser/clock.ts'
import { within } from '../browser/deadline.ts'
import { timeoutMs } from './limits.ts'
import { type Mode, type Outcome, isAcceptance } from './outcome.ts'

/**
 * Sends one hit, given as its body, by one request. Never rejects: what came of it is a value.
 * `onLate` is told of an answer that comes after the request was given up.
 */
export type Sender = (
  body: string,
  mode: Mode,
  onLate?: (outcome: Outcome) => void,
) => Promise<Outcome>

/** `Retry-After` in milliseconds from `from`; it is a number of seconds or a date (RFC 9110, 10.2.3). */
export function parseRetryAfter(header: unknown, from: number): number | undefined {
  if (typeof header !== 'string') return undefined
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Number(new Date(header)) - from
  return ms > 0 ? ms : undefined
}

/** Whether a service worker may answer in a server's place. */
function isControlled(): boolean {
  try {
    // Missing without HTTPS.
    return Boolean((navigator.serviceWorker as ServiceWorkerContainer | undefined)?.controller)
  } catch {
    // Not for a sandboxed frame.
    return false
  }
}

/** To free the connection of what is given up; where it is missing, the deadline holds all the same. */
function newController(): AbortController | undefined {
  try {
    const controller = new AbortController()
    // The browser's `fetch` throws for what another made.
    return controller.signal instanceof EventTarget ? controller : undefined
  } catch {
    return undefined
  }
}

/**
 * A sender to `endpoint`. Its requests are CORS-simple, so that no preflight can be lost when the
 * page goes, and `keepalive`, so that they outlive it. A plain address and one object with a text as
 * its body are what every `fetch` in the field understands, whoever has wrapped or replaced it.
 *
 * @see {@link https://fetch.spec.whatwg.org/#simple-header}
 */
export function createSender(endpoint: string): Sender {
  const address = endpoint.replace(/#.*$/, '')
  // A page may have its browser upgrade what is not secure.
  const addresses = [address, address.replace(/^http:/, 'https:')]

  /** A service worker, a blocker or an extension may answer in the collector's place. */
  function isCollectors({ url, constructor }: Response, type: ResponseType | undefined): boolean {
    // Of another origin's answers browsers say `cors`, and polyfills nothing or `default`; what is
    // made up in their place is a browser's own Response too. Node and test DOMs say `basic` of all.
    const isFitting =
      type === 'cors' ||
      // Without an origin on the web: an extension that may reach all, say, or a frame's `srcdoc`.
      (type === 'basic' && !/^http/.test(location.protocol)) ||
      address.startsWith(`${location.origin}/`) ||
      (!isControlled() && !(type !== undefined && /\[native code]/.test(String(constructor))))
    return addresses.includes(url) && isFitting
  }

  async function exchange(body: string, mode: Mode, signal: AbortSignal | null): Promise<Outcome> {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body,
      mode,
      keepalive: true,
      credentials: 'omit',
      // What `url` leaves out is not to go along in `Referer`, where a page lets its whole address go.
      referrerPolicy: 'strict-origin',
      cache: 'no-store',
      // `manual` is refused for no-cors requests: https://fetch.spec.whatwg.org/#main-fetch
      redirect: mode === 'cors' ? 'manual' : 'follow',
      priority: 'low',
      signal,
    })
    // Each asks the browser.
    const { type, status } = response
    // Read to its end, for until then the body holds on to the browser's keepalive budget.
    let isComplete = true
    try {
      await response.text()
    } catch {
      isComplete = false
    }
    if (type === 'opaqueredirect') return { kind: 'redirect' }
    // With a status, it is made up.
    if (type === 'opaque' && mode === 'no-cors' && status === 0) return { kind: 'opaque' }
    if (!isCollectors(response, type)) return { kind: 'network' }
    // Half an answer is none: the collector may have died over it, and a duplicate does no harm.
    if (isAcceptance(status) && !isComplete) return { kind: 'timeout' }
    const retryAfter: unknown = response.headers.get('Retry-After')
    return { kind: 'answer', status, retryAfterMs: parseRetryAfter(retryAfter, now()) }
  }

  return async (body, mode, onLate) => {
    const controller = newController()
    const givenUp: Outcome = { kind: 'timeout' }
    const answer = exchange(body, mode, controller?.signal ?? null).catch((): Outcome => ({
      kind: 'network',
    }))
    const outcome = await within(timeoutMs, answer, givenUp)
    if (outcome === givenUp) {
      void answer.then(onLate)
      controller?.abort()
    }
    return outcome
  }
}
