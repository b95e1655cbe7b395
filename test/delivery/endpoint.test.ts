import { describe, expect, test } from 'vitest'
import {
  type EndpointState,
  type Traffic,
  chancesOnLeaving,
  availableFrom,
  initialState,
  isBreakerOpen,
  modeFor,
  obstacle,
  afresh,
  onProbeLost,
  onSend,
  parseEndpointState,
} from '../../src/delivery/endpoint.ts'
import { hour, leaseMs, maxAgeMs, minute, second, timeoutMs } from '../../src/delivery/limits.ts'
import { type Row, held, isDue } from '../../src/delivery/row.ts'
import { initialWindow, nextWindow, openWindow } from '../../src/delivery/window.ts'
import { type StateName, now, states } from './support.ts'

const names = Object.keys(states) as StateName[]
const state = (more: Partial<EndpointState>): EndpointState => ({ ...initialState, ...more })

/** Silence that was asked for a moment ago, until then. */
const limitedUntil = (until: number) => ({ limitedFrom: now - second, limitedUntil: until })
/** A backoff that began a moment ago, until then. */
const retryAt = (until: number) => ({ retryFrom: now - second, retryAt: until })

test('the numbers that the design promises', () => {
  expect({ second, minute, hour, maxAgeMs, leaseMs, timeoutMs }).toEqual({
    second: 1000,
    minute: 60_000,
    hour: 3_600_000,
    maxAgeMs: 7 * 24 * 3_600_000,
    leaseMs: 20_000,
    timeoutMs: 10_000,
  })
})

test.each([
  [0, 0, false],
  [2, 2, false],
  [3, 0, true],
  [0, 3, true],
  [9, 9, true],
])(
  'with %i network errors and %i rejections the breaker is open: %j',
  (errors, rejections, open) => {
    expect(isBreakerOpen(state({ networkErrors: errors, rejections }))).toBe(open)
  },
)

describe('what stands between a hit and the network', () => {
  const free: Traffic = {
    now,
    online: true,
    requests: 0,
    window: 2,
    bytes: 0,
    leaving: false,
    left: false,
  }
  const kib = 1024
  const later = now + minute
  const past = now - minute
  const open = { networkErrors: 3, cause: 'blocked' } as const

  test.each<[string, Partial<EndpointState>, Partial<Traffic>, string | undefined]>([
    ['nothing', {}, {}, undefined],
    ['nothing, with one in flight', {}, { requests: 1 }, undefined],
    ['two in flight', {}, { requests: 2 }, 'busy'],
    ['48 KiB in flight are not too much', {}, { requests: 1, bytes: 48 * kib }, undefined],
    ['more than 48 KiB in flight', {}, { requests: 1, bytes: 48 * kib + 1 }, 'busy'],
    ['no network', {}, { online: false }, 'offline'],
    [
      'no network, before all else',
      { ...limitedUntil(later), ...open },
      { online: false },
      'offline',
    ],
    ['a rate limit', limitedUntil(later), {}, 'rate-limited'],
    ['one that was', limitedUntil(past), {}, undefined],
    ['one before a backoff', { ...limitedUntil(later), ...retryAt(later) }, {}, 'rate-limited'],
    [
      'one of a clock that was set back',
      { limitedFrom: now + second + 1, limitedUntil: later },
      {},
      undefined,
    ],
    [
      'one of another tab, whose clock is ahead a little',
      { limitedFrom: now + second, limitedUntil: later },
      {},
      'rate-limited',
    ],
    ['a backoff after a timeout', { ...retryAt(later), cause: 'timeout' }, {}, 'timeout'],
    ['a backoff after a 503', { ...retryAt(later), cause: 'status' }, {}, 'status'],
    [
      'one of a clock that was set back',
      { retryFrom: now + second + 1, retryAt: later },
      {},
      undefined,
    ],
    [
      'one of another tab, whose clock is ahead a little',
      { retryFrom: now + second, retryAt: later, cause: 'status' },
      {},
      'status',
    ],
    ['a backoff that was, so that one may probe', { ...retryAt(past), step: 1 }, {}, undefined],
    ['a probe in flight', { ...retryAt(past), step: 1 }, { requests: 1 }, 'busy'],
    ['an open breaker', { ...open, ...retryAt(later) }, {}, 'blocked'],
    ['an open breaker whose time has come', { ...open, ...retryAt(past) }, {}, undefined],
    ['its probe in flight', { ...open, ...retryAt(past) }, { requests: 1 }, 'busy'],
    ['the probe after rejections', { rejections: 3, ...retryAt(past) }, { requests: 1 }, 'busy'],
    ['two rejections stop nobody', { rejections: 2 }, { requests: 1 }, undefined],
    ['a full window', {}, { requests: 4, window: 4 }, 'busy'],
    ['a window with room', {}, { requests: 3, window: 4 }, undefined],
  ])('in a page that stays: %s', (_, known, traffic, expected) => {
    expect(obstacle(state(known), { ...free, ...traffic })).toBe(expected)
  })

  test.each<[string, Partial<EndpointState>, Partial<Traffic>, string | undefined]>([
    ['nothing', {}, {}, undefined],
    ['no network', {}, { online: false }, 'offline'],
    ['a rate limit', limitedUntil(later), {}, 'rate-limited'],
    ['a backoff is none', { ...retryAt(later), step: 3 }, { requests: 3 }, undefined],
    ['an open breaker', open, {}, 'blocked'],
    ['an open breaker whose time has come', { ...open, ...retryAt(past) }, {}, 'blocked'],
    ['three rejections', { rejections: 3 }, {}, 'blocked'],
    ['two in flight are few', {}, { requests: 2 }, undefined],
    ['199 in flight', {}, { requests: 199 }, undefined],
    ['200 in flight', {}, { requests: 200 }, 'busy'],
    ['48 KiB in flight', {}, { bytes: 48 * kib + 1 }, undefined],
    ['60 KiB in flight are not too much', {}, { bytes: 60 * kib }, undefined],
    ['more than 60 KiB in flight', {}, { bytes: 60 * kib + 1 }, 'busy'],
  ])('in a page that goes: %s', (_, known, traffic, expected) => {
    expect(obstacle(state(known), { ...free, leaving: true, left: true, ...traffic })).toBe(
      expected,
    )
  })

  // The page may have a draft to save then.
  test.each([
    ['half of the budget', 32 * kib, undefined],
    ['more than half of it', 32 * kib + 1, 'busy'],
  ])('in a page that is only hidden: %s', (_, bytes, expected) => {
    expect(obstacle(state({}), { ...free, leaving: true, bytes })).toBe(expected)
  })
})

