import type { Options } from '@segment/analytics-next'
import { describe, expect } from 'vitest'
import { identityOf, nameOf, test } from './host.ts'

type Integrations = NonNullable<Options['integrations']>

/** What Segment makes of `integrations`: given at load for all events, and given with one event. */
const table: [said: string, integrations: Integrations, atLoad: boolean, withEvent: boolean][] = [
  ['nothing', {}, true, true],
  ['{ Skalin: false }', { Skalin: false }, false, false],
  ['{ All: false }', { All: false }, false, false],
  ['{ All: false, Skalin: true }', { All: false, Skalin: true }, true, true],
  ['{ All: false, Skalin: {} }', { All: false, Skalin: {} }, true, true],
  ['{ All: true, Skalin: false }', { All: true, Skalin: false }, false, false],
  ['{ skalin: false }', { skalin: false }, false, false],
  ['{ All: false, skalin: true }', { All: false, skalin: true }, true, true],
  ['{ Skalin: true, skalin: false }', { Skalin: true, skalin: false }, true, true],
  ['{ SKALIN: false }', { SKALIN: false }, true, true],
  ['{ Other: false }', { Other: false }, true, true],
  ['{ Skalin: 0 }', { Skalin: 0 as never }, false, false],
  ['{ Skalin: undefined }', { Skalin: undefined }, false, true],
  ['{ Skalin: null }', { Skalin: null as never }, false, true],
  ['{ All: undefined }', { All: undefined }, false, true],
]

const verdict = (delivered: boolean) => (delivered ? 'delivered' : 'blocked')

describe('as for every destination, `integrations` decide', () => {
  test.for(table)('at load: %s', async ([said, integrations, delivered], { host }) => {
    const plugin = host.plugin({ anonymous: 'send' })
    const [analytics] = await host.load({ plugins: [plugin] }, { integrations })
    await analytics.track(verdict(delivered))
    // The word of an event goes before that of the load.
    await analytics.track('marker', {}, { integrations: { Skalin: true } })

    const names = delivered ? ['delivered', 'marker'] : ['marker']
    expect(await host.names(names.length), said).toEqual(names)
  })

  test.for(table)('with an event: %s', async ([said, integrations, , delivered], { host }) => {
    const analytics = await host.analytics({}, host.plugin({ anonymous: 'send' }))
    await analytics.track(verdict(delivered), {}, { integrations })
    await analytics.track('marker')

    const names = delivered ? ['delivered', 'marker'] : ['marker']
    expect(await host.names(names.length), said).toEqual(names)
  })
})

describe('an event brings options of its own', () => {
  test('the customer and the feature name, before the settings', async ({ host }) => {
    const settings = { customerId: 'from the settings', featureName: () => 'From the settings' }
    const analytics = await host.analytics({}, host.plugin({ anonymous: 'send', ...settings }))
    await analytics.track('Track')
    const integrations = { Skalin: { customerId: 'acme', featureName: 'Import' } }
    await analytics.track('Track', {}, { integrations })

    const hits = await host.hits(2)
    expect(hits.map((hit) => [nameOf(hit), hit.customer_id]).sort()).toEqual([
      ['From the settings', 'from the settings'],
      ['Import', 'acme'],
    ])
  })

  test('and skips itself by a feature name of `null`', async ({ host }) => {
    const analytics = await host.analytics({}, host.plugin({ anonymous: 'send' }))
    await analytics.track('Track', {}, { integrations: { Skalin: { featureName: null } } })
    await host.report({ outcome: 'skipped', reason: 'feature-name' })
  })

  test('its traits and group, given as Segment wants it', async ({ host }) => {
    const analytics = await host.analytics({}, host.plugin())
    await analytics.identify('alice', { email: 'stored@example.com' })
    await analytics.track(
      'Track',
      {},
      {
        context: { traits: { email: 'given@example.com' }, groupId: 'given' },
      },
    )

    const hit = (await host.hits(2)).find(({ action }) => action === 'ev')
    expect(hit?.customer_id).toBe('given')
    expect(hit && identityOf(hit)).toEqual({ id: 'alice', email: 'given@example.com' })
  })
})

test('nothing of an event chooses the endpoint, the client id or the fields of a hit', async ({
  host,
}) => {
  const forged = {
    clientId: 'forged',
    client_id: 'forged',
    endpoint: 'http://127.0.0.1:9/forged',
    rec: '2',
    action: 'forged',
    event_id: 'forged',
    visit_id: 'forged',
    visitor_id: 'forged',
    cip: '1.2.3.4',
    'identity&client_id': 'forged',
  }
  const analytics = await host.analytics({}, host.plugin({ traits: ['plan'] }))
  await analytics.identify('alice', {
    ...forged,
    plan: '"},"id":"forged&client_id=forged\r\nrec=2',
    constructor: 'forged' as never,
  })
  await analytics.track('a&client_id=forged"}', forged, {
    ...forged,
    integrations: { Skalin: { ...forged, customerId: 'b&client_id=forged' } },
    context: { ...forged, page: { url: 'https://x.example/?client_id=forged#&client_id=forged' } },
  })

  const hits = await host.hits(2)
  expect(host.collector.requests.map(({ problems }) => problems)).toEqual([[], []])
  expect(new Set(hits.map(({ client_id }) => client_id))).toEqual(new Set(['test-client']))
  const common = ['action', 'client_id', 'event_id', 'identity', 'localtime', 'rec', 'ts', 'url']
  const ids = ['visit_id', 'visitor_id']
  for (const hit of hits) {
    const own = hit.action === 'ev' ? ['customer_id', 'event'] : []
    expect(Object.keys(hit).sort()).toEqual([...common, ...ids, ...own].sort())
  }
  const feature = hits.find(({ action }) => action === 'ev')
  expect(feature && nameOf(feature)).toBe('a&client_id=forged"}')
  expect(feature?.url).toBe('https://x.example/')
})
