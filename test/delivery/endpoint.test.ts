import { describe, expect, test } from 'vitest'
import {
  type EndpointState,
  type Traffic,
  departed,
  encouraged,
  hour,
  inForce,
  isDue,
  isBreakerOpen,
  jittered,
  leaseMs,
  maxAgeMs,
  minute,
  modeFor,
  obstacle,
  freeFrom,
  parseEndpointState,
  second,
  timeoutMs,
  untried,
} from '../../src/delivery/endpoint.ts'
import { type StateName, now, states } from './support.ts'

const names = Object.keys(states) as StateName[]
const state = (more: Partial<EndpointState>): EndpointState => ({ ...untried, ...more })

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
  ['the past', now - 1, false],
  ['now', now, false],
  ['a moment ahead', now + 1, true],
  ['an hour ahead', now + hour, true],
  ['further ahead, so that the clock was set back', now + hour + 1, false],
])('a time in %s (%i) is in force: %j', (_, until, expected) => {
  expect(inForce(until, now)).toBe(expected)
})

test.each([
  [1000, 0, 750],
  [1000, 0.5, 875],
  [1000, 0.999_999, 1000],
  [1001, 0, 751],
])('jittered(%i, %d) is %i', (delayMs, random, expected) => {
  expect(jittered(delayMs, random)).toBe(expected)
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
  const free: Traffic = { now, online: true, requests: 0, bytes: 0, leaving: false }
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
    ['no network, before all else', { floor: later, ...open }, { online: false }, 'offline'],
    ['a floor', { floor: later }, {}, 'rate-limited'],
    ['a floor that was', { floor: past }, {}, undefined],
    ['a floor, before a backoff', { floor: later, retryAt: later }, {}, 'rate-limited'],
    ['a backoff after a timeout', { retryAt: later, cause: 'timeout' }, {}, 'timeout'],
    ['a backoff after a 503', { retryAt: later, cause: 'status' }, {}, 'status'],
    ['a backoff that was, so that one may probe', { retryAt: past, step: 1 }, {}, undefined],
    ['a probe in flight', { retryAt: past, step: 1 }, { requests: 1 }, 'busy'],
    ['an open breaker', { ...open, retryAt: later }, {}, 'blocked'],
    ['an open breaker whose time has come', { ...open, retryAt: past }, {}, undefined],
    ['its probe in flight', { ...open, retryAt: past }, { requests: 1 }, 'busy'],
    ['the probe after rejections', { rejections: 3, retryAt: past }, { requests: 1 }, 'busy'],
    ['two rejections leave the road free', { rejections: 2 }, { requests: 1 }, undefined],
  ])('in a page that stays: %s', (_, known, traffic, expected) => {
    expect(obstacle(state(known), { ...free, ...traffic })).toBe(expected)
  })

  test.each<[string, Partial<EndpointState>, Partial<Traffic>, string | undefined]>([
    ['nothing', {}, {}, undefined],
    ['no network', {}, { online: false }, 'offline'],
    ['a floor', { floor: later }, {}, 'rate-limited'],
    ['a backoff is none', { retryAt: later, step: 3 }, { requests: 3 }, undefined],
    ['an open breaker', open, {}, 'blocked'],
    ['an open breaker whose time has come', { ...open, retryAt: past }, {}, 'blocked'],
    ['three rejections', { rejections: 3 }, {}, 'blocked'],
    ['two in flight are few', {}, { requests: 2 }, undefined],
    ['199 in flight', {}, { requests: 199 }, undefined],
    ['200 in flight', {}, { requests: 200 }, 'busy'],
    ['48 KiB in flight', {}, { bytes: 48 * kib + 1 }, undefined],
    ['60 KiB in flight are not too much', {}, { bytes: 60 * kib }, undefined],
    ['more than 60 KiB in flight', {}, { bytes: 60 * kib + 1 }, 'busy'],
  ])('in a page that goes: %s', (_, known, traffic, expected) => {
    expect(obstacle(state(known), { ...free, leaving: true, ...traffic })).toBe(expected)
  })
})

test.each([
  ['now', {}, now],
  ['now, when all is over', { floor: now - 2, retryAt: now - 1 }, now],
  ['the floor', { floor: now + 9, retryAt: now + 5 }, now + 9],
  ['the end of the backoff', { floor: now + 5, retryAt: now + 9 }, now + 9],
  ['now, when the clock was set back', { floor: now + 2 * hour, retryAt: now + 3 * hour }, now],
])('the road is open from: %s', (_, known, expected) => {
  expect(freeFrom(state(known), now)).toBe(expected)
})

