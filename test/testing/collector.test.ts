import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startCollector as startWithPages } from '../../src/testing/collector.ts'
import { createGuard, isLoopback, originOf } from '../../src/testing/guard.ts'
import {
  type CollectorOptions,
  type HitFields,
  type HitQuery,
  type ReceivedHit,
  type ReceivedRequest,
  createCollector,
} from '../../src/testing/index.ts'
import { createLog } from '../../src/testing/log.ts'
import { featureHit, identityHit, post, rawRequest, startCollector } from './support.ts'

const form = { 'content-type': 'application/x-www-form-urlencoded' }
const failureOf = async (promise: Promise<unknown>): Promise<Error> => {
  const error = await promise.catch((reason: unknown) => reason)
  if (error instanceof Error) return error
  throw new Error('It did not fail.')
}

const idOf = (index: number): string => String(index).padStart(16, '0')

const built = (file: string): string =>
  JSON.stringify(new URL(`../../dist/${file}`, import.meta.url).href)

/** What a program says that ends by throwing. */
const saidByFailing = async (program: string): Promise<string> => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program])
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  expect(await once(child, 'close')).toEqual([1, null])
  return said
}

describe('an answer', () => {
  test('to a valid hit is 200, for every page to read', async () => {
    const collector = await startCollector()
    const response = await post(collector)
    expect(response.status).toBe(200)
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(await response.text()).toBe('')
  })

  test('to an invalid one is 400 with the problems, for every page to read', async () => {
    const collector = await startCollector()
    const response = await post(collector, featureHit({ rec: undefined, cip: '<b>' }))
    expect(response.status).toBe(400)
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(await response.text()).toBe(
      '`rec` must be `1` (received: nothing).\n`cip` is for server-side senders only.',
    )
  })

  test('to a hit in the query string is 400', async () => {
    const { endpoint } = await startCollector()
    const url = `${endpoint}?${new URLSearchParams({ rec: '1' }).toString()}`
    const { status, text } = await rawRequest(url, { method: 'POST', headers: form })
    expect({ status, text }).toEqual({
      status: 400,
      text: '`query` must be empty: the fields belong in the body (received: "rec=1").',
    })
  })

  test('to a preflight allows it, but it is a problem', async () => {
    const collector = await startCollector()
    const { status, headers } = await rawRequest(collector.endpoint, { method: 'OPTIONS' })
    expect(status).toBe(204)
    expect(headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': '*',
      'access-control-max-age': '0',
    })
    expect(collector.requests).toMatchObject([
      {
        method: 'OPTIONS',
        status: 204,
        accepted: false,
        problems: ['A preflight came: a hit is a CORS-simple request, without headers of its own.'],
      },
    ])
  })

  test('at the root says what this is', async () => {
    const { origin, endpoint } = await startCollector()
    const { status, text } = await rawRequest(origin)
    expect(status).toBe(200)
    expect(text).toBe(`A local stand-in for Skalin's collector. POST hits to ${endpoint}`)
  })

  test.each(['POST', 'PUT', 'OPTIONS'])('at the root takes no %s', async (method) => {
    const { origin, endpoint } = await startCollector()
    const { status, text, headers } = await rawRequest(origin, { method })
    expect({ status, text }).toEqual({
      status: 404,
      text: `There is nothing at /. POST hits to ${endpoint}`,
    })
    expect(headers['access-control-allow-origin']).toBe('*')
  })

  test.each([
    ['/hits', '/hits'],
    ['/hit/', '/hit/'],
    ['//', '//'],
    ['/a?b', '/a'],
    [`/${'x'.repeat(60)}`, `/${'x'.repeat(59)}…`],
  ])('at %j names the right path', async (path, shown) => {
    const collector = await startCollector()
    const { status, text } = await rawRequest(collector.origin, { path })
    expect(status).toBe(404)
    expect(text).toBe(`There is nothing at ${shown}. POST hits to ${collector.endpoint}`)
    expect(collector.requests).toEqual([])
  })
})

