import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { control } from '../../src/testing/control.ts'
import type { Collector } from '../../src/testing/index.ts'
import { createLog } from '../../src/testing/log.ts'
import { featureHit, identityHit, post, rawRequest, startCollector } from './support.ts'

const controlOrigin = 'http://127.0.0.1:8080'

const order = (
  { origin }: Collector,
  path: string,
  body = '',
): Promise<{ status: number | undefined; text: string }> =>
  rawRequest(`${origin}/control/${path}`, {
    method: 'POST',
    headers: { origin: controlOrigin, 'content-type': 'application/json' },
    body,
  })

/** The events of a stream, one by one: what an `EventSource` makes of them. */
async function* eventsOf({ origin }: Collector): AsyncGenerator<{ type: string; data: string }> {
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const response = await fetch(`${origin}/control/requests`, {
    headers: { origin: controlOrigin },
    signal: stop.signal,
  })
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  expect(response.headers.get('access-control-allow-origin')).toBe(controlOrigin)
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk as Uint8Array).toString()
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n')
      const field = (name: string): string | undefined =>
        lines
          .find((line) => line.startsWith(`${name}:`))
          ?.slice(name.length + 1)
          .trim()
      text = text.slice(end + 2)
      yield { type: field('event') ?? 'message', data: field('data') ?? '' }
    }
  }
}

describe('another origin is kept out', () => {
  const { host } = new URL(controlOrigin)

  test.each([
    ['no origin', undefined],
    ['null', 'null'],
    ['another port', 'http://127.0.0.1:8081'],
    ['another name of the same host', 'http://localhost:8080'],
    ['another scheme', `https://${host}`],
    ['a longer one', `${controlOrigin}.evil.example`],
    ['a slash more', `${controlOrigin}/`],
  ])('%s', async (_, origin) => {
    const collector = await startCollector({ controlOrigin })
    await post(collector)
    for (const [method, path] of [
      ['GET', 'requests'],
      ['POST', 'fault'],
      ['POST', 'clear'],
      ['OPTIONS', 'fault'],
    ]) {
      const { status, text, headers } = await rawRequest(`${collector.origin}/control/${path}`, {
        method,
        headers: origin === undefined ? {} : { origin },
        body: method === 'POST' ? '{"kind":"reset"}' : '',
      })
      expect([path, status]).toEqual([path, 403])
      expect(text).toBe('The control routes are for http://127.0.0.1:8080.')
      expect(headers['access-control-allow-origin']).toBeUndefined()
    }
    expect((await post(collector)).status).toBe(200)
    expect(collector.requests).toHaveLength(2)
  })
})

test('without a control origin nobody may', async () => {
  const collector = await startCollector()
  for (const headers of [{}, { origin: 'undefined' }, { origin: controlOrigin }]) {
    const { status, text } = await rawRequest(`${collector.origin}/control/requests`, { headers })
    expect(status).toBe(403)
    expect(text).toBe('The control routes are for nobody, as no `controlOrigin` was given.')
  }
})

test('a preflight of the page is allowed', async () => {
  const collector = await startCollector({ controlOrigin })
  const { status, headers } = await rawRequest(`${collector.origin}/control/fault`, {
    method: 'OPTIONS',
    headers: { origin: controlOrigin },
  })
  expect(status).toBe(204)
  expect(headers).toMatchObject({
    'access-control-allow-origin': controlOrigin,
    'access-control-allow-methods': 'GET, POST',
    'access-control-allow-headers': 'Content-Type',
  })
})

test.each(['GET fault', 'POST requests', 'GET clear', 'GET ', 'POST faults'])(
  'there is no %s',
  async (target) => {
    const collector = await startCollector({ controlOrigin })
    const [method, path] = target.split(' ')
    const { status, text } = await rawRequest(`${collector.origin}/control/${path}`, {
      method,
      headers: { origin: controlOrigin },
    })
    expect(status).toBe(404)
    expect(text).toBe(
      'There are GET /control/requests, POST /control/fault and POST /control/clear.',
    )
  },
)

describe('POST /control/fault', () => {
  test('sets a fault, and null heals', async () => {
    const collector = await startCollector({ controlOrigin })
    expect((await order(collector, 'fault', '{"kind":"status","status":503}')).status).toBe(204)
    expect((await post(collector)).status).toBe(503)
    expect((await order(collector, 'fault', 'null')).status).toBe(204)
    expect((await post(collector)).status).toBe(200)
  })

  test('chooses hits by their feature', async () => {
    const collector = await startCollector({ controlOrigin })
    const fault = { kind: 'status', status: 503, feature: 'Import', times: 1 }
    await order(collector, 'fault', JSON.stringify(fault))
    const other = featureHit({ event: '{"name":"Export","event_name":"feature"}' })
    for (const hit of [other, identityHit(), featureHit(), featureHit()]) await post(collector, hit)
    expect(collector.requests.map(({ status }) => status)).toEqual([200, 200, 503, 200])
  })

  const noFault = 'The body must be the JSON of a fault, or `null` to heal.'

  test.each([
    ['', noFault],
    ['{', noFault],
    ['undefined', noFault],
    ['"reset"', noFault],
    ['[]', noFault],
    ['{}', '`kind` must be one of status, hang, reset, slow, no-cors (received: nothing).'],
    [
      '{"kind":"slow","ms":"1","feature":7}',
      '`ms` must be milliseconds from 0 to 2147483647 (received: "1").\n`feature` must be a string (received: 7).',
    ],
    ['{"kind":"reset","where":"Import"}', '`where` must be a function (received: "Import").'],
    ['{"kind":"reset","__proto__":{}}', '`__proto__` is not a part of the fault `reset`.'],
  ])('refuses %s and changes nothing', async (body, problem) => {
    const collector = await startCollector({ controlOrigin })
    collector.fault({ kind: 'status', status: 503 })
    const { status, text } = await order(collector, 'fault', body)
    expect({ status, text }).toEqual({ status: 400, text: problem })
    expect((await post(collector)).status).toBe(503)
  })
})

test('GET /control/requests tells what came, what comes and when it is forgotten', async () => {
  const collector = await startCollector({ controlOrigin })
  await post(collector, featureHit({ client_id: 'a\n\nb' }))
  const events = eventsOf(collector)
  const next = async (): Promise<unknown> => (await events.next()).value
  const message = (): unknown => ({
    type: 'message',
    data: JSON.stringify(collector.requests.at(-1)),
  })
  expect(await next()).toEqual({ type: 'clear', data: '' })
  expect(await next()).toEqual(message())
  await post(collector, identityHit())
  expect(await next()).toEqual(message())
  expect((await order(collector, 'clear')).status).toBe(204)
  expect(collector.requests).toEqual([])
  expect(await next()).toEqual({ type: 'clear', data: '' })
  await post(collector)
  expect(await next()).toEqual(message())
})

test('a page that leaves is told no more', async () => {
  const log = createLog()
  const setFault = (): void => undefined
  const server = createServer(
    (req, res) => void control(req, res, { controlOrigin, log, setFault }),
  )
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  const stop = new AbortController()
  const { port } = server.address() as AddressInfo
  await fetch(`http://127.0.0.1:${port}/control/requests`, {
    headers: { origin: controlOrigin },
    signal: stop.signal,
  })
  const listeners = (): number =>
    log.news.listenerCount('request') + log.news.listenerCount('clear')
  expect(listeners()).toBe(2)
  stop.abort()
  await expect.poll(listeners).toBe(0)
})
