import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type EndpointState,
  availableFrom,
  initialState,
  isBreakerOpen,
  modeFor,
  obstacle,
  afresh,
  onSend,
  parseEndpointState,
} from '../../src/delivery/endpoint.ts'
import { clockSkewMs, hour, minute, second } from '../../src/delivery/limits.ts'
import type { Outcome } from '../../src/delivery/outcome.ts'
import { onOutcome } from '../../src/delivery/policy.ts'
import { type Row, isDue } from '../../src/delivery/row.ts'
import { now } from './support.ts'

const numRuns = Number(process.env.NUM_RUNS ?? 300)
const check = { seed: 3, numRuns }

const random = fc.double({ min: 0, max: 0.999_999, noNaN: true })

const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc.record({
    kind: fc.constant('answer' as const),
    status: fc.oneof(
      fc.integer({ min: 200, max: 599 }),
      fc.constantFrom(200, 400, 401, 404, 429, 503),
    ),
    retryAfterMs: fc.option(fc.integer({ min: 1, max: 100 * hour }), { nil: undefined }),
  }),
  fc.constantFrom<Outcome>(
    { kind: 'redirect' },
    { kind: 'opaque' },
    { kind: 'network' },
    { kind: 'timeout' },
  ),
)

/** One thing that happens to an endpoint, some time after the one before. */
const event = fc.record({
  outcome: fc.option(outcome, { nil: 'online' as const }),
  mode: fc.constantFrom('cors' as const, 'no-cors' as const),
  afterMs: fc.oneof(
    fc.integer({ min: 0, max: 20 * second }),
    fc.integer({ min: 0, max: 3 * hour }),
    // The clock is set back, or forth.
    fc.integer({ min: -1000 * hour, max: 1000 * hour }),
  ),
  tookMs: fc.integer({ min: 0, max: 10 * second }),
  online: fc.boolean(),
  left: fc.boolean(),
  noCors: fc.boolean(),
  reachedMsAgo: fc.option(fc.integer({ min: -hour, max: 3 * hour }), { nil: undefined }),
  random,
})
type Event = typeof event extends fc.Arbitrary<infer E> ? E : never

const time = fc.oneof(
  fc.integer({ min: now - 100 * hour, max: now + 100 * hour }),
  fc.constantFrom(0, now),
)
const count = fc.oneof(fc.nat({ max: 5 }), fc.nat({ max: 5000 }))

/** Any state that an endpoint could be in, reachable or not, of clocks that were wrong as well. */
const anyState: fc.Arbitrary<EndpointState> = fc.record({
  limitedFrom: time,
  limitedUntil: time,
  retryFrom: time,
  retryAt: time,
  step: count,
  steppedAt: time,
  cause: fc.constantFrom('network', 'timeout', 'status', 'rate-limited', 'blocked'),
  networkErrors: count,
  rejections: count,
  answers: fc.constantFrom('unknown', 'readable', 'opaque'),
  probedAt: time,
})

/** Plays events on a state and tells of every step. */
function play(
  first: EndpointState,
  events: Event[],
  see: (step: { before: EndpointState; after: EndpointState; at: number; due?: number }) => void,
): { state: EndpointState; at: number } {
  let state = first
  let at = now
  for (const { outcome, mode, afterMs, tookMs, reachedMsAgo, ...circumstances } of events) {
    const before = state
    const sentAt = Math.max(0, at + afterMs)
    at = sentAt + tookMs
    const reachedAt = reachedMsAgo === undefined ? undefined : at - reachedMsAgo
    let due: number | undefined
    if (outcome === 'online') {
      state = afresh(state)
    } else {
      const decided = onOutcome(onSend(state, mode, sentAt), outcome, {
        mode,
        sentAt,
        now: at,
        reachedAt,
        ...circumstances,
      })
      state = decided.state
      if ('due' in decided.verdict) due = decided.verdict.due
    }
    see({ before, after: state, at, ...(due === undefined ? {} : { due }) })
  }
  return { state, at }
}

const free = { online: true, requests: 0, window: 2, bytes: 0, leaving: false, left: false }

test('whatever happens, the state is finite and survives being stored', () => {
  const numbers = ({ cause, answers, ...rest }: EndpointState) => {
    expect([typeof cause, typeof answers]).toEqual(['string', 'string'])
    return Object.values(rest)
  }
  fc.assert(
    fc.property(fc.oneof(fc.constant(initialState), anyState), fc.array(event), (first, events) => {
      play(first, events, ({ after }) => {
        for (const value of numbers(after)) expect(value).toSatisfy(Number.isFinite)
        expect(parseEndpointState(JSON.parse(JSON.stringify(after)))).toEqual(after)
      })
    }),
    check,
  )
})

test('whatever is stored, what is read can be worked with', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.jsonValue().filter((json) => json !== null),
        fc.dictionary(fc.constantFrom(...Object.keys(initialState)), fc.jsonValue()),
      ),
      fc.array(event, { maxLength: 5 }),
      (json, events) => {
        const { state, at } = play(parseEndpointState(json), events, () => undefined)
        expect(Object.keys(state)).toEqual(Object.keys(initialState))
        expect(availableFrom(state, at)).toBeLessThanOrEqual(at + 2 * hour)
      },
    ),
    check,
  )
})

test('whatever the clock says, no wait is longer than was decided', () => {
  fc.assert(
    fc.property(fc.array(event), time, (events, look) => {
      play(initialState, events, ({ after, at, due }) => {
        for (const now of [at, look]) {
          const open = availableFrom(after, now)
          const decided = Math.max(
            after.limitedUntil - after.limitedFrom,
            after.retryAt - after.retryFrom,
          )
          // By a clock that differs from the one that decided, a little longer.
          expect(open - now).toBeLessThanOrEqual(Math.max(0, decided) + clockSkewMs)
          // An hour, and our share of the spread.
          expect(open - now).toBeLessThanOrEqual(hour + 5 * minute + clockSkewMs)
          expect(obstacle(after, { ...free, now: open })).toBeUndefined()
          if (due === undefined) continue
          const row = { due, from: at } as Row
          expect(isDue(row, now) || due - now <= hour + clockSkewMs).toBe(true)
        }
      })
    }),
    check,
  )
})