test.each([
  ['now', {}, now],
  ['now, when all is over', { ...limitedUntil(now - 2), ...retryAt(now - 1) }, now],
  ['the end of the silence', { ...limitedUntil(now + 9), ...retryAt(now + 5) }, now + 9],
  ['the end of the backoff', { ...limitedUntil(now + 5), ...retryAt(now + 9) }, now + 9],
  [
    'now, when the clock was set back',
    {
      limitedFrom: now + minute,
      limitedUntil: now + hour,
      retryFrom: now + minute,
      retryAt: now + hour,
    },
    now,
  ],
])('a hit may be tried from: %s', (_, known, expected) => {
  expect(availableFrom(state(known), now)).toBe(expected)
})

test.each([
  ['without trouble', {}, Infinity],
  ['after a backoff, and an answer', retryAt(now), Infinity],
  ['after a backoff', { ...retryAt(now), step: 1 }, 1],
  ['in a backoff', { ...retryAt(now + 1), step: 1 }, 1],
])('on leaving, each hit has so many chances: %s', (_, known, expected) => {
  expect(chancesOnLeaving(state(known))).toBe(expected)
})

describe('a request that is sent', () => {
  const probing = { retryFrom: now, retryAt: now + timeoutMs }

  test.each<[StateName, Partial<EndpointState>]>([
    ['new', {}],
    ['readable', {}],
    ['twice refused', {}],
    ['opaque', {}],
    ['asked for silence', {}],
    // The other tabs wait for what it finds.
    ['backing off', probing],
    ['open', probing],
    ['refused', probing],
  ])('%s', (name, changes) => {
    expect(onSend(states[name], 'no-cors', now)).toStrictEqual({ ...states[name], ...changes })
  })

  test('as the readable probe of an opaque endpoint, the next is in an hour', () => {
    expect(onSend(states.opaque, 'cors', now)).toStrictEqual({ ...states.opaque, probedAt: now })
    const shut = state({ answers: 'opaque', networkErrors: 3 })
    expect(onSend(shut, 'cors', now)).toMatchObject({ probedAt: now, ...probing })
    expect(onSend(states.readable, 'cors', now)).toStrictEqual(states.readable)
  })

  test('does not bring the end of a backoff forward', () => {
    const waiting = state({ step: 9, cause: 'timeout', ...retryAt(now + 4 * minute) })
    expect(onSend(waiting, 'cors', now).retryAt).toBe(now + 4 * minute)
  })

  test.each<[string, Partial<EndpointState>]>([
    ['over', { step: 3, ...retryAt(now - 1) }],
    ['not over', { step: 9, ...retryAt(now + 4 * minute) }],
    ['about to be over', { step: 9, ...retryAt(now + second) }],
  ])('as a probe that nobody hears of leaves the backoff as it was: %s', (_, known) => {
    const before = state(known)
    const sent = onSend(before, 'cors', now)
    expect(onProbeLost(sent, before, sent)).toStrictEqual(before)
    const heard = { ...sent, step: 0, retryAt: 0 }
    expect(onProbeLost(heard, before, sent)).toStrictEqual(heard)
  })
})

