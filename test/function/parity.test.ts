// @vitest-environment happy-dom
import type { AnalyticsBrowser, Options, Plugin } from '@segment/analytics-next'
import { describe, expect } from 'vitest'
import type { DeliveryReport } from '../../src/index.ts'
import { createCollector, type HitFields } from '../../src/testing/index.ts'
import { test } from '../host/host.ts'
import { type Case, corpus, told } from '../support/corpus.ts'
import { until } from '../support/deadline.ts'
import { type Payload, deploy } from './sandbox.ts'

/** The differences that there are, each for its reason. */
const differences = [
  // A browser keeps visits, a Function keeps nothing.
  'visit_id',
  // Only Segment's servers know it, and only servers may send it.
  'cip',
]

/** What Segment's servers add to a call before a Function gets it. */
const byServers = (event: Payload): Payload => ({
  ...event,
  context: { ...(event['context'] as object), ip: '203.0.113.7' },
  receivedAt: '2026-11-24T12:04:06.500Z',
  channel: 'client',
  version: 2,
})

/** A destination beside ours, which sees each call as Segment sends it to its servers: as JSON. */
function recorder(): { plugin: Plugin; seen: Payload[] } {
  const seen: Payload[] = []
  const hook: Plugin['track'] = (ctx) => {
    seen.push(JSON.parse(JSON.stringify(ctx.event)) as Payload)
    return ctx
  }
  const plugin: Plugin = {
    name: 'Recorder',
    type: 'destination',
    isLoaded: () => true,
    load: () => Promise.resolve(),
    ...{ track: hook, page: hook, screen: hook, identify: hook, group: hook },
  }
  return { plugin, seen }
}

/** Makes the call of which Segment makes such an event. */
function call(analytics: AnalyticsBrowser, event: Case['event']): Promise<unknown> {
  const { type, userId = 'alice', traits, category, name, groupId, ...rest } = event
  const options: Options = {
    messageId: 'message-1',
    anonymousId: 'browser-1',
    timestamp: '2026-11-24T12:04:05.000Z',
    userId: userId as string,
    ...(rest as Pick<Options, 'context' | 'integrations' | 'timestamp'>),
  }
  switch (type) {
    case 'track':
      return analytics.track(String(rest['event']), {}, options)
    case 'page':
    case 'screen':
      return analytics[type](category as string, name as string, {}, options)
    case 'identify':
      return analytics.identify(userId as string, traits ?? {}, options)
    case 'group':
      return analytics.group(groupId as string, {}, options)
  }
}

const without = (hit: HitFields): unknown =>
  Object.fromEntries(Object.entries(hit).filter(([name]) => !differences.includes(name)))

describe('of one event the plugin and the Function make the same hit', () => {
  test.for(corpus)('$what', async ({ event, settings = {}, gives }, { host }) => {
    const { featureNames, ...others } = settings
    const { plugin: beside, seen } = recorder()
    const plugin = host.plugin({
      ...others,
      featureName: featureNames && ((_, name) => featureNames[name]),
    })
    const analytics = host.load()
    await analytics.register(beside, plugin)
    await call(analytics, event)
    await until(() => seen.length === 1, { message: 'the event' })

    const server = await createCollector({ sender: 'server' })
    const own = { clientId: 'test-client', endpoint: server.endpoint, includeBrowser: true }
    const verdict = await deploy().invoke(byServers(seen[0] ?? {}), { ...settings, ...own })
    const [request] = server.requests
    await server.close()

    if ('skipped' in gives) {
      await host.report({ outcome: 'skipped', reason: gives.skipped } as Partial<DeliveryReport>)
      expect(request).toBeUndefined()
      expect(['delivered', 'discarded']).toContain(verdict.kind)
      return
    }
    expect(verdict.kind).toBe('delivered')
    expect(request?.problems).toEqual([])
    const hit = request?.hit ?? {}
    const [twin] = (
      await host.collector.hits({ where: (its) => its['event_id'] === hit['event_id'] })
    ).map((received) => received.hit)
    expect(without(hit)).toEqual(without(twin ?? {}))
    expect(told(hit, gives)).toEqual(gives)
    expect(hit['cip']).toBe('203.0.113.7')
    expect(hit['visit_id']).not.toBe(twin?.['visit_id'])
  })
})
