import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createCollector, type ReceivedRequest } from '../../src/testing/index.ts'
import { featureHit, identityHit, post, rawRequest, startCollector } from './support.ts'

const form = { 'content-type': 'application/x-www-form-urlencoded' }
const failureOf = async (promise: Promise<unknown>): Promise<Error> => {
  const error = await promise.catch((reason: unknown) => reason)
  if (error instanceof Error) return error
  throw new Error('It did not fail.')
}

const idOf = (index: number): string => String(index).padStart(16, '0')

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

  test.each(['/', '/hit', '/control/requests', '/nothing'])(
    'may be no other, at %s',
    async (path) => {
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
    },
  )

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

  test('fail with the error of a query that throws', async () => {
    const collector = await startCollector()
    const where = (): boolean => {
      throw new RangeError('mine')
    }
    const hits = expect(collector.hits({ where })).rejects.toThrow('mine')
    await post(collector)
    await hits
  })
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

  test('leaves its port to others when closed', async () => {
    const collector = await startCollector()
    await collector.close()
    const port = Number(new URL(collector.origin).port)
    const other = await startCollector({ port })
    expect(other.origin).toBe(collector.origin)
    await expect(createCollector({ port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})
