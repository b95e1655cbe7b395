import { now } from './browser/clock.ts'
import { complain } from './browser/console.ts'
import { quiet } from './hit/ask.ts'
import { text } from './hit/read.ts'
import { parseUrl } from './hit/url.ts'
import { copy } from './segment/copy.ts'
import type { DeliveryReport } from './report.ts'
import { type SkalinSettings, describe } from './settings.ts'

/** What Segment tells of a call when it is made, as far as it is of interest. */
type CallContext = { event: { messageId?: unknown } }

/** What {@link inspect} is given besides the settings. */
export type InspectOptions = {
  /**
   * The page's `analytics`, so that the inspector can name each call. Without it, it knows those that
   * became a hit, and of skipped ones only Segment's id.
   *
   * @default undefined
   */
  analytics?:
    | {
        /** Segment's own `on()`. */
        on(event: string, listener: (ctx: CallContext) => void): unknown
      }
    | undefined
  /**
   * The origin of the collector whose inspector is told. Change it when `endpoint` is another one.
   *
   * @default the origin of `endpoint` where that is a collector's on this machine, which has the path
   * `/hit`, else `http://127.0.0.1:4747`
   */
  inspector?: string | undefined
}

/** Bundlers replace the name that is asked for; a page without one has no `process`. */
declare const process: { env: { NODE_ENV?: string } }

type Message = { kind: 'call' | 'report'; clientId: string; [field: string]: unknown }

const defaultInspector = 'http://127.0.0.1:4747'
const batchSize = 100
/** As much as the collector takes at once, and then some room: a character may be three bytes. */
const batchLength = 1_000_000
const gatherMs = 20
/** Without a collector a browser prints an error for each try: few are enough. */
const silenceMs = 5000
const maxWaiting = 1000

/** Not every bundler takes `inspect-off` for production by itself: esbuild does not. */
function isProduction(): boolean {
  try {
    return process.env.NODE_ENV === 'production'
  } catch {
    return false
  }
}

/** Where the inspector is told. Only a collector's endpoint says: a proxy on this machine has none. */
function addressOf(endpoint: string | undefined, inspector: string | URL | undefined): string {
  if (inspector !== undefined) {
    const chosen = parseUrl(String(inspector))
    if (chosen && /^https?:$/.test(chosen.protocol)) return `${chosen.origin}/inspect`
    const allowed = `an http(s) origin, such as ${defaultInspector}`
    complain(
      'error',
      `the \`inspector\` option must be ${allowed} (received: ${describe(inspector)})`,
    )
  }
  const url = parseUrl(endpoint)
  return url?.pathname === '/hit' && /^(127\.0\.0\.1|localhost|\[::1\])$/.test(url.hostname)
    ? `${url.origin}/inspect`
    : `${defaultInspector}/inspect`
}

/** The event as it is made, but for its context: Segment completes that on the way. */
function made(event: object): object {
  const { context, ...own } = event as { context?: unknown }
  return { ...(copy(own) as object), context }
}

function textOf(message: Message): string {
  try {
    return JSON.stringify(message)
  } catch {
    // An event may hold what JSON cannot.
    return JSON.stringify({ ...message, event: {} })
  }
}

/** Passes messages on, in order and in batches, for as long as somebody takes them. */
function createTeller(address: string): (message: Message) => void {
  let waiting: Message[] = []
  let isBusy = false
  let silentUntil = 0

  async function send(): Promise<void> {
    if (isBusy || waiting.length === 0 || now() < silentUntil) return
    isBusy = true
    const texts: string[] = []
    let length = 0
    for (const message of waiting.slice(0, batchSize)) {
      const text = textOf(message)
      length += text.length
      if (texts.length > 0 && length > batchLength) break
      texts.push(text)
    }
    const batch = waiting.splice(0, texts.length)
    try {
      const response = await fetch(address, { method: 'POST', body: `[${texts.join()}]` })
      await response.text()
      // With 400 a collector says what is wrong with a message; the others it has taken.
      if (!response.ok && response.status !== 400) throw new Error('Somebody else is there.')
    } catch {
      // No collector, or not yet: what was told is kept for a while.
      waiting = [...batch, ...waiting].slice(-maxWaiting)
      silentUntil = now() + silenceMs
    }
    isBusy = false
    void send()
  }

  let timer: ReturnType<typeof setTimeout> | undefined
  if (typeof window !== 'undefined') {
    window.addEventListener('pagehide', () => void send())
    window.addEventListener('online', () => {
      silentUntil = 0
      void send()
    })
  }
  return (message) => {
    if (typeof fetch !== 'function') return
    waiting.push({ at: now(), ...message })
    if (waiting.length > maxWaiting) waiting.shift()
    timer ??= setTimeout(() => {
      timer = undefined
      void send()
    }, gatherMs)
  }
}

/**
 * For development: passes every delivery report on to the inspector of
 * `npx skalin-analytics-plugin collector`, so that skipped calls, and hits that wait, show up beside
 * what arrived. While no collector runs it breaks nothing: it asks again with your calls, at most every
 * five seconds, and the browser logs each failure.
 *
 * Where `NODE_ENV` is `production` it returns the settings as they are. Its code is not in what bundlers
 * build with the condition `production`, as Vite and webpack do by themselves.
 *
 * @example
 * ```ts
 * import { AnalyticsBrowser } from '@segment/analytics-next'
 * import { skalin } from 'skalin-analytics-plugin'
 * import { inspect } from 'skalin-analytics-plugin/inspect'
 *
 * const analytics = AnalyticsBrowser.load({ writeKey: 'my-write-key' })
 * const settings = { clientId: 'my-client-id', endpoint: 'http://127.0.0.1:4747/hit' }
 * void analytics.register(skalin(inspect(settings, { analytics })))
 * ```
 */
export function inspect(settings: SkalinSettings, options: InspectOptions = {}): SkalinSettings {
  if (isProduction()) return settings
  let inspected = settings
  try {
    const { endpoint, enabled } = settings
    // It may as well be async: then the plugin keeps what it rejects with from the page.
    const listener: ((report: DeliveryReport) => unknown) | undefined = settings.onDelivery
    const { analytics, inspector } = { ...options }
    // As it is in hits.
    const clientId = text(settings.clientId) ?? ''
    const tell = createTeller(addressOf(endpoint, inspector))
    inspected = {
      ...settings,
      onDelivery(report) {
        tell({ kind: 'report', clientId, report: copy(report) })
        // What is no function, the plugin would have told of.
        return typeof listener === 'function' ? listener(report) : undefined
      },
    }
    const listening = analytics?.on('dispatch_start', ({ event }) => {
      try {
        const { messageId } = event
        tell({ kind: 'call', clientId, enabled, messageId, event: made(event) })
      } catch {
        // It would be thrown into the page's own call.
      }
    })
    quiet(listening)
  } catch {
    // A page works without its inspector, too: what cannot be read or listened to is not told.
  }
  return inspected
}
