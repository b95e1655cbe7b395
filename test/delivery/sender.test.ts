import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createSender, parseRetryAfter } from '../../src/delivery/sender.ts'
import { type Collector, createCollector } from '../../src/testing/index.ts'
import { hitOf, now } from './support.ts'

const body = new URLSearchParams(hitOf(1)).toString()
/** A page of another origin than the collector's. */
const location = { origin: 'https://app.example', protocol: 'https:' }

beforeEach(() => {
  vi.stubGlobal('location', location)
})
afterEach(() => {
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

const nextTask = () => new Promise((resolve) => setImmediate(resolve))
const date = (ms: number) => new Date(ms).toUTCString()

test.each<[string | null, number | undefined]>([
  [null, undefined],
  ['', undefined],
  ['120', 120_000],
  [' 7 ', 7000],
  ['0', undefined],
  ['-5', undefined],
  ['1.5', undefined],
  ['7 seconds', undefined],
  ['soon', undefined],
  ['9'.repeat(400), Infinity],
  [date(now + 90_000), 90_000],
  [date(now), undefined],
  [date(now - 90_000), undefined],
])('Retry-After: %s', (header, expected) => {
  expect(parseRetryAfter(header, now)).toBe(expected)
})

describe('with a collector', () => {
  let collector: Collector
  beforeEach(async () => {
    collector = await createCollector()
  })
  afterEach(() => collector.close())

  test('a hit is one CORS-simple request, as it is', async () => {
    const outcome = await createSender(collector.endpoint)(body, 'cors')
    expect(outcome).toEqual({ kind: 'answer', status: 200, retryAfterMs: undefined })
    const [request, ...more] = collector.requests
    expect(more).toEqual([])
    expect(request).toMatchObject({ method: 'POST', accepted: true, problems: [], hit: hitOf(1) })
    expect(request?.body).toBe(body)
    expect(request?.headers['content-type']).toMatch(/^application\/x-www-form-urlencoded(;|$)/)
    expect(request?.headers).not.toHaveProperty('cookie')
    expect(request?.headers).not.toHaveProperty('authorization')
  })

  test.each([201, 204, 400, 401, 404, 408, 429, 500, 503])('%i is an answer', async (status) => {
    collector.fault({ kind: 'status', status })
    const outcome = await createSender(collector.endpoint)(body, 'cors')
    expect(outcome).toEqual({ kind: 'answer', status, retryAfterMs: undefined })
    expect(collector.requests).toHaveLength(1)
  })

  test('an answer brings its Retry-After', async () => {
    collector.fault({ kind: 'status', status: 429, retryAfter: 3 })
    const outcome = await createSender(collector.endpoint)(body, 'cors')
    expect(outcome).toEqual({ kind: 'answer', status: 429, retryAfterMs: 3000 })
  })

  test('a reset is a network error', async () => {
    collector.fault({ kind: 'reset' })
    const outcome = await createSender(collector.endpoint)(body, 'cors')
    expect(outcome).toEqual({ kind: 'network' })
    expect(collector.requests).toHaveLength(1)
  })

  test('refused is a network error', async () => {
    await collector.down()
    const outcome = await createSender(collector.endpoint)(body, 'cors')
    expect(outcome).toEqual({ kind: 'network' })
    await collector.up()
  })

  test.each(['headers', 'body'] as const)('a hang in the %s ends after 10 s', async (at) => {
    collector.fault({ kind: 'hang', at })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const sent = createSender(collector.endpoint)(body, 'cors')
      const ended = vi.fn()
      void sent.then(ended)
      while (collector.requests.length === 0) await nextTask()
      vi.advanceTimersByTime(9999)
      await nextTask()
      expect(ended).not.toHaveBeenCalled()
      vi.advanceTimersByTime(1)
      expect(await sent).toEqual({ kind: 'timeout' })
    } finally {
      vi.useRealTimers()
    }
  })
})

/** What a server makes of a request that writes this on its socket and hangs up. */
async function sendTo(answer: string): Promise<unknown> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.socket?.end(answer))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  try {
    return await createSender(`http://127.0.0.1:${port}/hit`)(body, 'cors')
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

describe('half an answer', () => {
  test('of 200 is none', async () => {
    const outcome = await sendTo('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')
    expect(outcome).toEqual({ kind: 'timeout' })
  })

  test('of 503 is one', async () => {
    const outcome = await sendTo(
      'HTTP/1.1 503 No\r\nRetry-After: 5\r\nContent-Length: 100\r\n\r\nhalf',
    )
    expect(outcome).toEqual({ kind: 'answer', status: 503, retryAfterMs: 5000 })
  })

  test('a whole one is', async () => {
    const outcome = await sendTo('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfull')
    expect(outcome).toEqual({ kind: 'answer', status: 200, retryAfterMs: undefined })
  })
})

describe('with a stand-in for fetch', () => {
  const endpoint = 'https://collector.example/hit'

  /** What is answered: a Response whose filtered fields are made up, which Node's own has not. */
  const answerOf = (fields: Partial<Response>, status = 200) => {
    const response = new Response('', { status })
    for (const [name, value] of Object.entries({ url: endpoint, type: 'cors', ...fields })) {
      Object.defineProperty(response, name, { value })
    }
    return response
  }

  const stub = (respond: (url: unknown, init: RequestInit) => unknown) => {
    const fetch = vi.fn(respond)
    vi.stubGlobal('fetch', fetch)
    return fetch
  }

  test.each(['cors', 'no-cors'] as const)('a %s request outlives the page, alone', async (mode) => {
    const fetch = stub(() => Promise.resolve(answerOf({})))
    await createSender(endpoint)(body, mode)
    expect(fetch.mock.calls).toMatchObject([
      [
        endpoint,
        {
          method: 'POST',
          headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
          body,
          mode,
          keepalive: true,
          credentials: 'omit',
          cache: 'no-store',
          // A no-cors request may not be `manual`.
          redirect: mode === 'cors' ? 'manual' : 'follow',
        },
      ],
    ])
  })

  const accepted = { kind: 'answer', status: 200, retryAfterMs: undefined }
  const nobody = { kind: 'network' }
  const worker = { serviceWorker: { controller: {} } }
  test.each<[string, Partial<Response>, object, unknown]>([
    ['the collector', {}, {}, accepted],
    ['a redirect, which is not followed', { type: 'opaqueredirect' }, {}, { kind: 'redirect' }],
    ['somebody who redirected', { url: 'https://login.example/' }, {}, nobody],
    ['a script without an address', { url: '' }, {}, nobody],
    ['a blocker', { type: 'error', url: '' }, {}, nobody],
    ['a service worker', { type: 'basic' }, worker, nobody],
    ['the collector, past a service worker', {}, worker, accepted],
    ['a test DOM', { type: 'basic' }, {}, accepted],
    ['a polyfill that knows the address', { type: 'default' }, {}, accepted],
    ['a polyfill that does not', { type: 'default', url: '' }, {}, nobody],
    ['a polyfill without types', { type: undefined } as never, {}, accepted],
    ['an opaque answer that nobody asked for', { type: 'opaque', url: '' }, {}, nobody],
  ])('answered by %s', async (_, fields, navigator, expected) => {
    vi.stubGlobal('navigator', navigator)
    stub(() => Promise.resolve(answerOf(fields)))
    expect(await createSender(endpoint)(body, 'cors')).toEqual(expected)
  })

  test('an endpoint of the same origin has basic answers, of a worker too', async () => {
    vi.stubGlobal('navigator', worker)
    vi.stubGlobal('location', { origin: 'https://collector.example', protocol: 'https:' })
    stub(() => Promise.resolve(answerOf({ type: 'basic' })))
    expect(await createSender(endpoint)(body, 'cors')).toEqual(accepted)
  })

  // Chromium asks for no CORS there: what an extension may reach, and what a frame's page may.
  test.each([
    { origin: 'chrome-extension://abc', protocol: 'chrome-extension:' },
    { origin: 'null', protocol: 'about:' },
  ])('a page of $protocol has basic answers', async (location) => {
    vi.stubGlobal('location', location)
    class Native extends Response {}
    Native.toString = () => 'function Response() { [native code] }'
    const answer = Object.setPrototypeOf(answerOf({ type: 'basic' }), Native.prototype) as Response
    stub(() => Promise.resolve(answer))
    expect(await createSender(endpoint)(body, 'cors')).toEqual(accepted)
    vi.stubGlobal('location', { origin: 'https://app.example', protocol: 'https:' })
    expect(await createSender(endpoint)(body, 'cors')).toEqual(nobody)
  })

  test('a page may have its browser upgrade the endpoint', async () => {
    stub(() => Promise.resolve(answerOf({})))
    expect(await createSender(endpoint.replace('https:', 'http:'))(body, 'cors')).toEqual(accepted)
  })

  test('a fragment of the endpoint is none of the answer', async () => {
    stub(() => Promise.resolve(answerOf({})))
    expect(await createSender(`${endpoint}#here`)(body, 'cors')).toEqual(accepted)
  })

  test('an answer that cannot be read', async () => {
    stub(() => Promise.resolve(answerOf({ type: 'opaque', url: '', status: 0 })))
    expect(await createSender(endpoint)(body, 'no-cors')).toEqual({ kind: 'opaque' })
  })

  test('one that says that it cannot be read, and has a status all the same', async () => {
    stub(() => Promise.resolve(answerOf({ type: 'opaque', url: endpoint, status: 200 })))
    vi.stubGlobal('navigator', worker)
    expect(await createSender(endpoint)(body, 'no-cors')).toEqual(nobody)
  })

  test.each<[string, () => unknown]>([
    ['rejects', () => Promise.reject(new TypeError('Failed to fetch'))],
    [
      'throws',
      () => {
        throw new TypeError('Wrapped')
      },
    ],
    ['gives nothing', () => undefined],
    ['gives no Response', () => Promise.resolve({})],
  ])('a fetch that %s is a network error', async (_, respond) => {
    stub(respond)
    expect(await createSender(endpoint)(body, 'cors')).toEqual(nobody)
  })

  test('without fetch, too', async () => {
    vi.stubGlobal('fetch', undefined)
    expect(await createSender(endpoint)(body, 'cors')).toEqual(nobody)
  })

  describe('after 10 s it is given up', () => {
    test.each<[string, (signal: AbortSignal | null | undefined) => Promise<Response>]>([
      [
        'with the connection',
        (signal) =>
          new Promise((_resolve, reject) => {
            signal?.addEventListener('abort', () => reject(new DOMException('', 'AbortError')))
          }),
      ],
      ['though fetch never settles', () => new Promise(() => undefined)],
      [
        'though the body never ends',
        () => Promise.resolve(answerOf({ text: () => new Promise(() => undefined) })),
      ],
    ])('%s', async (_, respond) => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      const fetch = stub((_url, { signal }) => respond(signal))
      const sending = createSender(endpoint)(body, 'cors')
      const ended = vi.fn()
      void sending.then(ended)
      await vi.advanceTimersByTimeAsync(9999)
      expect(ended).not.toHaveBeenCalled()
      expect(fetch.mock.calls[0]?.[1].signal?.aborted).toBe(false)
      await vi.advanceTimersByTimeAsync(1)
      expect(fetch.mock.calls[0]?.[1].signal?.aborted).toBe(true)
      expect(await sending).toEqual({ kind: 'timeout' })
      expect(vi.getTimerCount()).toBe(0)
    })

    test('also where requests cannot be aborted; a late answer is told', async () => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      vi.stubGlobal('AbortController', undefined)
      let answer: (response: Response) => void = () => undefined
      stub(() => new Promise<Response>((resolve) => (answer = resolve)))
      const onLate = vi.fn()
      const sending = createSender(endpoint)(body, 'cors', onLate)
      await vi.advanceTimersByTimeAsync(10_000)
      expect(await sending).toEqual({ kind: 'timeout' })
      expect(onLate).not.toHaveBeenCalled()
      answer(answerOf({}))
      await nextTask()
      expect(onLate.mock.calls).toEqual([[accepted]])
    })
  })

  test('no timer stays behind', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    stub(() => Promise.resolve(answerOf({})))
    await createSender(endpoint)(body, 'cors')
    expect(vi.getTimerCount()).toBe(0)
  })
})