describe('the host', () => {
  test.each(['127.0.0.1', 'localhost', 'LocalHost', '[::1]'])('may be %s', async (host) => {
    const { endpoint, origin } = await startCollector()
    const headers = { host: `${host}:${new URL(origin).port}` }
    expect((await rawRequest(endpoint, { method: 'OPTIONS', headers })).status).toBe(204)
  })

  test.each(['/', '/control/events', '/nothing'])('may be no other, at %s', async (path) => {
    const controlOrigin = 'http://localhost:8080'
    const collector = await startCollector({ controlOrigin })
    const { port } = new URL(collector.origin)
    const hosts = [`evil.example:${port}`, `localhost:${port}.evil.example`, 'localhost']
    for (const host of hosts) {
      const headers = { host, origin: controlOrigin }
      const { status, text } = await rawRequest(collector.origin, { path, headers })
      expect([host, status]).toEqual([host, 421])
      expect(text).toBe(
        `This server answers only to the hosts 127.0.0.1:${port}, localhost:${port}, [::1]:${port}.`,
      )
    }
    expect(collector.requests).toEqual([])
  })

  test('may be any for a hit: a container has a name of its own', async () => {
    const collector = await startCollector()
    const headers = {
      host: 'collector:4747',
      'content-type': 'application/x-www-form-urlencoded;charset=UTF-8',
    }
    const body = new URLSearchParams(featureHit()).toString()
    const { status } = await rawRequest(collector.endpoint, { method: 'POST', headers, body })
    expect(status).toBe(200)
    expect(await collector.hits()).toHaveLength(1)
  })

  test.each(['fe80::1%eth0', 'localhost/a', 'localhost:80', 'a@localhost', 'a b'])(
    'that no URL can name is refused: %s',
    async (host) => {
      await expect(startCollector({ host })).rejects.toThrow(
        `\`host\` must be an address or a name of this machine (received: "${host}").`,
      )
    },
  )

  test.each([
    ['0', '127.0.0.1'],
    ['0.0.0.0', '127.0.0.1'],
    ['127.1', '127.0.0.1'],
    ['LOCALHOST', 'localhost'],
  ])('%s is announced as %s, and answers there', async (host, name) => {
    const { origin } = await startCollector({ host })
    expect(new URL(origin).hostname).toBe(name)
    expect((await rawRequest(origin)).status).toBe(200)
  })

  test('is not reached by another address', async () => {
    const { origin } = await startCollector()
    await expect(rawRequest(origin.replace('127.0.0.1', '[::1]'))).rejects.toThrow()
  })
})

describe('a body', () => {
  const tooLarge = 'The body is longer than 65536 bytes and was not read further.'

  test.each([
    ['announced as too large', `content-length: 65537\r\n\r\nrec=1`, ''],
    [
      'that grows too large',
      `transfer-encoding: chunked\r\n\r\n10001\r\n${'x'.repeat(65537)}`,
      undefined,
    ],
  ])('%s is not read further', async (_, rest, body) => {
    const collector = await startCollector()
    const { port, host } = new URL(collector.origin)
    const socket = connect(Number(port), '127.0.0.1')
    let answer = ''
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()))
    // Neither request ever ends: to read on would be to wait forever.
    socket.write(`POST /hit HTTP/1.1\r\nhost: ${host}\r\n${rest}`)
    await once(socket, 'close')
    expect(answer).toContain('HTTP/1.1 413 Payload Too Large')
    expect(answer).toContain('Access-Control-Allow-Origin: *')
    expect(answer).toContain(tooLarge)
    expect(collector.requests).toMatchObject([
      { status: 413, accepted: false, problems: [tooLarge] },
    ])
    if (body !== undefined) expect(collector.requests[0]?.body).toBe(body)
  })

  test('of 64 KiB is read, and too large for a hit', async () => {
    const collector = await startCollector()
    const body = 'x'.repeat(65536)
    const { text } = await rawRequest(collector.endpoint, { method: 'POST', headers: form, body })
    expect(text).toBe('`body` must be at most 16384 bytes (received: 65536).')
    expect(collector.requests[0]?.body).toBe(body)
  })

  test('that is cut off is written down', async () => {
    const collector = await startCollector()
    const { port, host } = new URL(collector.origin)
    const socket = connect(Number(port), '127.0.0.1')
    socket.write(`POST /hit HTTP/1.1\r\nhost: ${host}\r\ncontent-length: 9\r\n\r\nrec=1`, () =>
      socket.destroy(),
    )
    await expect
      .poll(() => collector.requests)
      .toMatchObject([
        {
          body: 'rec=1',
          status: 0,
          accepted: false,
          problems: ['The connection ended before the whole request had come.'],
        },
      ])
  })
})

