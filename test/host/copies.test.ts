import { readFileSync } from 'node:fs'
import { runInThisContext } from 'node:vm'
import type { Analytics } from '@segment/analytics-next'
import { describe, expect } from 'vitest'
import { skalin } from '../../src/index.ts'
import { type Host, identityOf, nameOf, test } from './host.ts'

/** The script of version 1.0.0, as it was first built. It finds no tag of its own here. */
const script = readFileSync('test/fixtures/skalin-1.0.0.min.js', 'utf8')
runInThisContext(script)
const frozen = window.skalinPlugin
Reflect.deleteProperty(window, 'skalinPlugin')

type Maker = typeof skalin
const pairs: [string, [Maker, Maker]][] = [
  ['two of this version', [skalin, skalin]],
  ['1.0.0 and this version', [frozen, skalin]],
  ['this version and 1.0.0', [skalin, frozen]],
]

test('version 1.0.0 is another version', () => {
  expect(frozen).not.toBe(skalin)
  expect(String(frozen)).not.toBe(String(skalin))
})

describe.for(pairs)('several copies of one client id, %s,', ([, makers]) => {
  const open = (host: Host) => makers.map((make) => host.plugin({ anonymous: 'send' }, make))

  test('send each hit once', async ({ host }) => {
    const analytics = await host.analytics({}, ...open(host))
    await analytics.track('Before')
    await analytics.identify('alice', { email: 'alice@example.com' })
    await analytics.group('acme')
    await analytics.track('Used')
    analytics.reset()
    await analytics.track('After')

    const hits = await host.hits(5)
    expect(hits.map(nameOf).sort()).toEqual(['After', 'Before', 'Used', 'ui', 'ui'])
    expect(new Set(hits.map(({ visit_id }) => visit_id)).size).toBe(2)
  })

  test('send none that a middleware stops, whichever comes first', async ({ host }) => {
    const [first, second] = open(host)
    if (!first || !second) throw new Error('two')
    const analytics = await host.analytics({}, first)
    await analytics.addDestinationMiddleware('Skalin', ({ payload, next }) => {
      if (payload.obj.event !== 'Stopped') next(payload)
    })
    await analytics.register(second)
    await analytics.track('Stopped')
    await analytics.track('Marker')

    // 1.0.0 keeps its middleware to itself: behind it, this version cannot know of it.
    const stops = makers[0] === skalin || makers[1] === frozen
    expect(await host.names(1)).toEqual(stops ? ['Marker'] : expect.arrayContaining(['Marker']))
  })
})

test('one that a middleware keeps from hearing leaves what the other has heard to the next page', async ({
  host,
}) => {
  const plugins = [host.plugin(), host.plugin()]
  const analytics = await host.analytics({}, ...plugins)
  await analytics.addDestinationMiddleware('Skalin', ({ payload, next }) => next(payload))
  await analytics.identify('alice', { email: 'alice@example.com', groupId: 'acme' })
  await host.hits(1)
  await analytics.group('elsewhere', {}, { integrations: { Skalin: false } })
  await analytics.deregister('Skalin')

  const next = await host.analytics({}, host.plugin())
  await next.track('Used')
  const used = (await host.hits(2)).find((hit) => nameOf(hit) === 'Used')
  expect(used).toMatchObject({ customer_id: 'acme' })
  expect(identityOf(used ?? {})).toEqual({ id: 'alice', email: 'alice@example.com' })
})

describe('two client ids on one instance', () => {
  const ids = ['one', 'two']

  async function hitsOf(host: Host, settings: string[], use: (analytics: Analytics) => unknown) {
    const plugins = settings.map((clientId) => host.plugin({ clientId }))
    const analytics = await host.analytics({}, ...plugins)
    const before = host.collector.requests.length
    await use(analytics)
    const count = settings.length * 3
    const hits = (await host.hits(before + count)).slice(before)
    await analytics.deregister('Skalin')
    return hits
  }

  const uses: Record<string, (analytics: Analytics) => unknown> = {
    'a call and a reset in one task': async (analytics) => {
      await analytics.identify('alice')
      void analytics.track('Used')
      analytics.reset()
      await analytics.identify('bob')
    },
    'a first call and a reset in one task': async (analytics) => {
      void analytics.identify('alice')
      void analytics.track('Used')
      analytics.reset()
      await analytics.identify('bob')
    },
  }

  test.for(Object.keys(uses))(
    '%s: neither makes a visit or a `ui` that one alone would not make',
    async (name, { host }) => {
      const hits = await hitsOf(host, ids, uses[name] as (typeof uses)[string])
      for (const clientId of ids) {
        const own = hits.filter(({ client_id }) => client_id === clientId)
        expect(own.map(nameOf).sort()).toEqual(['Used', 'ui', 'ui'])
        expect(new Set(own.map(({ visit_id }) => visit_id)).size).toBe(2)
      }
      // The visitor's visits are the same for both.
      expect(new Set(hits.map(({ visit_id }) => visit_id)).size).toBe(2)
    },
  )

  test('a call that the page makes when it hears of the reset is of the next visit', async ({
    host,
  }) => {
    const [one, two] = ids.map((clientId) => host.plugin({ clientId, anonymous: 'send' }))
    const analytics = await host.analytics({}, ...(one ? [one] : []))
    analytics.on('reset', () => void analytics.track('Heard'))
    if (two) await analytics.register(two)
    await analytics.track('Before')
    analytics.reset()
    await analytics.track('After')

    const hits = await host.hits(6)
    const visitsOf = (name: string) =>
      new Set(hits.filter((hit) => nameOf(hit) === name).map(({ visit_id }) => visit_id))
    expect(visitsOf('After').size).toBe(1)
    expect(visitsOf('Heard')).toEqual(visitsOf('After'))
    expect(visitsOf('Before')).not.toEqual(visitsOf('After'))
  })

  test('a returning user is identified once for each, in one visit', async ({ host }) => {
    const before = await host.analytics()
    await before.identify('alice')
    const analytics = await host.analytics({}, ...ids.map((clientId) => host.plugin({ clientId })))
    await analytics.track('One')
    await analytics.track('Two')
    const hits = await host.hits(6)
    expect(hits.map(nameOf).sort()).toEqual(['One', 'One', 'Two', 'Two', 'ui', 'ui'])
    expect(new Set(hits.map(({ visit_id }) => visit_id)).size).toBe(1)
  })

  test('each has its own consent', async ({ host }) => {
    const analytics = await host.analytics(
      {},
      host.plugin({ clientId: 'asks', consent: { categories: ['Ads'] }, anonymous: 'send' }),
      host.plugin({ clientId: 'asks not', anonymous: 'send' }),
    )
    await analytics.track('Used')
    const hits = await host.hits(1)
    expect(hits.map(({ client_id }) => client_id)).toEqual(['asks not'])
  })
})
