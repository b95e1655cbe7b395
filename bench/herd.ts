import {
  type EndpointState,
  availableFrom,
  initialState,
  isInTrouble,
  obstacle,
  onSend,
} from '../src/delivery/endpoint.ts'
import { minute, second } from '../src/delivery/limits.ts'
import type { Outcome } from '../src/delivery/outcome.ts'
import { onOutcome } from '../src/delivery/policy.ts'
import { initialWindow, nextWindow, openWindow } from '../src/delivery/window.ts'
import { createRandom, createSimulatedTime } from './simulated-time.ts'

const browsers = 20_000
const callEveryMs = 30 * second
/** More browsers, which make so many calls each, all during the outage. */
const busyBrowsers = 200
const busyCalls = 50

/** Well after 1970: a time of 0 means never. */
const start = Date.UTC(2026, 0)
const outage = { from: start + minute, until: start + 11 * minute }
const end = outage.until + 30 * minute
const normalRate = (browsers / callEveryMs) * second

const hitBytes = 500
/** `attempt.ts`: a network error is believed when its page is still there a second later. */
const doubtMs = second

/** What a request meets during an outage. */
type Trouble = (now: number) => Outcome

const status = (status: number, retryAfterMs?: number): Outcome => ({
  kind: 'answer',
  status,
  retryAfterMs,
})

const troubles = new Map<string, Trouble>([
  ['503', () => status(503)],
  ['refused connections', () => ({ kind: 'network' })],
  ['429, `Retry-After: 60`', () => status(429, minute)],
  ['503, `Retry-After` names its end', (now) => status(503, Math.max(1, outage.until - now))],
])

export const outages: string[] = [...troubles.keys()]

export type Herd = {
  what: string
  /** Requests in a second during the outage, as multiples of the normal rate. */
  during: number
  /** The busiest second after it, as a multiple of the normal rate, and of the mean of six minutes. */
  peak: number
  peakOverMean: number
  /** When the last hit of the outage was accepted, in minutes after its end. */
  lastAccepted: number
}

/** 20,000 browsers through an outage of ten minutes, each with the policy of `src/delivery`. */
export function simulateHerd(what: string): Herd {
  const trouble = troubles.get(what) ?? (() => status(200))
  const random = createRandom(1)
  const { now, after, passUntil } = createSimulatedTime(start)
  const perSecond = new Array<number>((end - start) / second).fill(0)
  /** Hits of calls before the end of the outage. */
  let waiting = 0
  let lastAccepted = 0

  function answered(then: (outcome: Outcome) => void): void {
    const isOut = now() >= outage.from && now() < outage.until
    const outcome = isOut ? trouble(now()) : status(200)
    const tookMs = outcome.kind === 'network' ? 5 + doubtMs : 50 + 100 * random()
    after(tookMs, () => then(outcome))
  }

  /** What `courier.ts` does in one tab that nobody leaves. Gives what makes a call. */
  function browser(): () => void {
    // It has had an answer before.
    let state: EndpointState = { ...initialState, answers: 'readable' }
    let window = initialWindow
    /** When each call was made whose hit waits, and when each request in flight went out. */
    const queue: number[] = []
    const inFlight: number[] = []
    let wakeAt = Infinity

    function resume(): void {
      while (queue.length > 0) {
        const [oldest = now()] = inFlight
        if (isInTrouble(state)) window = 1
        const why = obstacle(state, {
          now: now(),
          online: true,
          requests: inFlight.length,
          window: openWindow(window, now() - oldest),
          bytes: (inFlight.length + 1) * hitBytes,
          leaving: false,
          left: false,
        })
        if (why !== undefined) break
        send(queue.shift() as number)
      }
      if (queue.length > 0 && inFlight.length === 0) sleep(availableFrom(state, now()))
    }

    function sleep(until: number): void {
      if (until === wakeAt) return
      wakeAt = until
      after(until - now(), () => {
        if (until !== wakeAt) return
        wakeAt = Infinity
        resume()
      })
    }

    function send(madeAt: number): void {
      const sentAt = now()
      inFlight.push(sentAt)
      const index = Math.floor((sentAt - start) / second)
      perSecond[index] = (perSecond[index] ?? 0) + 1
      state = onSend(state, 'cors', sentAt)
      answered((outcome) => {
        const decided = onOutcome(state, outcome, {
          mode: 'cors',
          sentAt,
          now: now(),
          online: true,
          left: false,
          noCors: true,
          reachedAt: undefined,
          random: random(),
        })
        state = decided.state
        inFlight.splice(inFlight.indexOf(sentAt), 1)
        const isAccepted = decided.verdict.outcome === 'accepted'
        window = isAccepted ? nextWindow(window) : 1
        if (!isAccepted) {
          queue.push(madeAt)
          queue.sort((a, b) => a - b)
        } else if (madeAt < outage.until) {
          waiting -= 1
          lastAccepted = now()
        }
        resume()
      })
    }

    return () => {
      if (now() < outage.until) waiting += 1
      queue.push(now())
      resume()
    }
  }

  function calls(from: number, everyMs: number, until: number): void {
    const call = browser()
    const again = () => {
      call()
      if (now() + everyMs < until) after(everyMs, again)
    }
    after(from - now(), again)
  }

  for (let count = 0; count < browsers; count += 1) {
    calls(start + random() * callEveryMs, callEveryMs, end)
  }
  const busyEveryMs = (outage.until - outage.from) / busyCalls
  for (let count = 0; count < busyBrowsers; count += 1) {
    calls(outage.from + random() * busyEveryMs, busyEveryMs, outage.until)
  }
  passUntil(outage.until + 10 * minute)
  while (waiting > 0 && now() < end) passUntil(now() + minute)

  const rates = (from: number, until: number) =>
    perSecond.slice((from - start) / second, (until - start) / second)
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const busiest = Math.max(...rates(outage.until, end))
  return {
    what,
    during: mean(rates(outage.from, outage.until)) / normalRate,
    peak: busiest / normalRate,
    peakOverMean: busiest / mean(rates(outage.until, outage.until + 6 * minute)),
    lastAccepted: waiting > 0 ? Infinity : (lastAccepted - outage.until) / minute,
  }
}