describe('the log', () => {
  test('holds each request as it came, before its answer', async () => {
    const seen: ReceivedRequest[] = []
    const collector = await startCollector({ onRequest: (received) => seen.push(received) })
    const before = Date.now()
    await post(collector, featureHit({ rec: '2' }))
    await post(collector)
    expect(collector.requests).toEqual([
      {
        at: expect.any(Number) as number,
        method: 'POST',
        url: '/hit',
        headers: expect.objectContaining({
          'content-type': 'application/x-www-form-urlencoded;charset=UTF-8',
        }) as object,
        body: new URLSearchParams(featureHit({ rec: '2' })).toString(),
        hit: featureHit({ rec: '2' }),
        problems: ['`rec` must be `1` (received: "2").'],
        status: 400,
        accepted: false,
      },
      expect.objectContaining({ hit: featureHit(), problems: [], status: 200, accepted: true }),
    ])
    expect(collector.requests[0]?.at).toBeGreaterThanOrEqual(before)
    expect(collector.requests[0]?.at).toBeLessThanOrEqual(Date.now())
    expect(seen).toEqual(collector.requests)
  })

  test('forgets when told', async () => {
    const collector = await startCollector()
    await post(collector)
    collector.clear()
    expect(collector.requests).toEqual([])
    expect(await collector.hits({ count: 0 })).toEqual([])
    await post(collector)
    expect(collector.requests).toHaveLength(1)
  })
})

test('a log with a limit keeps the newest', () => {
  const { add, requests, hits } = createLog(2)
  for (const number of [1, 2, 3, 3]) {
    const hit = featureHit({ event_id: idOf(number) })
    const accepted = number !== 2
    const rest = { method: 'POST', url: '/hit', headers: {}, body: '', problems: [], status: 200 }
    add({ at: number, hit, accepted, ...rest })
  }
  expect(requests.map(({ at }) => at)).toEqual([3, 3])
  expect([...hits.values()].map(({ at }) => at)).toEqual([1, 3])
  const hit = featureHit({ event_id: idOf(4) })
  add({ ...(hits.values().next().value as ReceivedHit), hit, at: 4 })
  expect([...hits.values()].map(({ at }) => at)).toEqual([3, 4])
})

test('only a collector with pages forgets by itself', async () => {
  const bounded = await startWithPages({}, () => Promise.resolve(undefined))
  onTestFinished(bounded.close)
  const unbounded = await startCollector()
  for (const collector of [bounded, unbounded]) {
    for (let count = 0; count < 101; count += 1) await post(collector)
  }
  expect([bounded.requests.length, unbounded.requests.length]).toEqual([100, 101])
})

