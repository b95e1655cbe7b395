import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type ServerResponse, createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { describe, expect } from 'vitest'
import { type Collector, createCollector, type Fault } from '../../src/testing/index.ts'
import { until } from '../support/deadline.ts'
import { test } from './collector.ts'
import { type Fate, carry } from './retries.ts'
import { type Payload, builtFile, deploy } from './sandbox.ts'

const calls = (count: number): Payload[] =>
  Array.from({ length: count }, (_, index) => ({
    type: 'track',
    messageId: `message-${index}`,
    anonymousId: 'phone-1',
    userId: 'alice',
    event: `Feature ${index}`,
    timestamp: '2026-11-24T12:04:05.000Z',
    context: { ip: '203.0.113.7', timezone: 'Europe/Paris' },
  }))

const fatesOf = (fates: Fate[]): string[] => [...new Set(fates.map(({ fate }) => fate))]

/** What holds under every fault: an event is one hit however often it was sent, and all are one visit. */
async function expectSound(collector: Collector, events: Payload[]): Promise<void> {
  const hits = await collector.hits({ count: events.length })
  expect(hits).toHaveLength(events.length)
  expect(new Set(hits.map(({ hit }) => hit['visit_id'])).size).toBe(1)
  const bodies = new Map<string | undefined, string>()
  for (const { method, body, hit, problems } of collector.requests) {
    expect({ method, problems }).toEqual({ method: 'POST', problems: [] })
    expect(body).toBe(bodies.get(hit['event_id']) ?? body)
    bodies.set(hit['event_id'], body)
  }
}

const statuses = [
  301, 302, 303, 307, 308, 401, 403, 404, 405, 408, 410, 418, 425, 429, 500, 503, 504,
]
const outages: Fault[] = [
  ...statuses.map((status): Fault => ({ kind: 'status', status })),
  { kind: 'status', status: 429, retryAfter: 60 },
  { kind: 'reset' },
]

describe.each([
  ['one by one', { batch: false }],
  ['in batches', { batch: true }],
])('%s', (_, how) => {
  test.for(outages)(
    'an outage of three hours loses nothing: %j',
    async (fault, { collector, settings }) => {
      const events = calls(3)
      const fates = await carry(deploy(), events, settings, {
        ...how,
        at: (hours) => collector.fault(hours < 3 ? fault : undefined),
      })
      expect(fatesOf(fates)).toEqual(['delivered'])
      expect(Math.max(...fates.map(({ tries }) => tries))).toBeGreaterThan(3)
      await expectSound(collector, events)
    },
  )

  test('so does a collector that is not there', async ({ collector, settings }) => {
    const events = calls(3)
    await collector.down()
    const fates = await carry(deploy(), events, settings, {
      ...how,
      at: (hours) => (hours < 3 ? undefined : collector.up()),
    })
    expect(fatesOf(fates)).toEqual(['delivered'])
    await expectSound(collector, events)
  })

  test.for([400, 413, 422])(
    'what is refused with %i is discarded at once',
    async (status, { collector, settings }) => {
      collector.fault({ kind: 'status', status })
      const fates = await carry(deploy(), calls(3), settings, how)
      const refused = {
        fate: 'discarded',
        tries: 1,
        last: { message: `Skalin answered ${status}.` },
      }
      expect(fates).toMatchObject([refused, refused, refused])
      expect(collector.requests).toHaveLength(3)
    },
  )

  test('nothing is tried for ever', async ({ collector, settings }) => {
    collector.fault({ kind: 'status', status: 503 })
    const fates = await carry(deploy(), calls(2), settings, how)
    expect(fatesOf(fates)).toEqual(['expired'])
    expect(fates[0]?.last).toMatchObject({ message: 'Skalin answered 503.' })
  })

  test('a redirect is not followed: a 200 behind it is nothing', async ({
    collector,
    settings,
  }) => {
    const elsewhere = await createCollector({ sender: 'server' })
    const fault: Fault = { kind: 'status', status: 302, location: elsewhere.endpoint }
    const events = calls(1)
    const fates = await carry(deploy(), events, settings, {
      ...how,
      at: (hours) => collector.fault(hours < 1 ? fault : undefined),
    })
    expect(fatesOf(fates)).toEqual(['delivered'])
    await expectSound(collector, events)
    expect(elsewhere.requests).toEqual([])
    await elsewhere.close()
  })

  test.concurrent.for<Fault>([
    { kind: 'hang', at: 'headers', times: 2 },
    { kind: 'hang', at: 'body', times: 2 },
    // Taken, but told too late: it comes twice, and is one hit all the same.
    { kind: 'slow', ms: 6000, times: 2 },
  ])('it gives up before Segment does: %j', async (fault, { collector, settings }) => {
    const events = calls(3)
    collector.fault(fault)
    const fates = await carry(deploy(), events, settings, how)
    expect(fatesOf(fates)).toEqual(['delivered'])
    // What was answered in the first invocation is not sent again.
    expect(fates.map(({ tries }) => tries).sort()).toEqual([1, 2, 2])
    expect(collector.requests).toHaveLength(5)
    await expectSound(collector, events)
  })

  test.for<Fault>([
    { kind: 'slow', ms: 300 },
    { kind: 'no-cors' },
    { kind: 'status', status: 204 },
  ])(
    'what is slow, for no page, or without words is accepted: %j',
    async (fault, { collector, settings }) => {
      collector.fault(fault)
      const fates = await carry(deploy(), calls(3), settings, how)
      expect(fates).toMatchObject(calls(3).map(() => ({ fate: 'delivered', tries: 1 })))
      expect(collector.requests).toHaveLength(3)
    },
  )
})

