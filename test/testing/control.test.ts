import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { streamEvents } from '../../src/testing/events.ts'
import { type Journal, createJournal } from '../../src/testing/journal.ts'
import type { Collector } from '../../src/testing/index.ts'
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

type Event = { type: string; data: string; id: string | undefined }

/** The events of a stream, one by one: what an `EventSource` makes of them. */
async function* eventsOf(
  { origin }: Collector,
  lastEventId?: string,
): AsyncGenerator<Event, undefined> {
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const response = await fetch(`${origin}/control/events`, {
    headers: {
      origin: controlOrigin,
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    },
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
      yield { type: field('event') ?? 'message', data: field('data') ?? '', id: field('id') }
    }
  }
  return undefined
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
      ['GET', 'events'],
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
    const { status, text } = await rawRequest(`${collector.origin}/control/events`, { headers })
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

test.each(['GET fault', 'POST events', 'GET clear', 'GET ', 'POST faults'])(
  'there is no %s',
  async (target) => {
    const collector = await startCollector({ controlOrigin })
    const [method, path] = target.split(' ')
    const { status, text } = await rawRequest(`${collector.origin}/control/${path}`, {
      method,
      headers: { origin: controlOrigin },
    })
    expect(status).toBe(404)
    expect(text).toBe('There are GET /control/events, POST /control/fault and POST /control/clear.')
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

describe('GET /control/events', () => {
  const hello = (collector: Collector, anew: boolean, fault: object | null = null) => ({
    type: 'hello',
    data: JSON.stringify({ endpoint: collector.endpoint, fault, anew }),
  })
  const message = (collector: Collector) => ({
    type: 'request',
    data: JSON.stringify(collector.requests.at(-1)),
  })

  test('tells what came, what comes and when it is forgotten', async () => {
    const collector = await startCollector({ controlOrigin })
    await post(collector, featureHit({ client_id: 'a\n\nb' }))
    const events = eventsOf(collector)
    const next = async () => (await events.next()).value
    expect(await next()).toMatchObject(hello(collector, true))
    expect(await next()).toMatchObject(message(collector))
    expect(await next()).toMatchObject({ type: 'live' })
    await post(collector, identityHit())
    expect(await next()).toMatchObject(message(collector))
    expect((await order(collector, 'clear')).status).toBe(204)
    expect(collector.requests).toEqual([])
    expect(await next()).toMatchObject({ type: 'clear' })
    await post(collector)
    expect(await next()).toMatchObject(message(collector))
  })

  test('tells of faults: those that are set, by whomever, and those that have ended', async () => {
    const collector = await startCollector({ controlOrigin })
    const fault = { kind: 'status', status: 503, times: 1, feature: 'Import' } as const
    await order(collector, 'fault', JSON.stringify(fault))
    const events = eventsOf(collector)
    const next = async () => (await events.next()).value
    expect(JSON.parse((await next())?.data ?? '')).toMatchObject({ fault })
    expect(await next()).toMatchObject({ type: 'live' })
    await post(collector)
    expect(await next()).toMatchObject({ type: 'fault', data: 'null' })
    await next()
    collector.fault({ kind: 'reset' })
    expect(await next()).toMatchObject({ type: 'fault', data: '{"kind":"reset"}' })
  })

  test('goes on for a page that comes again where it left off', async () => {
    const collector = await startCollector({ controlOrigin })
    await post(collector)
    const first = eventsOf(collector)
    await first.next()
    const { id } = (await first.next()).value ?? {}
    await first.return(undefined)
    await post(collector, identityHit())
    const again = eventsOf(collector, id)
    expect((await again.next()).value).toMatchObject(hello(collector, false))
    expect((await again.next()).value).toMatchObject(message(collector))
  })

  test.each(['other-7', '', 'clear'])('starts anew for a page that knows %j', async (known) => {
    const collector = await startCollector({ controlOrigin })
    let id = known
    if (known === 'clear') {
      await post(collector)
      const before = eventsOf(collector)
      await before.next()
      id = (await before.next()).value?.id ?? ''
      await post(collector)
      await order(collector, 'clear')
    }
    await post(collector)
    const events = eventsOf(collector, id)
    expect((await events.next()).value).toMatchObject(hello(collector, true))
    expect((await events.next()).value).toMatchObject(message(collector))
  })

  test('starts anew for a page that was away when all was forgotten', async () => {
    const collector = await startCollector({ controlOrigin })
    await post(collector)
    const before = eventsOf(collector)
    await before.next()
    const { id = '' } = (await before.next()).value ?? {}
    await before.return(undefined)
    await order(collector, 'clear')
    const again = eventsOf(collector, id)
    expect((await again.next()).value).toMatchObject(hello(collector, true))
    expect((await again.next()).value).toMatchObject({ type: 'live' })
  })

  test('goes on for a page that was told that all was forgotten', async () => {
    const collector = await startCollector({ controlOrigin })
    const before = eventsOf(collector)
    await before.next()
    await before.next()
    await order(collector, 'clear')
    const { type, id = '' } = (await before.next()).value ?? {}
    expect(type).toBe('clear')
    await post(collector)
    const again = eventsOf(collector, id)
    expect((await again.next()).value).toMatchObject(hello(collector, false))
    expect((await again.next()).value).toMatchObject(message(collector))
  })

  test('is read by a page that is slow at its own pace, and forgets nobody who left', async () => {
    const collector = await startCollector({ controlOrigin })
    const stop = new AbortController()
    const response = await fetch(`${collector.origin}/control/events`, {
      headers: { origin: controlOrigin },
      signal: stop.signal,
    })
    const hit = featureHit({ event_id: 'x'.repeat(4000) })
    for (let count = 0; count < 500; count += 1) await post(collector, hit)
    let text = ''
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk as Uint8Array).toString()
      if (text.split('event: request').length > 500) break
    }
    stop.abort()
    expect(text.split('event: request')).toHaveLength(501)
  })
})

describe('POST /inspect', () => {
  const inspect = (collector: Collector, body: string, method = 'POST') =>
    rawRequest(`${collector.origin}/inspect`, {
      method,
      body,
      headers: { origin: 'http://app.example', 'content-type': 'text/plain' },
    })

  test('passes calls and reports on, from any page', async () => {
    const collector = await startCollector({ controlOrigin })
    const call = { at: 1, clientId: 'c', messageId: 'm', event: { type: 'alias' } }
    const wait = { outcome: 'waiting', reason: 'status', status: 503, attempts: 1, nextTryAt: 2.5 }
    const report = { at: 2, report: wait }
    const messages = [
      { kind: 'call', ...call },
      { kind: 'report', ...report },
    ]
    const { status, headers } = await inspect(collector, JSON.stringify(messages))
    expect(status).toBe(204)
    expect(headers['access-control-allow-origin']).toBe('*')
    const events = eventsOf(collector)
    await events.next()
    const next = async () => (await events.next()).value
    expect(await next()).toMatchObject({ type: 'call', data: JSON.stringify(call) })
    expect(await next()).toMatchObject({ type: 'report', data: JSON.stringify(report) })
  })

  test.each([
    ['', 'The body must be JSON.'],
    ['{}', '`body` must be an array (received: an object).'],
    ['[7]', '`message` must be an object (received: 7).'],
    ['[{"kind":"hello"}]', '`kind` must be `call` or `report` (received: "hello").'],
    [
      '[{"kind":"call","at":1,"clientId":"c","messageId":"m"}]',
      '`event` must be an object (received: nothing).',
    ],
    [
      '[{"kind":"call","at":1,"clientId":"c","event":{}}]',
      '`messageId` must be a string (received: nothing).',
    ],
    [
      '[{"kind":"call","at":1,"messageId":"m","event":{}}]',
      '`clientId` must be a string (received: nothing).',
    ],
    [
      '[{"kind":"report","at":1,"report":{"outcome":"waiting","nextTryAt":1e300}}]',
      '`nextTryAt` must be epoch milliseconds (received: 1e+300).',
    ],
    [
      '[{"kind":"report","at":1,"report":{"outcome":"waiting","reason":{}}}]',
      '`reason` must be a string (received: an object).',
    ],
    [
      '[{"kind":"report","at":1,"report":{"outcome":"waiting","attempts":"2"}}]',
      '`attempts` must be a whole number (received: "2").',
    ],
    [
      '[{"kind":"report","at":1,"report":{"outcome":"dropped","status":-1}}]',
      '`status` must be a whole number (received: -1).',
    ],
    [
      '[{"kind":"report","at":"now","report":{}}]',
      '`at` must be epoch milliseconds (received: "now").',
    ],
    [
      '[{"kind":"report","at":1e300,"report":{}}]',
      '`at` must be epoch milliseconds (received: 1e+300).',
    ],
    [
      '[{"kind":"report","at":1,"report":{"outcome":"constructor"}}]',
      '`outcome` must be an outcome (received: "constructor").',
    ],
    [
      '[{"kind":"report","at":1,"report":{"outcome":"accepted","hit":{"visit_id":7}}}]',
      '`hit` must be an object of strings (received: an object).',
    ],
    [`["${'x'.repeat(4 * 1024 * 1024)}"]`, 'The body is too large.'],
  ])('refuses %.40s', async (body, problem) => {
    const collector = await startCollector({ controlOrigin })
    const { status, text } = await inspect(collector, body)
    expect({ status, text }).toEqual({ status: 400, text: problem })
  })

  test('takes the others of one that is wrong', async () => {
    const collector = await startCollector({ controlOrigin })
    const call = { at: 1, clientId: 'c', messageId: 'm', event: {} }
    const body = JSON.stringify([{ kind: 'hello' }, { kind: 'call', ...call }])
    expect((await inspect(collector, body)).status).toBe(400)
    const events = eventsOf(collector)
    await events.next()
    expect((await events.next()).value).toMatchObject({ type: 'call', data: JSON.stringify(call) })
  })

  test('only takes', async () => {
    const collector = await startCollector({ controlOrigin })
    expect((await inspect(collector, '', 'GET')).status).toBe(405)
  })

  test('is not there where nobody could read it', async () => {
    expect((await inspect(await startCollector(), '[]')).status).toBe(404)
  })
})

describe('the journal', () => {
  test('keeps the newest, by number and by size', () => {
    const few = createJournal({ entries: 2, characters: 10_000 })
    for (const number of [1, 2, 3]) few.add('request', number)
    const texts = (journal: Journal) => journal.after(journal.start(), 10).map(({ text }) => text)
    expect(texts(few)).toEqual([
      expect.stringContaining('data: 2'),
      expect.stringContaining('data: 3'),
    ])
    const small = createJournal({ entries: 100, characters: 500 })
    for (const letter of 'abc') small.add('request', letter.repeat(200))
    expect(texts(small)).toEqual([expect.stringContaining('bbb'), expect.stringContaining('ccc')])
  })
})

test('a page that is so slow that what it missed is forgotten starts anew', async () => {
  const journal = createJournal({ entries: 2, characters: 10_000_000 })
  const server = createServer(
    (req, res) => void streamEvents(req, res, { journal, greeting: () => ({}) }),
  )
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const stop = new AbortController()
  onTestFinished(() => stop.abort())
  const response = await fetch(`http://127.0.0.1:${port}/`, { signal: stop.signal })
  // More than the connection holds, so that the last ones have to wait.
  for (let count = 0; count < 100; count += 1) journal.add('request', 'x'.repeat(1_000_000))
  journal.add('request', 'the last')
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk as Uint8Array).toString()
    if (text.includes('the last')) break
  }
  const kinds = [...text.matchAll(/^event: (\w+)$/gm)].map(([, kind]) => kind)
  expect(kinds.slice(0, 3)).toEqual(['hello', 'live', 'request'])
  const again = kinds.slice(kinds.lastIndexOf('hello'))
  expect(again.slice(0, 3)).toEqual(['hello', 'request', 'request'])
  expect(text.split('{"anew":true}')).toHaveLength(3)
})

test('a page that leaves is told no more', async () => {
  const journal = createJournal()
  const greeting = () => ({})
  const server = createServer((req, res) => void streamEvents(req, res, { journal, greeting }))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  const stop = new AbortController()
  const { port } = server.address() as AddressInfo
  await fetch(`http://127.0.0.1:${port}/`, { signal: stop.signal })
  const listeners = (): number =>
    journal.news.listenerCount('entry') + journal.news.listenerCount('clear')
  expect(listeners()).toBe(2)
  stop.abort()
  await expect.poll(listeners).toBe(0)
})