describe('hits', () => {
  test('are waited for', async () => {
    const collector = await startCollector()
    const hits = collector.hits({ count: 2 })
    await post(collector, featureHit({ event_id: idOf(1) }))
    await post(collector, featureHit({ event_id: idOf(2) }))
    expect((await hits).map(({ hit }) => hit['event_id'])).toEqual([idOf(1), idOf(2)])
  })

  test('are the last ones of each event, in the order of the first', async () => {
    const collector = await startCollector()
    const sent = [
      featureHit({ event_id: idOf(1) }),
      featureHit({ event_id: idOf(2) }),
      featureHit({ event_id: idOf(1), client_id: 'other' }),
      featureHit({ event_id: idOf(1), customer_id: 'acme' }),
    ]
    for (const hit of sent) await post(collector, hit)
    const hits = await collector.hits({ count: 3 })
    expect(hits.map(({ hit }) => hit)).toEqual([sent[3], sent[1], sent[2]])
  })

  test('are only accepted ones', async () => {
    const collector = await startCollector()
    await post(collector, featureHit({ rec: '2' }))
    collector.fault({ kind: 'status', status: 503, times: 1 })
    await post(collector)
    await post(collector, featureHit({ event_id: idOf(1) }))
    expect((await collector.hits()).map(({ hit }) => hit['event_id'])).toEqual([idOf(1)])
  })

  test('can be chosen', async () => {
    const collector = await startCollector()
    const hits = collector.hits({ where: ({ action }) => action === 'ui' })
    await post(collector)
    await post(collector, identityHit({ event_id: idOf(1) }))
    expect((await hits).map(({ hit }) => hit['action'])).toEqual(['ui'])
  })

  test('that do not come are missed with what came instead', async () => {
    const collector = await startCollector()
    await post(collector, featureHit({ customer_id: 'acme' }))
    await post(collector, featureHit({ event_id: 'x', cip: '::1' }))
    collector.fault({ kind: 'status', status: 503, times: 1 })
    await post(collector, identityHit({ visitor_id: '\u001b[2J'.padEnd(16) }))
    collector.fault({ kind: 'status', status: 202, times: 1 })
    await post(collector, identityHit())
    await rawRequest(collector.origin, { method: 'DELETE', path: `/hit?${'x'.repeat(60)}` })
    const { message, stack } = await failureOf(collector.hits({ count: 3 }, 10))
    expect(message.replaceAll(/\d\d:\d\d:\d\d/g, '<time>')).toBe(
      [
        'Waited 10 ms for 3 hits, 1 came. What arrived:',
        '  <time> ✓ 200 ev "Import" customer "acme" visitor 8f14e45f',
        '  <time> ✗ 400 ev "Import" visitor 8f14e45f: `event_id` must be 16 characters (received: "x"). `cip` is for server-side senders only.',
        '  <time> ✗ 503 ui {"id":"alice","email":"a@example.com"} visitor \\u001b[2J    ',
        '  <time> ✓ 202 ui {"id":"alice","email":"a@example.com"} visitor 8f14e45f',
        `  <time> ✗ 400 DELETE /hit?${'x'.repeat(55)}…: \`method\` must be POST (received: "DELETE"). \`query\` must be empty: the fields belong in the body (received: "${'x'.repeat(60)}"). \`content-type\` must be application/x-www-form-urlencoded (received: nothing).`,
      ].join('\n'),
    )
    expect(stack).toContain('collector.test.ts')
  })

  test('are missed where nothing came', async () => {
    const collector = await startCollector()
    await expect(collector.hits({}, 1)).rejects.toThrow(
      /^Waited 1 ms for 1 hit, 0 came. Nothing arrived.$/,
    )
  })

  test('are missed where they went to another path', async () => {
    const collector = await startCollector()
    await rawRequest(collector.origin, { path: '/favicon.ico' })
    await rawRequest(collector.origin, { method: 'POST' })
    await rawRequest(collector.origin, { method: 'POST', path: '/hit/' })
    await expect(collector.hits({}, 1)).rejects.toThrow(
      'Nothing arrived at `/hit`: 2 POST went to other paths, the last one to "/hit/".',
    )
    collector.clear()
    await expect(collector.hits({}, 1)).rejects.toThrow('0 came. Nothing arrived.')
  })

  test('are missed with the last fifty requests', async () => {
    const collector = await startCollector()
    for (let index = 0; index < 51; index++) await post(collector, featureHit({ rec: '2' }))
    const { message } = await failureOf(collector.hits({}, 1))
    expect(message.split('\n')).toHaveLength(52)
    expect(message).toContain('\n  … 1 before these\n')
  })

  test('may be waited for by many', async () => {
    const warnings: Error[] = []
    const note = (warning: Error): unknown => warnings.push(warning)
    process.on('warning', note)
    onTestFinished(() => void process.off('warning', note))
    const collector = await startCollector()
    const waits = Array.from({ length: 20 }, () => collector.hits())
    await post(collector)
    expect(await Promise.all(waits)).toHaveLength(20)
    expect(warnings).toEqual([])
  })

  test('look at each hit once, however many come', async () => {
    const collector = await startCollector()
    let asked = 0
    const where = (): boolean => (asked += 1) > 0
    const hits = collector.hits({ count: 300, where })
    for (let index = 0; index < 300; index++)
      await post(collector, featureHit({ event_id: idOf(index) }))
    expect(await hits).toHaveLength(300)
    expect(asked).toBe(300)
  })

  test('that are sent again count as they came last', async () => {
    const collector = await startCollector()
    const hits = collector.hits({ count: 2, where: ({ customer_id }) => customer_id === 'acme' })
    const send = (id: number, customer_id: string) =>
      post(collector, featureHit({ event_id: idOf(id), customer_id }))
    await send(1, 'acme')
    await send(1, 'other')
    await send(2, 'acme')
    await send(1, 'acme')
    expect((await hits).map(({ hit }) => hit['event_id'])).toEqual([idOf(1), idOf(2)])
  })

  test('that were forgotten are waited for anew', async () => {
    const collector = await startCollector()
    const hits = collector.hits({ count: 2 })
    await post(collector, featureHit({ event_id: idOf(1) }))
    collector.clear()
    await post(collector, featureHit({ event_id: idOf(2) }))
    await post(collector, featureHit({ event_id: idOf(3) }))
    expect((await hits).map(({ hit }) => hit['event_id'])).toEqual([idOf(2), idOf(3)])
  })

  test('are given up when the collector closes, with what came', async () => {
    const collector = await startCollector()
    await post(collector)
    const error = failureOf(collector.hits({ count: 2 }))
    await collector.close()
    const closed =
      /^The collector was closed while a test waited for 2 hits, 1 came. What arrived:\n/
    expect((await error).message).toMatch(closed)
    expect((await failureOf(collector.hits({ count: 2 }))).message).toMatch(closed)
    expect(await collector.hits()).toHaveLength(1)
  })

  test.each<[unknown, unknown, string]>([
    [{ count: -1 }, undefined, '`count` must be a whole number from 0 (received: -1).'],
    [{ count: '2' }, undefined, '`count` must be a whole number from 0 (received: "2").'],
    [{ where: 'Import' }, undefined, '`where` must be a function (received: "Import").'],
    [{ min: 2 }, undefined, '`min` is not a part of the query.'],
    [null, undefined, '`query` must be an object (received: null).'],
    [2, undefined, '`query` must be an object (received: 2).'],
    [{}, 2 ** 31, '`deadlineMs` must be milliseconds from 0 to 2147483647 (received: 2147483648).'],
    [{}, NaN, '`deadlineMs` must be milliseconds from 0 to 2147483647 (received: NaN).'],
  ])('asked for by %j within %j are refused in words', async (query, deadlineMs, words) => {
    const collector = await startCollector()
    const error = await failureOf(collector.hits(query as HitQuery, deadlineMs as number))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toBe(words)
  })

  test('keep the process alive until their deadline, and say what came', async () => {
    const said = await saidByFailing(`
      const { createCollector } = await import(${built('testing.js')})
      const collector = await createCollector()
      await collector.down()
      await collector.hits({}, 50)`)
    expect(said).toContain('Waited 50 ms for 1 hit, 0 came. Nothing arrived.')
  })
})

