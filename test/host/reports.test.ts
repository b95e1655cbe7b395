import { IDBFactory, IDBKeyRange } from 'fake-indexeddb'
import { describe, expect, onTestFinished, vi } from 'vitest'
import type { DeliveryReport } from '../../src/index.ts'
import { until } from '../support/deadline.ts'
import { test } from './host.ts'
import { setOnline } from './page.ts'

const messageId = expect.stringMatching(/^ajs-next-/) as string
const hit = expect.objectContaining({ rec: '1', client_id: 'test-client' }) as object

describe('`onDelivery` is told', () => {
  test('of a hit that was accepted: the hit, its call, its tries and its answer', async ({
    host,
  }) => {
    const analytics = await host.analytics({}, host.plugin())
    const { event } = await analytics.identify('alice')

    const report = await host.report({ outcome: 'accepted' })
    const [received] = await host.hits(1)
    expect(report).toEqual({
      outcome: 'accepted',
      hit: received,
      messageId: event.messageId,
      attempts: 1,
      status: 200,
    })
  })

  const faults = [
    ['status', { kind: 'status', status: 503 }, { status: 503 }],
    ['rate-limited', { kind: 'status', status: 429 }, { status: 429 }],
    ['status', { kind: 'status', status: 404 }, { status: 404 }],
    ['network', { kind: 'reset' }, {}],
  ] as const

  test.for(faults)('why one waits, and until when: %s', async ([reason, fault, more], { host }) => {
    host.collector.fault(fault)
    const analytics = await host.analytics({}, host.plugin())
    await analytics.identify('alice')

    const report = await host.report({ outcome: 'waiting' })
    expect(report).toEqual({
      outcome: 'waiting',
      reason,
      hit,
      messageId,
      attempts: 1,
      nextTryAt: expect.any(Number) as number,
      ...more,
    })
    expect(report.nextTryAt).toBeGreaterThan(Date.now() - 1000)
  })

  test('that one waits for the network', async ({ host }) => {
    setOnline(false)
    const analytics = await host.analytics({}, host.plugin())
    await analytics.identify('alice')
    await host.report({ outcome: 'waiting', reason: 'offline', attempts: 0 })
  })

  test('that one waits for its turn', async ({ host }) => {
    const analytics = await host.analytics({}, host.plugin({ anonymous: 'send' }))
    await Promise.all(['a', 'b', 'c'].map((name) => analytics.track(name)))
    await host.report({ outcome: 'waiting', reason: 'busy' })
    expect(await host.names(3)).toEqual(['a', 'b', 'c'])
  })

  test('that one waits until its visitor is known, and is gone when that cannot be', async ({
    host,
  }) => {
    const analytics = await host.analytics({}, host.plugin())
    await analytics.track('Used')
    await host.report({ outcome: 'waiting', reason: 'anonymous' })
    analytics.reset()
    expect(await host.report({ outcome: 'dropped' })).toEqual({
      outcome: 'dropped',
      reason: 'anonymous',
      hit,
      messageId,
      attempts: 0,
    })
  })

  test('that one is gone since the collector refused it', async ({ host }) => {
    host.collector.fault({ kind: 'status', status: 400 })
    const analytics = await host.analytics({}, host.plugin())
    await analytics.identify('alice')
    await host.report({ outcome: 'dropped', reason: 'refused', status: 400 })
  })

  test('that one is gone since too many wait for their visitor', async ({ host }) => {
    const analytics = await host.analytics({}, host.plugin())
    await Promise.all(Array.from({ length: 101 }, (_, number) => analytics.track(`Use ${number}`)))
    const report = await host.report({ outcome: 'dropped', reason: 'evicted' })
    expect(report.hit?.event).toContain('Use 0')
  })

  test('that some are gone, once for each, though the database was taking them', async ({
    host,
  }) => {
    vi.stubGlobal('indexedDB', new IDBFactory())
    vi.stubGlobal('IDBKeyRange', IDBKeyRange)
    onTestFinished(() => void vi.unstubAllGlobals())
    const analytics = await host.analytics({}, host.plugin())
    await analytics.track('Opens the database')
    const calls = Array.from({ length: 129 }, (_, number) => analytics.track(`Use ${number}`))
    await Promise.all(calls)
    analytics.reset()
    await analytics.track('Marker')
    await analytics.identify('alice')
    await host.hits(2)
    const gone = host.reports.filter(({ outcome }) => outcome === 'dropped')
    expect(gone).toHaveLength(130)
    expect(new Set(gone.map(({ messageId }) => messageId)).size).toBe(130)
  })

  test('that a call makes too large a hit', async ({ host }) => {
    const analytics = await host.analytics({}, host.plugin())
    await analytics.identify(`alice ${'x'.repeat(20_000)}`)
    expect(await host.report({ outcome: 'dropped' })).toEqual({
      outcome: 'dropped',
      reason: 'too-large',
      messageId,
    })
  })

  test('in the log, that one has lost its chosen traits for its size', async ({ host }) => {
    const analytics = await host.analytics({}, host.plugin({ traits: ['bio', 'plan'] }))
    const ctx = await analytics.identify('alice', { bio: 'x'.repeat(20_000), plan: 'gold' })
    const [hit] = await host.hits(1)
    expect(hit?.identity).toBe('{"id":"alice"}')
    expect(ctx.logs().map(({ message }) => message)).toContainEqual(
      expect.stringMatching(/16 KiB.*traits/),
    )
  })

  test('why a call makes no hit', async ({ host }) => {
    const plugin = host.plugin({
      anonymous: 'drop',
      featureName: (_event, name) => (name === 'Nothing' ? null : name),
    })
    const analytics = await host.analytics({}, plugin)
    await analytics.track(' ')
    await analytics.screen('')
    await analytics.identify({ plan: 'free' })
    await analytics.group({ plan: 'free' })
    await analytics.group('acme')
    await analytics.alias('alicia')
    await analytics.track('Nothing')
    await analytics.track('Used')

    await until(() => host.reports.length === 8, { message: 'eight reports' })
    expect(host.reports.map(({ outcome }) => outcome)).toEqual(Array(8).fill('skipped'))
    expect(host.reports.map(({ reason }) => reason)).toEqual([
      'no-name',
      'no-name',
      'no-identity',
      'no-group',
      'no-identity',
      'unsupported',
      'feature-name',
      'anonymous',
    ])
    expect(host.reports.map((report) => report.messageId)).toEqual(Array(8).fill(messageId))
  })
})

