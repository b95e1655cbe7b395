import { describe, expect, test } from 'vitest'
import { checkFault } from '../../src/testing/check-fault.ts'
import type { Fault } from '../../src/testing/index.ts'
import { featureHit, identityHit, isPending, post, rawRequest, startCollector } from './support.ts'

const marker = featureHit({ event_id: 'fedcba9876543210' })

describe('status', () => {
  test.each<[string, Fault, number, Record<string, string | null>]>([
    [
      'is readable',
      { kind: 'status', status: 503 },
      503,
      { 'access-control-allow-origin': '*', 'retry-after': null, location: null },
    ],
    [
      'has an exposed Retry-After in seconds',
      { kind: 'status', status: 429, retryAfter: 2 },
      429,
      { 'retry-after': '2', 'access-control-expose-headers': 'Retry-After' },
    ],
    [
      'has a Retry-After date',
      { kind: 'status', status: 503, retryAfter: 'Wed, 21 Oct 2026 07:28:00 GMT' },
      503,
      { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' },
    ],
    [
      'hides Retry-After',
      { kind: 'status', status: 429, retryAfter: 0, exposeRetryAfter: false },
      429,
      { 'retry-after': '0', 'access-control-expose-headers': null },
    ],
    [
      'is unreadable',
      { kind: 'status', status: 503, retryAfter: 2, cors: false },
      503,
      { 'access-control-allow-origin': null, 'access-control-expose-headers': null },
    ],
    ['redirects', { kind: 'status', status: 302, location: '/login' }, 302, { location: '/login' }],
  ])('%s', async (_, fault, status, headers) => {
    const collector = await startCollector()
    collector.fault(fault)
    const response = await post(collector)
    expect(response.status).toBe(status)
    for (const [name, value] of Object.entries(headers)) {
      expect([name, response.headers.get(name)]).toEqual([name, value])
    }
    expect(collector.requests).toMatchObject([{ status, accepted: false, problems: [] }])
  })

  test.each([
    ['of 2xx accepts a hit', 204, featureHit(), true],
    ['of 2xx accepts no invalid hit', 204, featureHit({ rec: '2' }), false],
    ['of 3xx accepts nothing', 300, featureHit(), false],
  ])('%s', async (_, status, hit, accepted) => {
    const collector = await startCollector()
    collector.fault({ kind: 'status', status })
    await post(collector, hit)
    expect(collector.requests).toMatchObject([{ status, accepted }])
  })
})

describe('hang', () => {
  test('sends nothing', async () => {
    const collector = await startCollector()
    collector.fault({ kind: 'hang', at: 'headers', times: 1 })
    const hung = expect(post(collector)).rejects.toThrow('fetch failed')
    await post(collector, marker)
    expect(await isPending(hung)).toBe(true)
    expect(collector.requests).toMatchObject([
      { status: 0, accepted: false },
      { status: 200, accepted: true },
    ])
    await collector.close()
    await hung
  })

  test('sends headers and no body', async () => {
    const collector = await startCollector()
    collector.fault({ kind: 'hang', at: 'body', times: 1 })
    const response = await post(collector)
    expect(response.status).toBe(200)
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    const hung = expect(response.text()).rejects.toThrow('terminated')
    await post(collector, marker)
    expect(await isPending(hung)).toBe(true)
    expect(collector.requests).toMatchObject([
      { status: 200, accepted: false },
      { status: 200, accepted: true },
    ])
    await collector.close()
    await hung
  })
})

test('reset cuts the connection after the whole request', async () => {
  const collector = await startCollector()
  collector.fault({ kind: 'reset' })
  const body = new URLSearchParams(featureHit()).toString()
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const sent = rawRequest(collector.endpoint, { method: 'POST', headers, body })
  await expect(sent).rejects.toMatchObject({ code: 'ECONNRESET' })
  expect(collector.requests).toMatchObject([
    { status: 0, accepted: false, problems: [], hit: featureHit() },
  ])
})

describe('slow', () => {
  test('takes a hit at once and answers late', async () => {
    const collector = await startCollector()
    collector.fault({ kind: 'slow', ms: 200 })
    const start = performance.now()
    const response = post(collector)
    await collector.hits()
    expect(await isPending(response)).toBe(true)
    expect((await response).status).toBe(200)
    // Node's timers may be early by less than a millisecond.
    expect(performance.now() - start).toBeGreaterThan(199)
  })

  test('refuses an invalid hit', async () => {
    const collector = await startCollector()
    collector.fault({ kind: 'slow', ms: 1 })
    expect((await post(collector, featureHit({ rec: '2' }))).status).toBe(400)
    expect(collector.requests).toMatchObject([{ accepted: false }])
  })
})

test.each([
  ['takes a hit', featureHit(), 200],
  ['refuses an invalid hit', featureHit({ rec: '2' }), 400],
])('no-cors %s and lets no page know', async (_, hit, status) => {
  const collector = await startCollector()
  collector.fault({ kind: 'no-cors' })
  const response = await post(collector, hit)
  expect(response.status).toBe(status)
  expect(response.headers.get('access-control-allow-origin')).toBeNull()
  expect(collector.requests).toMatchObject([{ status, accepted: status === 200 }])
})

test('a fault strikes so many times, and only those it concerns', async () => {
  const collector = await startCollector()
  const where: Fault['where'] = ({ action }) => action === 'ev'
  collector.fault({ kind: 'status', status: 500, times: 2, where })
  for (const hit of [featureHit(), identityHit(), featureHit(), featureHit()]) {
    await post(collector, hit)
  }
  expect(collector.requests.map(({ status }) => status)).toEqual([500, 200, 500, 200])
})

test('a fault lasts until it is cleared or another comes', async () => {
  const collector = await startCollector()
  const faults: (Fault | undefined)[] = [
    { kind: 'status', status: 500, times: 9 },
    { kind: 'status', status: 502 },
    undefined,
  ]
  for (const fault of faults) {
    collector.fault(fault)
    await post(collector)
    await post(collector)
  }
  expect(collector.requests.map(({ status }) => status)).toEqual([500, 500, 502, 502, 200, 200])
})

test('a fault spares preflights', async () => {
  const collector = await startCollector()
  collector.fault({ kind: 'status', status: 500, times: 1 })
  expect((await rawRequest(collector.endpoint, { method: 'OPTIONS' })).status).toBe(204)
  expect((await post(collector)).status).toBe(500)
})

test('a fault strikes an invalid hit too', async () => {
  const collector = await startCollector()
  collector.fault({ kind: 'status', status: 500 })
  expect((await post(collector, {})).status).toBe(500)
})

test('a wrong fault is thrown back and changes nothing', async () => {
  const collector = await startCollector()
  collector.fault({ kind: 'status', status: 500 })
  const wrong = () => collector.fault({ kind: 'status', status: 99, times: 0 })
  expect(wrong).toThrow(TypeError)
  expect(wrong).toThrow(
    '`status` must be a whole number from 200 to 599 (received: 99). `times` must be a whole number from 1 (received: 0).',
  )
  expect((await post(collector)).status).toBe(500)
})

test.each<[unknown]>([
  [{ kind: 'status', status: 200 }],
  [{ kind: 'status', status: 599, retryAfter: 0, exposeRetryAfter: true, cors: true }],
  [{ kind: 'hang', at: 'headers', where: () => true }],
  [{ kind: 'hang', at: 'body', times: 1 }],
  [{ kind: 'reset' }],
  [{ kind: 'slow', ms: 0 }],
  [{ kind: 'slow', ms: 2147483647 }],
  [{ kind: 'no-cors' }],
])('%o is a fault', (value) => {
  expect(checkFault(value)).toEqual([])
})

test.each<[unknown, string]>([
  [undefined, '`fault` must be an object (received: nothing).'],
  ['reset', '`fault` must be an object (received: "reset").'],
  [{}, '`kind` must be one of status, hang, reset, slow, no-cors (received: nothing).'],
  [
    { kind: 'constructor' },
    '`kind` must be one of status, hang, reset, slow, no-cors (received: "constructor").',
  ],
  [
    { kind: ['reset'] },
    '`kind` must be one of status, hang, reset, slow, no-cors (received: an array).',
  ],
  [{ kind: 'status' }, '`status` must be a whole number from 200 to 599 (received: nothing).'],
  [
    { kind: 'status', status: 600 },
    '`status` must be a whole number from 200 to 599 (received: 600).',
  ],
  [
    { kind: 'status', status: '503' },
    '`status` must be a whole number from 200 to 599 (received: "503").',
  ],
  [
    { kind: 'status', status: 503, retryAfter: 1.5 },
    '`retryAfter` must be whole seconds or a header text (received: 1.5).',
  ],
  [
    { kind: 'status', status: 503, retryAfter: 'a\nb' },
    '`retryAfter` must be whole seconds or a header text (received: "a\\u000ab").',
  ],
  [{ kind: 'status', status: 302, location: 7 }, '`location` must be a header text (received: 7).'],
  [{ kind: 'status', status: 503, cors: null }, '`cors` must be a boolean (received: null).'],
  [{ kind: 'hang' }, '`at` must be `headers` or `body` (received: nothing).'],
  [{ kind: 'hang', at: 'end' }, '`at` must be `headers` or `body` (received: "end").'],
  [
    { kind: 'slow', ms: 2147483648 },
    '`ms` must be milliseconds from 0 to 2147483647 (received: 2147483648).',
  ],
  [{ kind: 'slow', ms: -1 }, '`ms` must be milliseconds from 0 to 2147483647 (received: -1).'],
  [{ kind: 'reset', where: {} }, '`where` must be a function (received: an object).'],
  [{ kind: 'reset', times: 1.5 }, '`times` must be a whole number from 1 (received: 1.5).'],
  [{ kind: 'reset', status: 500 }, '`status` is not a part of the fault `reset`.'],
])('%o is no fault', (value, problem) => {
  expect(checkFault(value)).toEqual([problem])
})
