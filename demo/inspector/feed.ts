// The collector's control routes, live, for as long as the page is open.
import type { Arrival, Call, Fault, Told } from './messages.ts'

export type Greeting = { endpoint: string; fault: Fault; anew: boolean }

/** What the inspector hears. */
export type FeedListener = {
  onHello: (greeting: Greeting) => void
  onArrival: (arrival: Arrival) => void
  onCall: (call: Call) => void
  onReport: (report: Told) => void
  onFault: (fault: Fault) => void
  /** All that there was has been told; what comes now happens now. */
  onLive: () => void
  onClear: () => void
  onReach: (reached: boolean) => void
}

/** The collector says something every 15 s; after this long a connection is dead without a word. */
const silenceMs = 40_000
const retryMs = 3000

/** Listens to the collector at `origin`, and comes again whenever it was lost, or the machine slept. */
export function listen(origin: string, listener: FeedListener): void {
  let events: EventSource | undefined
  let heardAt = 0
  let lastId = ''

  function open(): void {
    events?.close()
    heardAt = Date.now()
    const source = new EventSource(`${origin}/control/events${lastId && `?after=${lastId}`}`)
    events = source
    const on = (name: string, hear: (data: never) => void) =>
      source.addEventListener(name, ({ data, lastEventId }: MessageEvent<string>) => {
        heardAt = Date.now()
        if (lastEventId) lastId = lastEventId
        hear(JSON.parse(data) as never)
      })
    on('hello', listener.onHello)
    on('request', listener.onArrival)
    on('call', listener.onCall)
    on('report', ({ at, report }: { at: number; report: Omit<Told, 'at'> }) =>
      listener.onReport({ ...report, at }),
    )
    on('fault', listener.onFault)
    on('live', listener.onLive)
    on('clear', listener.onClear)
    on('beat', () => undefined)
    source.onopen = () => listener.onReach(true)
    source.onerror = () => {
      listener.onReach(false)
      // Some browsers give up at once where nobody listens.
      if (source.readyState === EventSource.CLOSED) heardAt = Date.now() - silenceMs + retryMs
    }
  }

  const check = () => {
    if (Date.now() - heardAt >= silenceMs) open()
  }
  setInterval(check, 1000)
  // A page that was asleep is told at once, not by its next timer.
  document.addEventListener('visibilitychange', check)
  window.addEventListener('online', check)
  open()
}

async function post(origin: string, path: string, body: string): Promise<void> {
  const response = await fetch(`${origin}/control/${path}`, { method: 'POST', body })
  if (!response.ok) throw new Error(await response.text())
}

export const setFault = (origin: string, fault: Fault): Promise<void> =>
  post(origin, 'fault', JSON.stringify(fault))

export const clear = (origin: string): Promise<void> => post(origin, 'clear', '')
