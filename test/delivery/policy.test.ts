import { describe, expect, test } from 'vitest'
import { type EndpointState, initialState, modeFor } from '../../src/delivery/endpoint.ts'
import { hour, minute, second } from '../../src/delivery/limits.ts'
import type { Outcome } from '../../src/delivery/outcome.ts'
import {
  type Attempt,
  type Verdict,
  jittered,
  onOutcome,
  spreadAfter,
} from '../../src/delivery/policy.ts'
import { type StateName, attemptAt, now, outcomes, states } from './support.ts'

const { answer, redirect, opaque, network, timeout } = outcomes

/** In that state, this outcome: what becomes of the hit, and what changes in the state. */
type Transition = [StateName, Verdict, Partial<EndpointState>]

/** A test for every row; `more` says how the attempt differs from a plain one. */
function transitions(outcome: Outcome, rows: Transition[], more: Partial<Attempt> = {}): void {
  test.each(rows)('%s', (name, verdict, changes) => {
    const state = states[name]
    expect(onOutcome(state, outcome, attemptAt(now, more))).toStrictEqual({
      state: { ...state, ...changes },
      verdict,
    })
  })
}

const calm = { step: 0, retryAt: 0 }
/** What any answer that can be read does. */
const seen = { answers: 'readable', networkErrors: 0 } as const
const backedOff = (step: number, delayMs: number) => {
  return { step, steppedAt: now, retryFrom: now, retryAt: now + delayMs }
}

describe('2xx: accepted; backoff, breaker and rejections are forgotten', () => {
  const accepted = (status: number): Verdict => ({ outcome: 'accepted', status })
  const fresh = { ...seen, ...calm, rejections: 0 }

  transitions(answer(200), [
    ['new', accepted(200), { answers: 'readable' }],
    ['readable', accepted(200), {}],
    ['backing off', accepted(200), fresh],
    ['one network error from open', accepted(200), fresh],
    ['open', accepted(200), fresh],
    ['twice refused', accepted(200), fresh],
    ['refused', accepted(200), fresh],
    ['opaque', accepted(200), { answers: 'readable' }],
    ['asked for silence', accepted(200), {}],
  ])

  test.each([200, 201, 204, 299])('%i', (status) => {
    const { verdict } = onOutcome(initialState, answer(status), attemptAt(now))
    expect(verdict).toStrictEqual(accepted(status))
  })
})

describe('400, 413, 422: dropped; the endpoint itself is well', () => {
  const refused = (status: number): Verdict => ({ outcome: 'dropped', reason: 'refused', status })

  transitions(answer(400), [
    ['new', refused(400), { answers: 'readable' }],
    ['readable', refused(400), {}],
    ['backing off', refused(400), calm],
    ['one network error from open', refused(400), { ...seen, ...calm }],
    ['open', refused(400), { ...seen, ...calm }],
    ['twice refused', refused(400), {}],
    ['refused', refused(400), { retryAt: 0 }],
    ['opaque', refused(400), { answers: 'readable' }],
    ['asked for silence', refused(400), {}],
  ])

  test.each([400, 413, 422])('%i', (status) => {
    const { verdict } = onOutcome(initialState, answer(status), attemptAt(now))
    expect(verdict).toStrictEqual(refused(status))
  })
})

describe('408, 425, 429, 5xx: waits; one backoff for all hits', () => {
  const waiting = (status: number): Verdict => ({ outcome: 'waiting', reason: 'status', status })

  transitions(answer(503), [
    ['new', waiting(503), { ...seen, cause: 'status', ...backedOff(1, second) }],
    ['readable', waiting(503), { cause: 'status', ...backedOff(1, second) }],
    ['backing off', waiting(503), backedOff(4, 8 * second)],
    [
      'one network error from open',
      waiting(503),
      { ...seen, cause: 'status', ...backedOff(3, 4 * second) },
    ],
    ['open', waiting(503), { ...seen, cause: 'status', ...backedOff(4, 8 * second) }],
    ['twice refused', waiting(503), backedOff(1, second)],
    ['refused', waiting(503), backedOff(1, second)],
    ['opaque', waiting(503), { ...seen, cause: 'status', ...backedOff(1, second) }],
    ['asked for silence', waiting(503), { cause: 'status', ...backedOff(1, second) }],
  ])

  test.each([408, 425, 500, 501, 502, 503, 504, 511, 599])('%i', (status) => {
    const { verdict } = onOutcome(initialState, answer(status), attemptAt(now))
    expect(verdict).toStrictEqual(waiting(status))
  })

  test('429 is called by its name', () => {
    expect(onOutcome(initialState, answer(429), attemptAt(now))).toStrictEqual({
      state: { ...initialState, ...seen, cause: 'rate-limited', ...backedOff(1, second) },
      verdict: { outcome: 'waiting', reason: 'rate-limited', status: 429 },
    })
  })
})