test.each(['testing.js', 'testing.cjs'])(
  '%s has its own of what a test environment replaces: addresses and timers',
  async (file) => {
    const body = new URLSearchParams(featureHit({ url: 'https://app.example/' })).toString()
    const said = await saidByFailing(`
      import { once } from 'node:events'
      import { request } from 'node:http'
      import { mock } from 'node:test'
      globalThis.URL = globalThis.URLSearchParams = undefined
      const { createCollector } = await import(${built(file)})
      mock.timers.enable()
      const collector = await createCollector({ controlOrigin: 'http://127.0.0.1:8080' })
      const post = { method: 'POST', headers: ${JSON.stringify(form)} }
      collector.fault({ kind: 'slow', ms: 1 })
      await once(request(collector.endpoint, post).end('${body}'), 'response')
      await collector.down()
      await collector.hits({ count: 2 }, 50)`)
    expect(said).toContain('Waited 50 ms for 2 hits, 1 came.')
  },
)

describe('what the user wrote and throws', () => {
  const where = ({ event }: HitFields): boolean => (event as string).includes('Import')
  const words = (name: string): string =>
    `${name} threw TypeError: Cannot read properties of undefined (reading 'includes'). ` +
    `The hit's fields were: ${Object.keys(identityHit()).join(', ')}.`

  test('in `where` of `hits()` fails that wait', async () => {
    const collector = await startCollector()
    const error = failureOf(collector.hits({ where }))
    await post(collector, identityHit())
    expect((await error).message).toBe(words('The `where` of `hits()`'))
    expect((await error).cause).toBeInstanceOf(TypeError)
    expect(await collector.hits()).toHaveLength(1)
  })

  test('in `where` of a fault is answered, and fails who waits', async () => {
    const collector = await startCollector()
    const said = words('The `where` of the fault')
    const error = failureOf(collector.hits())
    collector.fault({ kind: 'status', status: 503, where })
    const response = await post(collector, identityHit())
    expect(response.status).toBe(500)
    expect(await response.text()).toBe(said)
    expect(collector.requests).toMatchObject([{ status: 500, accepted: false, problems: [said] }])
    expect((await error).message).toBe(said)
    expect((await post(collector)).status).toBe(503)
  })

  test.each<[string, () => unknown]>([
    ['at once', () => null],
    ['later', () => Promise.resolve(null)],
  ])(
    'in `onRequest`, %s, is answered as usual, and fails the next `hits()`',
    async (when, read) => {
      const onRequest = (): unknown => {
        const value = read() as string | Promise<string>
        return value instanceof Promise ? value.then((text) => text.length) : value.length
      }
      const collector = await startCollector({ onRequest })
      expect((await post(collector)).status).toBe(200)
      await expect(collector.hits()).rejects.toThrow('`onRequest` threw TypeError: Cannot read')
      expect(await collector.hits()).toHaveLength(1)
      expect(when).not.toBe('')
    },
  )

  test('and that no `hits()` has told, `close()` tells, closed all the same', async () => {
    const onRequest = (): void => {
      throw new RangeError('mine')
    }
    const collector = await createCollector({ onRequest })
    await post(collector)
    await post(collector)
    await expect(collector.close()).rejects.toThrow('`onRequest` threw RangeError: mine.')
    await expect(post(collector)).rejects.toThrow('fetch failed')
    await collector.close()
  })

  test('is told to all who wait, and to nobody else', async () => {
    let isBroken = true
    const onRequest = (): void => {
      if (isBroken) throw new RangeError('mine')
    }
    const collector = await startCollector({ onRequest })
    const waiting = [
      failureOf(collector.hits({ count: 2 })),
      failureOf(collector.hits({ count: 3 })),
    ]
    await post(collector)
    for (const error of waiting) expect((await error).message).toContain('RangeError: mine')
    isBroken = false
    expect(await collector.hits()).toHaveLength(1)
  })

  test('is no answer when it is a promise', async () => {
    const collector = await startCollector()
    const late = (async () => Promise.reject(new Error('late'))) as unknown as () => boolean
    const error = failureOf(collector.hits({ where: late }))
    await post(collector)
    expect((await error).message).toBe(
      'The `where` of `hits()` must answer at once (received: a promise).',
    )
    collector.fault({ kind: 'reset', where: late })
    expect((await post(collector)).status).toBe(500)
    await expect(collector.hits()).rejects.toThrow('The `where` of the fault must answer at once')
  })
})