const isLimited = ({ limitedFrom, limitedUntil }: EndpointState, at: number) =>
  limitedFrom <= at && at < limitedUntil && limitedUntil - limitedFrom <= 2 * hour

test('silence that is in force is neither broken nor shortened', () => {
  fc.assert(
    fc.property(anyState, fc.array(event), fc.boolean(), (first, events, leaving) => {
      play(first, events, ({ before, after, at }) => {
        if (!isLimited(before, at)) return
        expect(after.limitedUntil).toBeGreaterThanOrEqual(before.limitedUntil)
        expect(obstacle(after, { ...free, leaving, now: at })).toBe('rate-limited')
        expect(availableFrom(after, at)).toBeGreaterThanOrEqual(before.limitedUntil)
      })
    }),
    check,
  )
})

test('what the collector asks for holds, for an hour at most, and the return is spread', () => {
  fc.assert(
    fc.property(anyState, fc.integer({ min: 1, max: 100 * hour }), random, (state, ms, random) => {
      const attempt = { sentAt: now, now, online: true, left: false, noCors: true, random }
      const { state: after } = onOutcome(
        state,
        { kind: 'answer', status: 429, retryAfterMs: ms },
        { ...attempt, mode: 'cors', reachedAt: undefined },
      )
      const silence = Math.min(hour, ms)
      expect(obstacle(after, { ...free, now: now + silence - 1 })).toBe('rate-limited')
      if (isLimited(state, now)) return
      const spread = after.limitedUntil - now - silence
      expect(spread).toBeGreaterThanOrEqual(0)
      expect(spread).toBeLessThanOrEqual(silence < 20 * second ? 0 : silence / 2)
    }),
    check,
  )
})

test('a failure while online always ends in a wait, whatever was before', () => {
  fc.assert(
    fc.property(anyState, random, (before, jitter) => {
      const state = onSend(before, 'cors', now)
      const attempt = { mode: 'cors', online: true, left: false, noCors: false } as const
      const { state: after } = onOutcome(
        state,
        { kind: 'answer', status: 503 },
        { ...attempt, sentAt: now, now: now + 100, reachedAt: undefined, random: jitter },
      )
      expect(availableFrom(after, now + 100)).toBeGreaterThanOrEqual(now + 100 + 0.66 * second)
    }),
    check,
  )
})

describe('a blocked endpoint with a backlog', () => {
  /**
   * Sends what the gate allows, of a backlog without an end, from one tab, for four hours; all
   * requests fail. Answers when each was sent.
   */
  function besiege(first: EndpointState, randoms: () => number): number[] {
    const sent: number[] = []
    let state = first
    let at = now
    /** The requests in flight, the first to end first. */
    let flights: { mode: 'cors' | 'no-cors'; sentAt: number; endsAt: number }[] = []
    const depart = (mode: 'cors' | 'no-cors') => {
      sent.push(at)
      state = onSend(state, mode, at)
      flights.push({ mode, sentAt: at, endsAt: at + Math.round(randoms() * second) })
    }
    while (at < now + 4 * hour) {
      const requests = flights.length
      if (obstacle(state, { ...free, now: at, requests }) === undefined) {
        depart(modeFor(state, at))
        continue
      }
      const [flight] = flights.sort((a, b) => a.endsAt - b.endsAt)
      if (flight === undefined) {
        at = availableFrom(state, at)
        continue
      }
      at = Math.max(at, flight.endsAt)
      flights = flights.slice(1)
      const decided = onOutcome(
        state,
        { kind: 'network' },
        {
          ...flight,
          now: at,
          online: true,
          left: false,
          reachedAt: undefined,
          noCors: true,
          random: randoms(),
        },
      )
      state = decided.state
      if (decided.verdict.outcome === 'again') depart('no-cors')
    }
    return sent
  }

  test.each(['unknown', 'readable', 'opaque'] as const)(
    'of which is %s whether its answers can be read: at most 20 requests in the first hour, few an hour after',
    (answers) => {
      fc.assert(
        fc.property(fc.infiniteStream(random), (stream) => {
          const next = () => (stream.next() as IteratorYieldResult<number>).value
          const sent = besiege({ ...initialState, answers, probedAt: now }, next)
          const within = (from: number) => sent.filter((at) => at >= from && at < from + hour)
          expect(within(now).length).toBeLessThanOrEqual(20)
          for (const from of sent.filter((at) => at >= now + hour)) {
            expect(within(from).length).toBeLessThanOrEqual(answers === 'unknown' ? 4 : 3)
          }
          // It is tried again, though: the block may be lifted.
          expect(within(now + 2 * hour).length).toBeGreaterThanOrEqual(1)
        }),
        { ...check, numRuns: Math.ceil(numRuns / 5) },
      )
    },
  )

  test('the breaker opens for good, not for a moment', () => {
    let state: EndpointState = { ...initialState, answers: 'readable' }
    for (const minutes of [1, 2, 3, 4, 5]) {
      const at = now + minutes * minute
      ;({ state } = onOutcome(
        state,
        { kind: 'network' },
        {
          mode: 'cors',
          sentAt: at,
          now: at,
          online: true,
          left: false,
          reachedAt: undefined,
          noCors: true,
          random: 0,
        },
      ))
    }
    expect(isBreakerOpen(state)).toBe(true)
  })
})
