import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createSender, parseRetryAfter } from '../../src/delivery/sender.ts'
import { type Collector, createCollector } from '../../src/testing/index.ts'
import { hitOf, now } from './support.ts'

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
    const outcome = await createSender(collector.endpoint)(hitOf(1), 'cors')
    expect(outcome).toEqual({ kind: 'answer', status: 200, retryAfterMs: undefined })
    const [request, ...more] = collector.requests
    expect(more).toEqual([])
    expect(request).toMatchObject({ method: 'POST', accepted: true, problems: [], hit: hitOf(1) })
    expect(request?.body).toBe(new URLSearchParams(hitOf(1)).toString())
    expect(request?.headers['content-type']).toMatch(/^application\/x-www-form-urlencoded(;|$)/)
    expect(request?.headers).not.toHaveProperty('cookie')
    expect(request?.headers).not.toHaveProperty('authorization')
  })

  test.each([201, 204, 400, 401, 404, 408, 429, 500, 503])('%i is an answer', async (status) => {
    collector.fault({ kind: 'status', status })
    const outcome = await createSender(collector.endpoint)(hitOf(1), 'cors')
    expect(outcome).toEqual({ kind: 'answer', status, retryAfterMs: undefined })
    expect(collector.requests).toHaveLength(1)
  })

  test('an answer brings its Retry-After', async () => {
    collector.fault({ kind: 'status', status: 429, retryAfter: 3 })
    const outcome = await createSender(collector.endpoint)(hitOf(1), 'cors')
    expect(outcome).toEqual({ kind: 'answer', status: 429, retryAfterMs: 3000 })
  })

  test('a reset is a network error', async () => {
    collector.fault({ kind: 'reset' })
    const outcome = await createSender(collector.endpoint)(hitOf(1), 'cors')
    expect(outcome).toEqual({ kind: 'network' })
    expect(collector.requests).toHaveLength(1)
  })

  test('refused is a network error', async () => {
    await collector.down()
    const outcome = await createSender(collector.endpoint)(hitOf(1), 'cors')
    expect(outcome).toEqual({ kind: 'network' })
    await collector.up()
  })

  test.each(['headers', 'body'] as const)('a hang in the %s ends after 10 s', async (at) => {
    collector.fault({ kind: 'hang', at })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const sent = createSender(collector.endpoint)(hitOf(1), 'cors')
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
    return await createSender(`http://127.0.0.1:${port}/hit`)(hitOf(1), 'cors')
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
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.useRealTimers()
  })

  /** Sends a hit; answers with the request and the options that `fetch` was called with. */
  async function sent(
    mode: 'cors' | 'no-cors',
    respond: () => Promise<Response> = () => Promise.resolve(new Response('')),
  ) {
    const fetch = vi.fn<(request: Request, init: RequestInit) => Promise<Response>>(respond)
    vi.stubGlobal('fetch', fetch)
    const outcome = await createSender('https://collector.example/hit')(hitOf(1), mode)
    const [request, init] = fetch.mock.calls[0] ?? []
    if (request === undefined || init === undefined) throw new Error('fetch was not called')
    return { outcome, request, init, calls: fetch.mock.calls.length }
  }

  test.each(['cors', 'no-cors'] as const)('a %s request outlives the page, alone', async (mode) => {
    const { request, calls } = await sent(mode)
    expect(calls).toBe(1)
    expect(request).toMatchObject({
      url: 'https://collector.example/hit',
      method: 'POST',
      mode,
      keepalive: true,
      credentials: 'omit',
      cache: 'no-store',
      // A no-cors request may not be `manual`.
      redirect: mode === 'cors' ? 'manual' : 'follow',
    })
    expect([...request.headers.keys()].sort()).toEqual(['content-type'])
  })

  // Node's own fetch filters no answers, so these are made up.
  test.each([
    ['a redirect, which is not followed', 'opaqueredirect', { kind: 'redirect' }],
    ['an answer that cannot be read', 'opaque', { kind: 'opaque' }],
  ])('%s', async (_, type, expected) => {
    const response = Object.defineProperty(Response.error(), 'type', { value: type })
    const { outcome, calls } = await sent('cors', () => Promise.resolve(response))
    expect(outcome).toEqual(expected)
    expect(calls).toBe(1)
  })

  test('a rejection is a network error', async () => {
    const { outcome } = await sent('cors', () => Promise.reject(new TypeError('Failed to fetch')))
    expect(outcome).toEqual({ kind: 'network' })
  })

  test('after 10 s it is given up, whatever fetch does then', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const fetch = vi.fn(
      (_request: Request, { signal }: RequestInit) =>
        new Promise<Response>((_resolve, reject) => {
          signal?.addEventListener('abort', () => reject(new DOMException('', 'AbortError')))
        }),
    )
    vi.stubGlobal('fetch', fetch)
    const sending = createSender('https://collector.example/hit')(hitOf(1), 'cors')
    await vi.advanceTimersByTimeAsync(9999)
    expect(fetch.mock.calls[0]?.[1].signal?.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(await sending).toEqual({ kind: 'timeout' })
    expect(vi.getTimerCount()).toBe(0)
  })

  test('no timer stays behind', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    await sent('cors')
    expect(vi.getTimerCount()).toBe(0)
  })
})