describe('options', () => {
  test.each<[unknown, string]>([
    [{ port: 'abc' }, '`port` must be a whole number from 0 to 65535 (received: "abc").'],
    [{ port: '4747' }, '`port` must be a whole number from 0 to 65535 (received: "4747").'],
    [{ port: -1 }, '`port` must be a whole number from 0 to 65535 (received: -1).'],
    [{ port: 65536 }, '`port` must be a whole number from 0 to 65535 (received: 65536).'],
    [{ port: NaN }, '`port` must be a whole number from 0 to 65535 (received: NaN).'],
    [{ port: null }, '`port` must be a whole number from 0 to 65535 (received: null).'],
    [{ host: '' }, '`host` must be an address or a name of this machine (received: "").'],
    [{ onRequest: 'log' }, '`onRequest` must be a function (received: "log").'],
    [
      { controlOrigin: 'localhost' },
      '`controlOrigin` must be an http(s) origin, such as http://127.0.0.1:8080 (received: "localhost").',
    ],
    [
      { controlOrigin: 'http://127.0.0.1/app' },
      '`controlOrigin` must be an http(s) origin, such as http://127.0.0.1:8080 (received: "http://127.0.0.1/app").',
    ],
    [{ sender: 'phone' }, '`sender` must be `browser` or `server` (received: "phone").'],
    [{ prot: 1 }, '`prot` is not a part of the options.'],
    [null, '`options` must be an object (received: null).'],
    [4747, '`options` must be an object (received: 4747).'],
  ])('%j are refused in words', async (options, words) => {
    const error = await failureOf(startCollector(options as CollectorOptions))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toBe(words)
    expect(existsSync('abc')).toBe(false)
  })
})