describe('401, 403, 404, other 3xx and 4xx, redirects: the hit is deferred', () => {
  const slow = (delayMs: number, status?: number): Verdict => ({
    outcome: 'waiting',
    reason: 'status',
    due: now + delayMs,
    status,
  })
  const first = { ...seen, cause: 'status', rejections: 1 } as const

  const rows = (status?: number): Transition[] => [
    ['new', slow(5 * minute, status), first],
    ['readable', slow(5 * minute, status), first],
    ['backing off', slow(5 * minute, status), { ...first, ...calm }],
    ['one network error from open', slow(5 * minute, status), { ...first, ...calm }],
    ['open', slow(5 * minute, status), { ...first, ...calm }],
    // The third in a row opens the breaker: the others wait too.
    [
      'twice refused',
      slow(20 * minute, status),
      { rejections: 3, retryFrom: now, retryAt: now + 20 * minute },
    ],
    [
      'refused',
      slow(40 * minute, status),
      { rejections: 4, retryFrom: now, retryAt: now + 40 * minute },
    ],
    ['opaque', slow(5 * minute, status), first],
    ['asked for silence', slow(5 * minute, status), first],
  ]
  describe('401', () => transitions(answer(401), rows(401)))
  describe('an opaque redirect', () => transitions(redirect, rows()))

  test.each([
    199, 300, 301, 302, 303, 304, 307, 308, 401, 402, 403, 404, 405, 409, 410, 431, 451, 499,
  ])('%i', (status) => {
    const { verdict } = onOutcome(initialState, answer(status), attemptAt(now))
    expect(verdict).toStrictEqual(slow(5 * minute, status))
  })

  test.each([
    [0, 5],
    [1, 10],
    [2, 20],
    [3, 40],
    [4, 60],
    [5, 60],
    [5000, 60],
  ])('after %i rejections in a row the hit waits for %i min', (rejections, minutes) => {
    const { verdict } = onOutcome({ ...initialState, rejections }, answer(404), attemptAt(now))
    expect(verdict).toStrictEqual(slow(minutes * minute, 404))
  })

  test.each([
    // Never below 5 min.
    [0, 0, 5],
    [0, 0.99, 5],
    [1, 0, 6.67],
    [1, 0.5, 8.33],
    [4, 0, 60],
    [3, 0, 35],
  ])('after %i rejections, with a random number of %d: %d min', (rejections, random, minutes) => {
    const state = { ...initialState, rejections }
    const { verdict } = onOutcome(state, answer(404), attemptAt(now, { random }))
    const waitMs = 'due' in verdict ? (verdict.due ?? 0) - now : 0
    expect(waitMs / minute).toBeCloseTo(minutes, 2)
  })
})

