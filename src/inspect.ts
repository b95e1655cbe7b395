import { now } from './browser/clock.ts'
import type { DeliveryReport } from './report.ts'
import type { SkalinSettings } from './settings.ts'

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
  analytics?: {
    /** Segment's own `on()`. */
    on(event: string, listener: (ctx: CallContext) => void): unknown
  }
  /**
   * The origin of the collector whose inspector is told. Change it when `endpoint` is another one.
   *
   * @default the origin of `endpoint` on this machine, else `http://127.0.0.1:4747`
   */
  inspector?: string
}

/** Bundlers replace the name that is asked for; a page without one has no `process`. */
declare const process: { env: { NODE_ENV?: string } }

type Message = { kind: 'call' | 'report'; at: number; clientId: string; [field: string]: unknown }

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

function originOf({ endpoint }: SkalinSettings): string {
  try {
    const { hostname, origin } = new URL(endpoint ?? '')
    return /^(127\.0\.0\.1|localhost|\[::1\])$/.test(hostname) ? origin : defaultInspector
  } catch {
    return defaultInspector
  }
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
    waiting.push(message)
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
export function inspect<Settings extends SkalinSettings>(
  settings: Settings,
  { analytics, inspector = originOf(settings) }: InspectOptions = {},
): Settings {
  if (isProduction()) return settings
  const { clientId, onDelivery } = settings
  const tell = createTeller(`${inspector.replace(/\/$/, '')}/inspect`)
  const base = () => ({ at: now(), clientId })

  void analytics?.on('dispatch_start', ({ event }) =>
    tell({ kind: 'call', ...base(), messageId: event.messageId, event }),
  )

  return {
    ...settings,
    onDelivery(report: DeliveryReport) {
      tell({ kind: 'report', ...base(), report })
      // What is no function, the plugin would have told of.
      if (typeof onDelivery === 'function') onDelivery(report)
    },
  }
}