describe('what it gives up, it lets go: no connection stays open', () => {
  const late = { kind: 'retried', message: 'Skalin did not answer in time.' }
  test.concurrent.for<[string, object, (response: ServerResponse) => void]>([
    ['no answer', late, () => undefined],
    ['an answer that stalls', late, (response) => response.writeHead(200).write('x')],
    [
      'a failure that stalls, said to be packed',
      { kind: 'retried', message: 'Skalin answered 503.' },
      (response) => response.writeHead(503, { 'Content-Encoding': 'gzip' }).write('x'),
    ],
    [
      'a refusal that breaks off',
      { kind: 'discarded', message: 'Skalin answered 400.' },
      (response) => {
        response.writeHead(400, { 'Content-Length': 50 }).write('x', () => response.destroy())
      },
    ],
    ['an answer without an end', { kind: 'delivered' }, (response) => pour(response)],
  ])('%s', async ([, fate, answer]) => {
    const server = createServer((_request, response) => answer(response))
    const open = new Set<Socket>()
    server.on('connection', (socket: Socket) => {
      open.add(socket)
      socket.once('close', () => open.delete(socket))
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const settings = { clientId: 'client', endpoint: `http://127.0.0.1:${port}` }
    const [verdict] = await deploy().invokeBatch(calls(1), settings)
    expect(verdict).toMatchObject(fate)
    await until(() => open.size === 0, { message: 'the end of the connection' })
    server.close()
  })

  function pour(response: ServerResponse): void {
    const more = () => {
      while (!response.destroyed && response.write('x'.repeat(65_536)));
    }
    response.writeHead(200).on('drain', more)
    more()
  }
})

describe("with Node's own `fetch`, should Segment change to it", () => {
  const today = () => deploy(undefined, { fetch, TextEncoder, AbortController })

  test.for<Fault>([
    { kind: 'status', status: 302, location: 'http://127.0.0.1:1/' },
    { kind: 'status', status: 503 },
    { kind: 'reset' },
  ])('an outage loses nothing: %j', async (fault, { collector, settings }) => {
    const events = calls(3)
    const fates = await carry(today(), events, settings, {
      batch: true,
      at: (hours) => collector.fault(hours < 1 ? fault : undefined),
    })
    expect(fatesOf(fates)).toEqual(['delivered'])
    await expectSound(collector, events)
  })

  test('no answer is one that comes too late', async ({ collector, settings }) => {
    collector.fault({ kind: 'hang', at: 'body' })
    const [verdict] = await today().invokeBatch(calls(1), settings)
    expect(verdict).toMatchObject({ kind: 'retried', message: 'Skalin did not answer in time.' })
  })
})

describe('messages say what happened, and nothing of whom or where', () => {
  test.for<[Fault, string]>([
    [{ kind: 'status', status: 404 }, 'Skalin answered 404.'],
    [{ kind: 'reset' }, 'Skalin could not be reached: ECONNRESET.'],
    [{ kind: 'hang', at: 'headers' }, 'Skalin did not answer in time.'],
  ])('%j', async ([fault, message], { collector, settings }) => {
    collector.fault(fault)
    const [verdict] = await deploy().invokeBatch(calls(1), settings)
    expect(verdict).toEqual({ kind: 'retried', as: 'Retry', message })
  })

  test('nobody there', async ({ collector, settings }) => {
    await collector.down()
    const [verdict] = await deploy().invokeBatch(calls(1), settings)
    expect(verdict).toMatchObject({ message: 'Skalin could not be reached: ECONNREFUSED.' })
    await collector.up()
  })
})

describe('a batch', () => {
  test('of 400, the most that Segment makes, arrives whole', async ({ collector, settings }) => {
    const events = calls(400)
    const fates = await carry(deploy(), events, settings, { batch: true })
    expect(fatesOf(fates)).toEqual(['delivered'])
    await expectSound(collector, events)
  })

  test('goes 20 at a time, and begins nothing when its time is over', async ({
    collector,
    settings,
  }) => {
    const [first, ...others] = calls(100)
    collector.fault({
      kind: 'hang',
      at: 'headers',
      where: ({ event }) => !event?.includes('Feature 0'),
    })
    const [own, ...rest] = await deploy().invokeBatch([first ?? {}, ...others], settings)
    expect(own).toMatchObject({ kind: 'delivered' })
    expect(rest).toHaveLength(99)
    expect(new Set(rest.map(({ kind }) => kind))).toEqual(new Set(['retried']))
    // What was begun before this has come before it.
    collector.fault(undefined)
    await deploy().invoke({ ...first, messageId: 'later', event: 'Later' }, settings)
    await collector.hits({ where: ({ event }) => event?.includes('Later') === true })
    // The answered one made room for one more.
    expect(collector.requests).toHaveLength(20 + 1 + 1)
  })

  test('loses one event that cannot be read, and no other', async ({ collector, settings }) => {
    // JSON.parse reads what is too deep for JSON.stringify, with which tests give their events.
    const deepen = `
      const whole = skalin.handleBatch
      skalin.handleBatch = ([first, second, third], settings) => {
        const properties = JSON.parse('['.repeat(15000) + ']'.repeat(15000))
        return whole([first, { ...second, messageId: null, properties }, third], settings)
      }`
    const segment = deploy(readFileSync(builtFile, 'utf8') + deepen)
    expect(await segment.invokeBatch(calls(3), settings)).toMatchObject([
      { kind: 'delivered' },
      { kind: 'discarded', message: expect.stringMatching(/nested/) as string },
      { kind: 'delivered' },
    ])
    expect(collector.requests).toHaveLength(2)
  })

  test('says who somebody is in the order of the calls, and waits with nothing else', async ({
    collector,
    settings,
  }) => {
    const identify = (userId: string, anonymousId: string, groupId: string): Payload => ({
      ...{ type: 'identify', messageId: groupId, anonymousId, userId, traits: { groupId } },
    })
    const events = [
      identify('alice', 'phone', 'first'),
      identify('alice', 'laptop', 'second'),
      identify('bob', 'phone', 'third'),
      identify('dora', 'watch', 'before'),
      // Of both, which are one from here on.
      identify('dora', 'phone', 'fourth'),
      identify('carol', 'tablet', 'other'),
      ...calls(1),
    ]
    collector.fault({
      kind: 'hang',
      at: 'headers',
      where: ({ customer_id }) => customer_id === 'first',
    })
    const kinds = async () => (await deploy().invokeBatch(events, settings)).map(({ kind }) => kind)
    expect(await kinds()).toEqual([...Array<string>(5).fill('retried'), 'delivered', 'delivered'])
    const customers = collector.requests.map(({ hit }) => hit['customer_id'])
    expect(customers.sort()).toEqual(['first', 'other', undefined])
    collector.fault(undefined)
    expect(new Set(await kinds())).toEqual(new Set(['delivered']))
  })

  test.concurrent(
    'of much that is said of one visitor keeps the others from nothing',
    async ({ collector, settings }) => {
      const groups = Array.from({ length: 40 }, (_, index) => `group-${index}`)
      const identities = groups.map((groupId) => ({
        ...{ type: 'identify', messageId: groupId, anonymousId: 'phone-2', userId: 'bob' },
        traits: { groupId },
      }))
      // One after the other, they take three times as long as there is.
      collector.fault({ kind: 'slow', ms: 300 })
      const verdicts = await deploy().invokeBatch([...identities, ...calls(60)], settings)
      expect(new Set(verdicts.slice(40).map(({ kind }) => kind))).toEqual(new Set(['delivered']))
      const sent = collector.requests.flatMap(({ hit }) => hit['customer_id'] ?? [])
      expect(sent).toEqual(groups.slice(0, sent.length))
      const kinds = verdicts.slice(0, 40).map(({ kind }) => kind)
      expect(kinds.lastIndexOf('delivered')).toBeLessThan(kinds.indexOf('retried'))
    },
  )

  test('says nothing of somebody of whom what was said before failed: both are tried again', async ({
    collector,
    settings,
  }) => {
    const events = ['first', 'second', 'third'].map((groupId) => ({
      ...{ type: 'identify', messageId: groupId, anonymousId: 'phone-1', userId: 'alice' },
      traits: { groupId },
    }))
    collector.fault({
      ...{ kind: 'status', status: 503 },
      where: ({ customer_id }) => customer_id === 'second',
    })
    const kinds = async () => (await deploy().invokeBatch(events, settings)).map(({ kind }) => kind)
    expect(await kinds()).toEqual(['delivered', 'retried', 'retried'])
    collector.fault(undefined)
    expect(await kinds()).toEqual(Array(3).fill('delivered'))
    const customers = collector.requests.map(({ hit }) => hit['customer_id'])
    expect(customers.slice(0, 2)).toEqual(['first', 'second'])
    expect(customers.at(-1)).toBe('third')
  })

  test('of nothing is answered with nothing', async ({ settings }) => {
    expect(await deploy().invokeBatch([], settings)).toEqual([])
  })
})