describe('network errors while online, at an endpoint whose answers can be read', () => {
  const waiting: Verdict = { outcome: 'waiting', reason: 'network' }
  const blocked: Verdict = { outcome: 'waiting', reason: 'blocked' }

  transitions(network, [
    ['readable', waiting, { networkErrors: 1, ...backedOff(1, second) }],
    ['backing off', waiting, { cause: 'network', networkErrors: 1, ...backedOff(4, 8 * second) }],
    [
      'one network error from open',
      blocked,
      { cause: 'blocked', networkErrors: 3, ...backedOff(3, 4 * second) },
    ],
    ['twice refused', waiting, { cause: 'network', networkErrors: 1, ...backedOff(1, second) }],
    ['refused', blocked, { cause: 'blocked', networkErrors: 1, ...backedOff(1, second) }],
    ['asked for silence', waiting, { networkErrors: 1, ...backedOff(1, second) }],
  ])

  test('an open breaker takes a step more', () => {
    const open = { ...states.open, answers: 'readable' } as const
    expect(onOutcome(open, network, attemptAt(now))).toStrictEqual({
      state: { ...open, networkErrors: 4, ...backedOff(4, 8 * second) },
      verdict: blocked,
    })
  })

  test('exactly the third in a row opens the breaker', () => {
    let state = { ...initialState, answers: 'readable' } as EndpointState
    const reasons = [1, 2, 3, 4].map((minutes) => {
      const decided = onOutcome(state, network, attemptAt(now + minutes * minute))
      state = decided.state
      return 'reason' in decided.verdict && decided.verdict.reason
    })
    expect(reasons).toEqual(['network', 'network', 'blocked', 'blocked'])
  })

  test('a readable answer in between starts the count afresh', () => {
    const { state } = onOutcome(states['one network error from open'], answer(503), attemptAt(now))
    const { verdict } = onOutcome(state, network, attemptAt(now + minute))
    expect(verdict).toStrictEqual(waiting)
  })
})

describe('timeouts back off, but never open the breaker', () => {
  const waiting: Verdict = { outcome: 'waiting', reason: 'timeout' }
  const cause = 'timeout'

  transitions(timeout, [
    ['new', waiting, { cause, ...backedOff(1, second) }],
    ['readable', waiting, { cause, ...backedOff(1, second) }],
    ['backing off', waiting, { cause, ...backedOff(4, 8 * second) }],
    ['one network error from open', waiting, { cause, ...backedOff(3, 4 * second) }],
    ['open', waiting, { cause, ...backedOff(4, 8 * second) }],
    ['twice refused', waiting, { cause, ...backedOff(1, second) }],
    ['refused', waiting, { cause, ...backedOff(1, second) }],
    ['opaque', waiting, { cause, ...backedOff(1, second) }],
    ['asked for silence', waiting, { cause, ...backedOff(1, second) }],
  ])
})

describe('what says nothing about the endpoint changes nothing', () => {
  describe('network errors while offline', () => {
    const waiting: Verdict = { outcome: 'waiting', reason: 'offline' }
    const all = Object.keys(states) as StateName[]
    const rows = all.map((name): Transition => [name, waiting, {}])
    transitions(network, rows, { online: false })
  })

  describe.each([
    ['network', network],
    ['timeout', timeout],
  ] as const)('a %s error after the page has gone', (reason, outcome) => {
    const all = Object.keys(states) as StateName[]
    const rows = all.map((name): Transition => [name, { outcome: 'waiting', reason }, {}])
    transitions(outcome, rows, { left: true })
  })

  test.each([
    ['200', answer(200), 'accepted'],
    ['503', answer(503), 'waiting'],
    ['404', redirect, 'waiting'],
  ] as const)('but %s counts after the page has gone', (_, outcome, verdict) => {
    const decided = onOutcome(states.open, outcome, attemptAt(now, { left: true }))
    expect(decided).toEqual(onOutcome(states.open, outcome, attemptAt(now)))
    expect(decided.verdict.outcome).toBe(verdict)
    expect(decided.state).not.toEqual(states.open)
  })

  test('an opaque answer counts after the page has gone', () => {
    const left = attemptAt(now, { left: true, mode: 'no-cors' })
    expect(onOutcome(states.opaque, opaque, left).verdict.outcome).toBe('accepted')
  })
})

