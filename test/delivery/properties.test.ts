import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type EndpointState,
  departed,
  encouraged,
  hour,
  inForce,
  isDue,
  isBreakerOpen,
  minute,
  modeFor,
  obstacle,
  freeFrom,
  parseEndpointState,
  second,
  untried,
} from '../../src/delivery/endpoint.ts'
import { type Outcome, judge } from '../../src/delivery/policy.ts'
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
  outcome: fc.option(outcome, { nil: 'encouraged' as const }),
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
  floor: time,
  retryAt: time,
  step: count,
  steppedAt: time,
  cause: fc.constantFrom('network', 'timeout', 'status', 'rate-limited', 'blocked'),
  networkErrors: count,
  rejections: count,
  sight: fc.constantFrom('unknown', 'readable', 'opaque'),
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
    if (outcome === 'encouraged') {
      state = encouraged(state)
    } else {
      const judged = judge(departed(state, mode, sentAt), outcome, {
        mode,
        sentAt,
        now: at,
        reachedAt,
        ...circumstances,
      })
      state = judged.state
      if ('due' in judged.verdict) due = judged.verdict.due
    }
    see({ before, after: state, at, ...(due === undefined ? {} : { due }) })
  }
  return { state, at }
}

const free = { online: true, requests: 0, bytes: 0, leaving: false }

test('whatever happens, the state is finite and survives being stored', () => {
  const numbers = ({ cause, sight, ...rest }: EndpointState) => {
    expect([typeof cause, typeof sight]).toEqual(['string', 'string'])
    return Object.values(rest)
  }
  fc.assert(
    fc.property(fc.oneof(fc.constant(untried), anyState), fc.array(event), (first, events) => {
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
        fc.dictionary(fc.constantFrom(...Object.keys(untried)), fc.jsonValue()),
      ),
      fc.array(event, { maxLength: 5 }),
      (json, events) => {
        const { state, at } = play(parseEndpointState(json), events, () => undefined)
        expect(Object.keys(state)).toEqual(Object.keys(untried))
        expect(freeFrom(state, at)).toBeLessThanOrEqual(at + hour)
      },
    ),
    check,
  )
})

test('once the endpoint is healthy, it is reached within an hour, and so is every hit', () => {
  fc.assert(
    fc.property(anyState, fc.array(event), (first, events) => {
      const dues: number[] = []
      const { state, at } = play(first, events, (step) => {
        if (step.due !== undefined) dues.push(step.due)
      })
      const open = freeFrom(state, at)
      expect(open).toBeLessThanOrEqual(at + hour)
      expect(obstacle(state, { ...free, now: open })).toBeUndefined()
      // A hit may have been given its time by a clock that ran ahead.
      for (const due of dues) {
        expect(isDue(due, state, at) || isDue(due, state, open + hour)).toBe(true)
      }
    }),
    check,
  )
})

test('a floor that is in force is neither beaten nor lowered', () => {
  fc.assert(
    fc.property(anyState, fc.array(event), fc.boolean(), (first, events, leaving) => {
      play(first, events, ({ before, after, at }) => {
        if (!inForce(before.floor, at)) return
        expect(after.floor).toBeGreaterThanOrEqual(before.floor)
        expect(obstacle(after, { ...free, leaving, now: at })).toBe('rate-limited')
        expect(freeFrom(after, at)).toBeGreaterThanOrEqual(before.floor)
      })
    }),
    check,
  )
})

test('what the collector asks for holds, for an hour at most', () => {
  fc.assert(
    fc.property(anyState, fc.integer({ min: 1, max: 100 * hour }), (state, retryAfterMs) => {
      const attempt = { sentAt: now, now, online: true, left: false, noCors: true, random: 0 }
      const { state: after } = judge(
        state,
        { kind: 'answer', status: 429, retryAfterMs },
        { ...attempt, mode: 'cors', reachedAt: undefined },
      )
      const asked = now + Math.min(hour, retryAfterMs)
      expect(obstacle(after, { ...free, now: asked - 1 })).toBe('rate-limited')
      if (!inForce(state.floor, now)) expect(after.floor).toBe(asked)
    }),
    check,
  )
})

test('a failure while online always ends in a wait, whatever was before', () => {
  fc.assert(
    fc.property(anyState, random, (before, jitter) => {
      const state = departed(before, 'cors', now)
      const attempt = { mode: 'cors', online: true, left: false, noCors: false } as const
      const { state: after } = judge(
        state,
        { kind: 'answer', status: 503 },
        { ...attempt, sentAt: now, now: now + 100, reachedAt: undefined, random: jitter },
      )
      expect(freeFrom(after, now + 100)).toBeGreaterThanOrEqual(now + 100 + 0.75 * second)
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
      state = departed(state, mode, at)
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
        at = freeFrom(state, at)
        continue
      }
      at = Math.max(at, flight.endsAt)
      flights = flights.slice(1)
      const judged = judge(
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
      state = judged.state
      if (judged.verdict.outcome === 'again') depart('no-cors')
    }
    return sent
  }

  test.each(['unknown', 'readable', 'opaque'] as const)(
    'of which is %s whether its answers can be read: at most 20 requests in the first hour, 3 an hour after',
    (sight) => {
      fc.assert(
        fc.property(fc.infiniteStream(random), (stream) => {
          const next = () => (stream.next() as IteratorYieldResult<number>).value
          const sent = besiege({ ...untried, sight, probedAt: now }, next)
          const within = (from: number) => sent.filter((at) => at >= from && at < from + hour)
          expect(within(now).length).toBeLessThanOrEqual(20)
          for (const from of sent.filter((at) => at >= now + hour)) {
            expect(within(from).length).toBeLessThanOrEqual(3)
          }
          // It is tried again, though: the block may be lifted.
          expect(within(now + 2 * hour).length).toBeGreaterThanOrEqual(1)
        }),
        { ...check, numRuns: Math.ceil(numRuns / 5) },
      )
    },
  )

  test('the breaker opens for good, not for a moment', () => {
    let state: EndpointState = { ...untried, sight: 'readable' }
    for (const minutes of [1, 2, 3, 4, 5]) {
      const at = now + minutes * minute
      ;({ state } = judge(
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