describe('the port that browsers leave out', () => {
  test('is left out of origins and hosts', () => {
    expect(originOf('127.0.0.1', 80)).toBe('http://127.0.0.1')
    expect(originOf('::1', 80)).toBe('http://[::1]')
    const { hosts, isOwnHost } = createGuard('127.0.0.1', 80)
    expect(hosts).toEqual(['127.0.0.1', 'localhost', '[::1]'])
    expect(isOwnHost('LOCALHOST')).toBe(true)
    expect(isOwnHost('localhost.evil.example')).toBe(false)
  })

  test('and with it a control origin is the same', async () => {
    const collector = await startCollector({ controlOrigin: 'http://127.0.0.1:80' })
    const { status } = await rawRequest(`${collector.origin}/control/clear`, {
      method: 'POST',
      headers: { origin: 'http://127.0.0.1' },
    })
    expect(status).toBe(204)
  })
})

test.each([
  ['0.0.0.0', '192.168.1.7:4747', true],
  ['0.0.0.0', '[fe80::1]:4747', true],
  ['0.0.0.0', '192.168.1.7:4748', false],
  ['0.0.0.0', 'evil.example:4747', false],
  ['0.0.0.0', '1.2.3.4.evil.example:4747', false],
  ['0.0.0.0', '192.168.1.7', false],
  ['laptop.local', 'laptop.local:4747', true],
  ['127.0.0.2', '127.0.0.2:4747', true],
  ['127.0.0.1', '192.168.1.7:4747', false],
  ['127.0.0.1', 'user@127.0.0.1:4747', false],
  ['0.0.0.0', 'user@192.168.1.7:4747', false],
])('a server that listens on %s answers to %s: %s', (host, given, answers) => {
  expect(createGuard(host, 4747).isOwnHost(given)).toBe(answers)
})

test.each([
  ['127.0.0.1', true],
  ['127.0.0.2', true],
  ['127.255.0.1', true],
  ['localhost', true],
  ['LocalHost', true],
  ['::1', true],
  ['0:0:0:0:0:0:0:1', true],
  ['127.evil.example', false],
  ['128.0.0.1', false],
  ['0.0.0.0', false],
  ['::', false],
])('only this machine reaches %s: %s', (host, isAlone) => {
  expect(isLoopback(host)).toBe(isAlone)
})

describe('a collector that is down', () => {
  test('cuts connections, refuses new ones, and comes back on its port', async () => {
    const collector = await startCollector()
    await post(collector)
    collector.fault({ kind: 'hang', at: 'headers', times: 1 })
    const hung = expect(post(collector)).rejects.toThrow('fetch failed')
    await expect.poll(() => collector.requests.length).toBe(2)
    await collector.down()
    await collector.down()
    await hung
    await expect(rawRequest(collector.origin)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    await collector.up()
    await collector.up()
    expect((await post(collector)).status).toBe(200)
    expect(collector.requests).toHaveLength(3)
  })

  test('is what it was told last, though nobody waited', async () => {
    const collector = await startCollector()
    await Promise.all([collector.down(), collector.up()])
    expect((await post(collector)).status).toBe(200)
    await Promise.all([collector.up(), collector.down(), collector.up(), collector.down()])
    await expect(rawRequest(collector.origin)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('may be closed while it comes back, and is then', async () => {
    const collector = await startCollector()
    await collector.down()
    const both = [collector.up(), collector.up()]
    await collector.close()
    await Promise.all(both)
    await expect(rawRequest(collector.origin)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('leaves its port to others when closed', async () => {
    const collector = await startCollector()
    await collector.close()
    const port = Number(new URL(collector.origin).port)
    const other = await startCollector({ port })
    expect(other.origin).toBe(collector.origin)
    await expect(createCollector({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await expect(collector.up()).rejects.toThrow('The collector was closed: create another.')
  })
})
