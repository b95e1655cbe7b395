import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import type { DeliveryReport, SkalinSettings } from '../src/index.ts'
import { inspect as off } from '../src/inspect-off.ts'
import { type InspectOptions, inspect } from '../src/inspect.ts'

type Told = { kind: string; clientId: string; report?: DeliveryReport; event?: object }

/** What an inspector is told, and how often it was asked; `answers` can be switched off. */
async function startInspector() {
  const told: Told[] = []
  const state = { requests: 0, answers: true }
  const server = createServer((req, res) => {
    let body = ''
    req.on('data', (chunk: Buffer) => (body += chunk.toString()))
    req.on('end', () => {
      state.requests += 1
      if (!state.answers) return void res.destroy()
      told.push(...(JSON.parse(body) as Told[]))
      res.writeHead(204).end()
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { told, state, endpoint: `${origin}/hit`, origin }
}

const skipped: DeliveryReport = { outcome: 'skipped', reason: 'no-name', messageId: 'm1' }

test('every report goes to the inspector of the endpoint, and to the listener that was given', async () => {
  const { told, endpoint } = await startInspector()
  const own: DeliveryReport[] = []
  const given = {
    clientId: 'c',
    endpoint,
    onDelivery: (report: DeliveryReport) => own.push(report),
  }
  const settings = inspect(given)
  expect(settings).toMatchObject({ clientId: 'c', endpoint })
  settings.onDelivery?.(skipped)
  await expect.poll(() => told).toMatchObject([{ kind: 'report', clientId: 'c', report: skipped }])
  expect(own).toEqual([skipped])
})

test('calls go there in order, also those that JSON cannot hold', async () => {
  const { told, origin } = await startInspector()
  const analytics = new EventEmitter()
  const { onDelivery } = inspect({ clientId: 'c' }, { analytics, inspector: origin })
  const circle: Record<string, unknown> = { messageId: 'm2' }
  circle['self'] = circle
  analytics.emit('dispatch_start', { event: { messageId: 'm1', type: 'page' } })
  analytics.emit('dispatch_start', { event: circle })
  onDelivery?.(skipped)
  await expect.poll(() => told).toHaveLength(3)
  expect(told).toMatchObject([
    { kind: 'call', messageId: 'm1', event: { type: 'page' } },
    { kind: 'call', messageId: 'm2', event: {} },
    { kind: 'report' },
  ])
})

test('without a collector it asks once, and breaks nothing', async () => {
  const { told, state, endpoint } = await startInspector()
  state.answers = false
  const { onDelivery } = inspect({ clientId: 'c', endpoint })
  onDelivery?.(skipped)
  await expect.poll(() => state.requests).toBe(1)
  // A later one, by another plugin, is the marker.
  for (let count = 0; count < 2000; count += 1) onDelivery?.(skipped)
  state.answers = true
  const marker = inspect({ clientId: 'marker', endpoint })
  marker.onDelivery?.(skipped)
  await expect.poll(() => told.map(({ clientId }) => clientId)).toEqual(['marker'])
  expect(state.requests).toBe(2)
})

test('an endpoint elsewhere is told to the inspector at its usual place', () => {
  const settings = { clientId: 'c', endpoint: 'https://collect.example/hit' }
  expect(inspect(settings).endpoint).toBe(settings.endpoint)
  expect(() => inspect({ clientId: 'c', endpoint: 'nonsense' })).not.toThrow()
})

test.each([
  ['localhost:4747', '"localhost:4747"'],
  ['nowhere', '"nowhere"'],
  ['', '""'],
  [4747, '4747'],
  ['ftp://jane:secret@127.0.0.1', 'one with credentials'],
])(
  'an inspector at %j is none: it says so once, and goes by the endpoint',
  async (inspector, received) => {
    const error = vi.spyOn(console, 'error').mockReturnValue()
    onTestFinished(() => error.mockRestore())
    const { told, endpoint } = await startInspector()
    const options = { inspector } as InspectOptions
    inspect({ clientId: 'c', endpoint }, options).onDelivery?.(skipped)
    await expect.poll(() => told).toHaveLength(1)
    const allowed = 'an http(s) origin, such as http://127.0.0.1:4747'
    expect(error.mock.calls).toEqual([
      [`Skalin: the \`inspector\` option must be ${allowed} (received: ${received})`],
    ])
  },
)

test('in a build for production the settings stay what they are', () => {
  const settings = { clientId: 'c' }
  expect(off(settings)).toBe(settings)
})

test('where NODE_ENV says production, too, and nobody is told', () => {
  vi.stubEnv('NODE_ENV', 'production')
  onTestFinished(() => void vi.unstubAllEnvs())
  const settings = { clientId: 'c' }
  const analytics = new EventEmitter()
  expect(inspect(settings, { analytics })).toBe(settings)
  expect(analytics.eventNames()).toEqual([])
})

test('a page has no `process`', () => {
  vi.stubGlobal('process', undefined)
  onTestFinished(() => void vi.unstubAllGlobals())
  expect(inspect({ clientId: 'c' }).onDelivery).toBeTypeOf('function')
})

test('calls without a pause are told meanwhile', async () => {
  const { told, origin } = await startInspector()
  const analytics = new EventEmitter()
  inspect({ clientId: 'c' }, { analytics, inspector: `${origin}/` })
  const event = { messageId: 'm' }
  const busy = setInterval(() => analytics.emit('dispatch_start', { event }), 5)
  onTestFinished(() => clearInterval(busy))
  await expect.poll(() => told.length).toBeGreaterThan(0)
})

test('large messages go in several requests', async () => {
  const { told, state, endpoint } = await startInspector()
  const { onDelivery } = inspect({ clientId: 'c', endpoint })
  const large = { ...skipped, messageId: 'x'.repeat(30_000) }
  for (let count = 0; count < 90; count += 1) onDelivery?.(large)
  await expect.poll(() => told).toHaveLength(90)
  expect(state.requests).toBe(3)
})

test('an `onDelivery` that is no function breaks nothing', async () => {
  const { told, endpoint } = await startInspector()
  const given = { clientId: 'c', endpoint, onDelivery: 'log' } as unknown as SkalinSettings
  inspect(given).onDelivery?.(skipped)
  await expect.poll(() => told).toHaveLength(1)
})

test('what an async listener rejects with stays the plugin’s to keep from the page', async () => {
  const { endpoint } = await startInspector()
  const failure = Promise.reject(new Error('own'))
  failure.catch(() => undefined)
  const { onDelivery } = inspect({ clientId: 'c', endpoint, onDelivery: (): unknown => failure })
  expect(onDelivery?.(skipped)).toBe(failure)
})

const fail = () => {
  throw new Error('not to be read')
}

test.each<[string, unknown]>([
  ['no options', null],
  ['a global without Segment', { analytics: [] }],
  ['an instance that fails', { analytics: { on: () => Promise.reject(Error()) } }],
])('with %s it passes on reports all the same', (_, options) => {
  const given = inspect({ clientId: 'c' }, options as InspectOptions)
  expect(given).toEqual({ clientId: 'c', onDelivery: expect.any(Function) as unknown })
})

test.each<[string, unknown]>([
  ['that are missing', undefined],
  ['that cannot be read', Object.defineProperty({}, 'clientId', { get: fail })],
])('settings %s are for the plugin to complain of', (_, settings) => {
  expect(inspect(settings as SkalinSettings)).toBe(settings)
})

test('a page without Segment’s `on` still tells its reports, also by the address as a URL', async () => {
  const { told, origin } = await startInspector()
  const options = { analytics: [], inspector: new URL(origin) } as unknown as InspectOptions
  inspect({ clientId: ' c ' }, options).onDelivery?.(skipped)
  await expect.poll(() => told).toMatchObject([{ kind: 'report', clientId: 'c' }])
})

test('an event that cannot be read does not break the page’s call', () => {
  const analytics = new EventEmitter()
  inspect({ clientId: 'c' }, { analytics })
  expect(() => analytics.emit('dispatch_start', {})).not.toThrow()
})

test('only where a collector’s path says so, the inspector is at the endpoint', async () => {
  const asked = vi.fn(() => Promise.resolve(new Response()))
  vi.stubGlobal('fetch', asked)
  onTestFinished(() => void vi.unstubAllGlobals())
  const tell = async (endpoint: string) => {
    inspect({ clientId: 'c', endpoint }).onDelivery?.(skipped)
    await expect.poll(() => asked.mock.calls).toHaveLength(1)
    const [[address] = []] = asked.mock.calls.splice(0) as unknown as [string][]
    return address
  }
  const usual = 'http://127.0.0.1:4747/inspect'
  expect(await tell('http://localhost:3000/hit')).toBe('http://localhost:3000/inspect')
  expect(await tell('http://localhost:3000/usage')).toBe(usual)
  expect(await tell('https://collect.example/hit')).toBe(usual)
})

test.each([
  [404, 2],
  [400, 1],
])('after %i it is told %i times', async (status, times) => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const bodies: string[] = []
  vi.stubGlobal('fetch', (_: string, { body }: { body: string }) => {
    bodies.push(body)
    return Promise.resolve(new Response('', { status: bodies.length === 1 ? status : 204 }))
  })
  onTestFinished(() => void vi.unstubAllGlobals())
  const { onDelivery } = inspect({ clientId: 'c' })
  onDelivery?.(skipped)
  await vi.advanceTimersByTimeAsync(6000)
  onDelivery?.({ ...skipped, messageId: 'later' })
  await vi.advanceTimersByTimeAsync(1000)
  expect(bodies.filter((body) => body.includes('"m1"'))).toHaveLength(times)
  expect(bodies.at(-1)).toContain('later')
})

test('what is told is as of then, but for what Segment adds to the context', async () => {
  const { told, endpoint } = await startInspector()
  const analytics = new EventEmitter()
  const { onDelivery } = inspect({ clientId: 'c', endpoint, enabled: false }, { analytics })
  const event = { messageId: 'm', properties: { step: 1 }, context: {} }
  const report = { ...skipped }
  analytics.emit('dispatch_start', { event })
  onDelivery?.(report)
  event.properties.step = 2
  event.context = Object.assign(event.context, { timezone: 'Europe/Paris' })
  report.outcome = 'accepted'
  await expect.poll(() => told).toHaveLength(2)
  expect(told).toMatchObject([
    { enabled: false, event: { properties: { step: 1 }, context: { timezone: 'Europe/Paris' } } },
    { report: skipped },
  ])
})