test.each([
  ['a new endpoint', {}, 'cors'],
  ['a readable one', { answers: 'readable' }, 'cors'],
  ['one that was opaque a moment ago', { answers: 'readable', probedAt: now }, 'cors'],
  ['an opaque one', { answers: 'opaque', probedAt: now }, 'no-cors'],
  [
    'an opaque one, almost an hour later',
    { answers: 'opaque', probedAt: now - hour + 1 },
    'no-cors',
  ],
  ['an opaque one, once an hour', { answers: 'opaque', probedAt: now - hour }, 'cors'],
  [
    'an opaque one that nothing reaches',
    { answers: 'opaque', probedAt: now - hour, networkErrors: 3 },
    'no-cors',
  ],
  [
    'an opaque one, after the clock was set back',
    { answers: 'opaque', probedAt: now + hour },
    'cors',
  ],
] as const)('to %s: %s', (_, known, expected) => {
  expect(modeFor(state(known), now)).toBe(expected)
})

test.each(names)('online again, nothing but a rate limit stops a hit: %s', (name) => {
  const before = states[name]
  const after = afresh(before)
  expect(after).toStrictEqual({ ...before, step: 0, retryAt: 0, networkErrors: 0 })
  const traffic = {
    now,
    online: true,
    requests: 0,
    window: 1,
    bytes: 0,
    leaving: false,
    left: false,
  }
  expect(obstacle(after, traffic)).toBe(before.limitedUntil > now ? 'rate-limited' : undefined)
})

test.each<[string, Pick<Row, 'due' | 'from'>, boolean]>([
  ['in the past', { due: now - 1 }, true],
  ['now', { due: now }, true],
  ['soon', { due: now + 1 }, false],
  ['soon, as was decided a moment ago', { due: now + 1, from: now }, false],
  ['ahead, as was decided by a clock that differs', { due: now + 9, from: now + second }, false],
  ['ahead, as was decided by one set back', { due: now + 9, from: now + second + 1 }, true],
  ['never, for it is held', { due: held }, false],
  ['never, whatever the clock says', { due: held, from: now + minute }, false],
])('a row whose time is %s is due: %#', (_, row, expected) => {
  expect(isDue(row as Row, now)).toBe(expected)
})

test.each([
  [1, 2],
  [initialWindow, 3],
  [3, 4],
  [4, 4],
])('after an answer, a window of %i is one of %i', (window, next) => {
  expect(nextWindow(window)).toBe(next)
})

test.each([
  [4, 0, 4],
  [4, second - 1, 4],
  [4, second, 2],
  [1, second, 1],
])('of a window of %i, when one has been out for %i ms, %i', (window, oldestMs, expected) => {
  expect(openWindow(window, oldestMs)).toBe(expected)
})

describe('reading what is stored', () => {
  test.each(names)('its own JSON comes back as it was: %s', (name) => {
    expect(parseEndpointState(JSON.parse(JSON.stringify(states[name])))).toStrictEqual(states[name])
  })

  test.each<[string, unknown, Partial<EndpointState>]>([
    ['nothing', {}, {}],
    ['a number', 5, {}],
    ['a text', 'state', {}],
    ['a list', [1, 2], {}],
    ['one field', { retryAt: now }, { retryAt: now }],
    ['fields of another kind', { retryAt: `${now}`, step: null, cause: 5, answers: {} }, {}],
    ['fields of another version', { retryAt: now, floor: 5 }, { retryAt: now }],
  ])('%s', (_, json, changes) => {
    expect(parseEndpointState(json)).toStrictEqual({ ...initialState, ...changes })
  })

  test('null is for the reader of the note to catch', () => {
    expect(() => parseEndpointState(null)).toThrow(TypeError)
  })
})