describe('how the steps double', () => {
  /** The delays after failures that come one after the other, up to where they stay the same. */
  function delays(first: EndpointState, outcome: Outcome, count: number, random = 1): number[] {
    let state: EndpointState = first
    let at = now
    return Array.from({ length: count }, () => {
      at = Math.max(at, state.retryAt) + second
      ;({ state } = onOutcome(state, outcome, attemptAt(at, { random })))
      return (state.retryAt - at) / second
    })
  }
  // With the longest spread: half of what is 20 s or more, and 5 min at most.
  const to256 = [1, 2, 4, 8, 16, 32 * 1.5, 64 * 1.5, 128 * 1.5, 256 * 1.5]

  test.each([
    ['503', answer(503)],
    ['a timeout', timeout],
  ])('%s: from 1 s to 5 min', (_, outcome) => {
    expect(delays(initialState, outcome, 12)).toEqual([...to256, 450, 450, 450])
  })

  test('network errors: from 1 s to 30 min', () => {
    const seconds = delays({ ...initialState, answers: 'readable' }, network, 13)
    expect(seconds).toEqual([...to256, 512 * 1.5, 1024 + 300, 1800 + 300, 1800 + 300])
  })

  test('network errors before the breaker opens: at most 5 min', () => {
    const weary: EndpointState = { ...initialState, answers: 'readable', step: 11 }
    expect(delays(weary, network, 4)).toEqual([450, 450, 2100, 2100])
  })

  test('a step beyond all numbers', () => {
    expect(delays({ ...initialState, step: 5000 }, timeout, 1)).toEqual([450])
  })

  test.each([
    [0, 2 / 3],
    [0.5, 5 / 6],
    [1, 1],
  ])('with a random number of %d: %d of it', (random, part) => {
    const expected = [1, 2, 4].map((seconds) => Math.round(seconds * part * second) / second)
    expect(delays(initialState, timeout, 3, random)).toEqual(expected)
  })
})

describe('requests that were in flight together fail together', () => {
  const first = onOutcome({ ...initialState, answers: 'readable' }, timeout, attemptAt(now)).state
  const late = { sentAt: now - 1, now: now + 50 }

  test.each<[string, Outcome, Verdict, Partial<EndpointState>]>([
    ['timeout', timeout, { outcome: 'waiting', reason: 'timeout' }, {}],
    [
      '503',
      answer(503),
      { outcome: 'waiting', reason: 'status', status: 503 },
      { cause: 'status' },
    ],
  ])('a second failure (%s) does not double the step', (_, outcome, verdict, changes) => {
    expect(onOutcome(first, outcome, attemptAt(now, late))).toStrictEqual({
      state: { ...first, ...changes },
      verdict,
    })
  })

  test('nor does one that comes in the same millisecond', () => {
    const { state } = onOutcome(first, timeout, attemptAt(now))
    expect(state).toStrictEqual(first)
  })

  test('a request that left when the step was taken is a failure of its own', () => {
    const { state } = onOutcome(first, timeout, attemptAt(now + 50, { sentAt: now }))
    expect(state).toMatchObject({ step: 2, steppedAt: now + 50 })
  })

  test('three network errors of one moment do not open the breaker', () => {
    const sent = { sentAt: now - 300 }
    let state: EndpointState = { ...initialState, answers: 'readable' }
    for (const at of [now, now + 10, now + 20]) {
      ;({ state } = onOutcome(state, network, attemptAt(at, sent)))
    }
    expect(state).toMatchObject({ networkErrors: 1, step: 1 })
  })

  test('after the clock was set back, every failure counts again', () => {
    const ahead = { ...initialState, step: 1, steppedAt: now + 3 * hour }
    const { state } = onOutcome(ahead, answer(503), attemptAt(now))
    expect(state).toMatchObject({ step: 2, retryAt: now + 2 * second })
  })
})

describe('how the return is spread', () => {
  test.each([
    [1000, 0, 667],
    [1000, 0.5, 833],
    [1000, 1, 1000],
    // Over five minutes at most.
    [30 * minute, 0, 25 * minute],
    [30 * minute, 1, 30 * minute],
  ])('a backoff of %i ms, with a random number of %d, takes %i', (delayMs, random, expected) => {
    expect(jittered(delayMs, random)).toBe(expected)
  })

  test.each([
    // A short silence needs no more than the backoff's own jitter.
    [20 * second - 1, 1, 0],
    [20 * second, 0, 0],
    [20 * second, 1, 10 * second],
    [minute, 0.5, 15 * second],
    [hour, 1, 5 * minute],
  ])(
    '%i ms of silence, with a random number of %d, take %i more',
    (silenceMs, random, expected) => {
      expect(spreadAfter(silenceMs, random)).toBe(expected)
    },
  )
})