test('an `onDelivery` that changes what it is told of changes no hit', async ({ host }) => {
  host.collector.fault({ kind: 'status', status: 503 })
  const onDelivery = ({ hit }: DeliveryReport) => {
    if (hit) hit.identity = '[redacted]'
  }
  const analytics = await host.analytics({}, host.plugin({ onDelivery }))
  await analytics.identify('alice')
  await until(() => host.collector.requests.length > 0, { message: 'a request' })
  await analytics.deregister('Skalin')
  host.collector.fault(undefined)
  await host.analytics({}, host.plugin())
  const [received] = await host.hits(1)
  expect(received?.identity).toBe('{"id":"alice"}')
})

test('an `onDelivery` that throws harms nobody', async ({ host }) => {
  const onDelivery = () => {
    throw new Error('sabotaged')
  }
  const witness = host.witness()
  const plugin = host.plugin({ onDelivery })
  const analytics = await host.analytics({}, plugin, witness.plugin)
  await analytics.identify('alice')
  await analytics.track('Used')
  await analytics.alias('alicia')

  expect(await host.names(2)).toEqual(['Used', 'ui'])
  expect(witness.seen).toEqual(['identify', 'Used', 'alias'])
  expect(await plugin.pending()).toBe(0)
})

test("Segment's log has it as well, and the console nothing", async ({ host }) => {
  const analytics = await host.analytics({}, host.plugin())
  const ctx = await analytics.alias('alicia')

  const lines = ctx.logs().map(({ message }) => message)
  expect(lines).toContain('Skalin: skipped unsupported')
  expect(host.said).toEqual([])
})

test('what comes when Segment has printed the log of a call is in that of the next', async ({
  host,
}) => {
  const analytics = await host.analytics({}, host.plugin({ anonymous: 'send' }))
  host.collector.fault({ kind: 'status', status: 404 })
  await analytics.track('Used')
  await host.report({ outcome: 'waiting' })
  const lines = (await analytics.track('Used again')).logs().map(({ message }) => message)
  expect(lines).toContainEqual(expect.stringMatching(/^Skalin: waiting status 404 [\da-f]{16}$/))
  expect(lines).toContainEqual(expect.stringContaining('The collector answered 404'))
  const next = (await analytics.alias('alicia')).logs().map(({ message }) => message)
  expect(next).not.toContainEqual(expect.stringContaining('The collector answered 404'))
})