describe('a request that departs', () => {
  test.each<[StateName, Partial<EndpointState>]>([
    ['untried', {}],
    ['readable', {}],
    ['twice refused', {}],
    ['opaque', {}],
    ['asked for silence', {}],
    // The other tabs wait for what it finds.
    ['backing off', { retryAt: now + timeoutMs }],
    ['open', { retryAt: now + timeoutMs }],
    ['refused', { retryAt: now + timeoutMs }],
  ])('%s', (name, changes) => {
    expect(departed(states[name], 'no-cors', now)).toStrictEqual({ ...states[name], ...changes })
  })

  test('as the readable probe of an opaque endpoint, the next is in an hour', () => {
    expect(departed(states.opaque, 'cors', now)).toStrictEqual({ ...states.opaque, probedAt: now })
    const shut = state({ sight: 'opaque', networkErrors: 3 })
    expect(departed(shut, 'cors', now)).toMatchObject({ probedAt: now, retryAt: now + timeoutMs })
    expect(departed(states.readable, 'cors', now)).toStrictEqual(states.readable)
  })

  test('does not bring the end of a backoff forward', () => {
    const waiting = state({ step: 9, cause: 'timeout', retryAt: now + 4 * minute })
    expect(departed(waiting, 'cors', now).retryAt).toBe(now + 4 * minute)
  })
})

test.each([
  ['an untried endpoint', {}, 'cors'],
  ['a readable one', { sight: 'readable' }, 'cors'],
  ['one that was opaque a moment ago', { sight: 'readable', probedAt: now }, 'cors'],
  ['an opaque one', { sight: 'opaque', probedAt: now }, 'no-cors'],
  ['an opaque one, almost an hour later', { sight: 'opaque', probedAt: now - hour + 1 }, 'no-cors'],
  ['an opaque one, once an hour', { sight: 'opaque', probedAt: now - hour }, 'cors'],
  [
    'an opaque one that nothing reaches',
    { sight: 'opaque', probedAt: now - hour, networkErrors: 3 },
    'no-cors',
  ],
  [
    'an opaque one, after the clock was set back',
    { sight: 'opaque', probedAt: now + hour },
    'cors',
  ],
] as const)('to %s: %s', (_, known, expected) => {
  expect(modeFor(state(known), now)).toBe(expected)
})

test.each(names)('encouraged, the road of an endpoint is free but for a floor: %s', (name) => {
  const before = states[name]
  const after = encouraged(before)
  expect(after).toStrictEqual({ ...before, step: 0, retryAt: 0, networkErrors: 0 })
  const traffic = { now, online: true, requests: 0, bytes: 0, leaving: false }
  expect(obstacle(after, traffic)).toBe(before.floor > now ? 'rate-limited' : undefined)
})

test.each([
  ['in the past', now - 1, 0, true],
  ['now', now, 0, true],
  ['soon', now + 1, 0, false],
  ['in an hour', now + hour, 0, false],
  ['in more than an hour, as of a clock that was set back', now + hour + 1, 0, true],
  ['an hour after a floor', now + hour + minute, now + minute, false],
  ['more than an hour after a floor', now + hour + minute + 1, now + minute, true],
  ['an hour after a floor that was', now + hour + 1, now - minute, true],
  ['never, for it is held', Infinity, 0, false],
  [
    'ahead, and so is a floor, by a clock that was set back',
    now + 30 * hour,
    now + 30 * hour,
    true,
  ],
])('a row whose time is %s is due: %#', (_, due, floor, expected) => {
  expect(isDue(due, state({ floor }), now)).toBe(expected)
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
    ['one field', { floor: now }, { floor: now }],
    ['fields of another kind', { floor: `${now}`, step: null, cause: 5, sight: {} }, {}],
    ['fields of another version', { floor: now, colour: 'red' }, { floor: now }],
  ])('%s', (_, json, changes) => {
    expect(parseEndpointState(json)).toStrictEqual({ ...untried, ...changes })
  })

  test('null is for the reader of the note to catch', () => {
    expect(() => parseEndpointState(null)).toThrow(TypeError)
  })
})