describe('Retry-After', () => {
  const limitAfter = (
    state: EndpointState,
    status: number,
    retryAfterMs: number,
    more: Partial<Attempt> = {},
  ) => {
    const attempt = attemptAt(now, { random: 0, ...more })
    const { limitedFrom, limitedUntil } = onOutcome(
      state,
      answer(status, retryAfterMs),
      attempt,
    ).state
    return { limitedFrom, limitedUntil }
  }
  const from = (began: number, until: number) => ({ limitedFrom: began, limitedUntil: until })

  test.each([429, 503, 408, 401, 404, 302])('is a rate limit after %i', (status) => {
    expect(limitAfter(initialState, status, 2 * minute)).toEqual(from(now, now + 2 * minute))
  })

  test('is spread, each browser for itself', () => {
    const limit = limitAfter(initialState, 429, 2 * minute, { random: 0.5 })
    expect(limit).toEqual(from(now, now + 2.5 * minute))
  })

  test('comes on top of the backoff', () => {
    expect(onOutcome(initialState, answer(429, 10 * second), attemptAt(now))).toStrictEqual({
      state: {
        ...initialState,
        ...seen,
        cause: 'rate-limited',
        ...backedOff(1, second),
        ...from(now, now + 10 * second),
      },
      verdict: { outcome: 'waiting', reason: 'rate-limited', status: 429 },
    })
  })

  test.each([200, 204, 400, 413, 422])('means nothing after %i', (status) => {
    expect(limitAfter(initialState, status, 2 * minute)).toEqual(from(0, 0))
  })

  test('is an hour at most', () => {
    expect(limitAfter(initialState, 429, 30 * 24 * hour)).toEqual(from(now, now + hour))
  })

  test('never shortens a silence that is in force', () => {
    const state = { ...initialState, ...from(now - minute, now + 50 * minute) }
    expect(limitAfter(state, 429, minute).limitedUntil).toBe(now + 50 * minute)
  })

  test('counts even if the one before was asked for by a clock that ran ahead', () => {
    const state = { ...initialState, ...from(now + 4 * hour, now + 5 * hour) }
    expect(limitAfter(state, 429, minute)).toEqual(from(now, now + minute))
  })
})

describe('an endpoint whose answers carry no CORS headers (design, Delivery 10)', () => {
  const again: Verdict = { outcome: 'again' }
  const noCors = { mode: 'no-cors' } as const
  const unconfirmed: Verdict = { outcome: 'accepted', reason: 'unconfirmed' }
  const inAnHour = (reachedAt = now): Verdict => ({
    outcome: 'waiting',
    reason: 'network',
    due: now + hour,
    reachedAt,
  })
  const states4 = ['new', 'open', 'opaque', 'readable'] as const

  describe('a network error is followed by the same hit, no-cors, unless an answer was ever read', () => {
    transitions(network, [
      ['new', again, {}],
      ['opaque', again, {}],
    ])
    // Once that was rejected too and the breaker has opened, at every fourth step.
    test.each([
      [3, 'again'],
      [4, 'waiting'],
      [5, 'waiting'],
      [6, 'waiting'],
      [7, 'again'],
    ])('with an open breaker at step %i: %s', (step, expected) => {
      const { verdict } = onOutcome({ ...states.open, step }, network, attemptAt(now))
      expect(verdict.outcome).toBe(expected)
    })

    test('not in a page that is isolated', () => {
      const { verdict } = onOutcome(initialState, network, attemptAt(now, { noCors: false }))
      expect(verdict).toStrictEqual({ outcome: 'waiting', reason: 'network' })
    })
  })

  describe('rejected as well: unreachable, or blocked', () => {
    transitions(
      network,
      [
        [
          'new',
          { outcome: 'waiting', reason: 'network' },
          { networkErrors: 1, ...backedOff(1, second) },
        ],
        [
          'opaque',
          { outcome: 'waiting', reason: 'network' },
          { networkErrors: 1, ...backedOff(1, second) },
        ],
      ],
      noCors,
    )
  })

  describe('resolved for the first time: it was reached; the hit waits for an hour', () => {
    transitions(
      opaque,
      [
        ['new', inAnHour(), {}],
        ['readable', inAnHour(), {}],
        ['backing off', inAnHour(), calm],
        ['one network error from open', inAnHour(), { ...calm, networkErrors: 0 }],
        ['open', inAnHour(), { ...calm, networkErrors: 0 }],
        ['twice refused', inAnHour(), {}],
        ['asked for silence', inAnHour(), {}],
      ],
      noCors,
    )
  })

  describe('resolved again before the hour is over: it still waits', () => {
    const reachedAt = now - hour + 1
    const more = { ...noCors, reachedAt }
    transitions(opaque, [['new', inAnHour(reachedAt), {}]], more)
  })

  describe('resolved again an hour later: accepted, and the endpoint counts as opaque', () => {
    const more = { ...noCors, reachedAt: now - hour }
    transitions(
      opaque,
      [
        ['new', unconfirmed, { answers: 'opaque', probedAt: now }],
        ['open', unconfirmed, { ...calm, networkErrors: 0, answers: 'opaque', probedAt: now }],
        // An answer could be read meanwhile: what cannot be read now is an outage.
        ['readable', inAnHour(now - hour), {}],
      ],
      more,
    )
  })

  describe('once it is opaque, a hit is accepted when its request resolves', () => {
    transitions(opaque, [['opaque', unconfirmed, {}]], noCors)

    test('and the breaker closes', () => {
      const shut: EndpointState = { ...states.open, answers: 'opaque' }
      expect(onOutcome(shut, opaque, attemptAt(now, noCors)).state).toStrictEqual({
        ...shut,
        ...calm,
        networkErrors: 0,
      })
    })
  })

  test.each(states4)('%s: a readable answer ends it', (name) => {
    expect(onOutcome(states[name], answer(200), attemptAt(now)).state.answers).toBe('readable')
    expect(onOutcome(states[name], answer(404), attemptAt(now)).state.answers).toBe('readable')
    expect(onOutcome(states[name], redirect, attemptAt(now)).state.answers).toBe('readable')
  })

  test.each([5 * second, 10 * minute, 5 * hour])(
    'is found out after an outage of %i ms, too, that began before an answer could be read',
    (outageMs) => {
      let state: EndpointState = initialState
      let at = now
      let mode = modeFor(state, at)
      let requests = 0
      while (requests < 10) {
        const isThere = at >= now + outageMs
        if (isThere) requests += 1
        const isReached = isThere && mode === 'no-cors'
        const decided = onOutcome(state, isReached ? opaque : network, attemptAt(at, { mode }))
        state = decided.state
        if (isReached) break
        if (decided.verdict.outcome === 'again') mode = 'no-cors'
        else {
          at = Math.max(at, state.retryAt)
          mode = modeFor(state, at)
        }
      }
      expect(requests).toBeLessThanOrEqual(5)
      expect(state).toMatchObject({ networkErrors: 0, step: 0 })
    },
  )

  test('the whole way of the first hit: twice two requests, an hour apart', () => {
    const way: [Outcome, Verdict['outcome']][] = [
      [network, 'again'],
      [opaque, 'waiting'],
      [network, 'again'],
      [opaque, 'accepted'],
    ]
    let state: EndpointState = initialState
    let reachedAt: number | undefined
    way.forEach(([outcome, expected], index) => {
      const at = now + (index < 2 ? 0 : hour)
      const mode = outcome === opaque ? 'no-cors' : 'cors'
      const decided = onOutcome(state, outcome, attemptAt(at, { mode, reachedAt }))
      expect(decided.verdict.outcome).toBe(expected)
      if ('reachedAt' in decided.verdict) reachedAt = decided.verdict.reachedAt
      state = decided.state
    })
    expect(state).toStrictEqual({ ...initialState, answers: 'opaque', probedAt: now + hour })
  })

  test('a hit that was reached by a clock that ran ahead is not re-sent for ever', () => {
    const ahead = attemptAt(now, { ...noCors, reachedAt: now + 30 * 24 * hour })
    const { verdict } = onOutcome(initialState, opaque, ahead)
    const reachedAt = 'reachedAt' in verdict ? verdict.reachedAt : undefined
    const later = onOutcome(initialState, opaque, attemptAt(now + hour, { ...noCors, reachedAt }))
    expect([verdict, later.verdict]).toContainEqual(unconfirmed)
  })
})
