import type { Analytics } from '@segment/analytics-next'
import type { Plugin } from '@segment/analytics-next'
import { describe, expect } from 'vitest'
import type * as Package from '../../src/index.ts'
import { identityOf, nameOf, silent, test } from './host.ts'

const copies = (await Promise.all(
  // Two module instances, as two bundles on one page have them.
  ['one', 'two'].map((copy) => import(/* @vite-ignore */ `../../dist/index.js?${copy}`)),
)) as (typeof Package)[]

describe('the plugin gets every event, however it is registered', () => {
  test('by `plugins`', async ({ host }) => {
    const analytics = host.load({ plugins: [host.plugin({ anonymous: 'send' })] })
    void analytics.track('Before load')
    await analytics
    void analytics.track('After load')

    expect(await host.names(2)).toEqual(['After load', 'Before load'])
  })

  test('by `register` before Segment has loaded, early calls included', async ({ host }) => {
    const analytics = host.load()
    void analytics.track('Before register')
    void analytics.register(host.plugin({ anonymous: 'send' }))
    await analytics
    void analytics.track('After load')

    expect(await host.names(2)).toEqual(['After load', 'Before register'])
  })

  test('by `register` after Segment has loaded, from then on', async ({ host }) => {
    const analytics = host.load()
    await analytics.track('Before register')
    await analytics.register(host.plugin({ anonymous: 'send' }))
    void analytics.track('After register')

    expect(await host.names(1)).toEqual(['After register'])
  })

  test('by the array that a page has until Segment has loaded', async ({ host }) => {
    const analytics = await host.analytics()
    analytics.push(['register', host.plugin({ anonymous: 'send' })])
    analytics.push(['track', 'Pushed'])

    expect(await host.names(1)).toEqual(['Pushed'])
  })
})

describe('registered more than once, it sends every hit once', () => {
  test('as the same plugin', async ({ host }) => {
    const plugin = host.plugin()
    const analytics = await host.analytics({}, plugin, plugin)
    await analytics.identify('alice')
    await analytics.track('Once')

    expect(await host.names(2)).toEqual(['Once', 'ui'])
    expect(host.collector.requests).toHaveLength(2)
  })

  test('as two plugins of one client id, and the second says so', async ({ host }) => {
    const analytics = await host.analytics({}, host.plugin(), host.plugin())
    await analytics.identify('alice')
    await analytics.track('Once')

    expect(await host.names(2)).toEqual(['Once', 'ui'])
    expect(host.collector.requests).toHaveLength(2)
    expect(host.reports.filter(({ reason }) => reason === 'duplicate')).toHaveLength(2)
  })

  test('from two bundles', async ({ host }) => {
    const [one, two] = copies
    expect(one?.skalin).not.toBe(two?.skalin)
    const plugins = copies.map(({ skalin }) => host.plugin({}, skalin))
    const analytics = await host.analytics({}, ...plugins)
    await analytics.identify('alice')
    await analytics.track('Once')

    expect(await host.names(2)).toEqual(['Once', 'ui'])
    expect(host.collector.requests).toHaveLength(2)
  })

  test('but two client ids get a hit each, with event ids of their own', async ({ host }) => {
    const plugins = ['first', 'second'].map((clientId) => host.plugin({ clientId }))
    const analytics = await host.analytics({}, ...plugins)
    await analytics.identify('alice')

    const hits = await host.hits(2)
    expect(hits.map(({ client_id }) => client_id).sort()).toEqual(['first', 'second'])
    expect(hits[0]?.event_id).not.toBe(hits[1]?.event_id)
  })
})

describe('registered anew in one tick, as by a React component in StrictMode, it goes on', () => {
  test.for(['the same plugin', 'another plugin'])('with %s', async (which, { host }) => {
    const first = host.plugin()
    const second = which === 'the same plugin' ? first : host.plugin()
    const witness = host.witness()
    const analytics = await host.analytics({}, witness.plugin)

    void analytics.register(first)
    void analytics.deregister('Skalin')
    void analytics.register(second)
    void analytics.identify('alice')
    await analytics.track('Once')
    await analytics.track('Later')

    expect(await host.names(3)).toEqual(['Later', 'Once', 'ui'])
    expect(host.collector.requests).toHaveLength(3)
    expect(analytics.queue.plugins.map(({ name }) => name)).toEqual(['Witness', 'Skalin'])
  })

  test('unless it is deregistered at last', async ({ host }) => {
    const analytics = await host.analytics()
    void analytics.register(host.plugin())
    void analytics.deregister('Skalin')
    void analytics.register(host.plugin())
    await analytics.deregister('Skalin')
    await analytics.track('Too late')

    expect(analytics.queue.plugins).toEqual([])
  })
})

describe('several instances on a page', () => {
  test('each send what is called on them', async ({ host }) => {
    const [first, second] = [
      await host.analytics({}, host.plugin({ anonymous: 'send' })),
      await host.analytics({}, host.plugin({ anonymous: 'send' })),
    ]
    void first.track('On the first')
    void second.track('On the second')

    expect(await host.names(2)).toEqual(['On the first', 'On the second'])
  })

  test.for(['a plugin each', 'one plugin'])(
    'keep their users apart, with %s',
    async (which, { host }) => {
      const apart = { disableClientPersistence: true }
      const plugin = host.plugin()
      const first = await host.analytics(apart, plugin)
      const second = await host.analytics(apart, which === 'one plugin' ? plugin : host.plugin())
      void first.track('Of alice')
      void second.track('Of bob')
      void first.identify('alice')
      void second.identify('bob')

      const features = (await host.hits(4)).filter(({ action }) => action === 'ev')
      expect(features.map((hit) => [nameOf(hit), identityOf(hit)]).sort()).toEqual([
        ['Of alice', { id: 'alice' }],
        ['Of bob', { id: 'bob' }],
      ])
    },
  )

  test('may share a plugin, and deregistering it from one leaves the other', async ({ host }) => {
    const plugin = host.plugin({ anonymous: 'send' })
    const [first, second] = [await host.analytics({}, plugin), await host.analytics({}, plugin)]
    await first.deregister('Skalin')
    await first.track('On the first')
    await second.track('On the second')

    expect(await host.names(1)).toEqual(['On the second'])
  })
})

describe('the hooks', () => {
  const calls: Record<string, (analytics: Analytics) => unknown> = {
    track: (analytics) => analytics.track('x'),
    page: (analytics) => analytics.page('x'),
    screen: (analytics) => analytics.screen('x'),
    identify: (analytics) => analytics.identify('alice'),
    group: (analytics) => analytics.group('acme'),
    alias: (analytics) => analytics.alias('bob'),
  }

  test.for(Object.keys(calls))(
    'give the very context back at once, while the collector is silent: %s',
    async (type, { host }) => {
      host.collector.fault(silent)
      const plugin = host.plugin({ anonymous: 'send' })
      const returned: unknown[] = []
      const given: unknown[] = []
      const watched = {
        ...plugin,
        [type]: (ctx: Parameters<typeof plugin.track>[0]) => {
          // Without its object: a hook is usable unbound.
          const hook = plugin[type as 'track']
          given.push(ctx)
          returned.push(hook(ctx))
          return ctx
        },
      } as Plugin
      const analytics = await host.analytics({}, watched)
      await calls[type]?.(analytics)

      expect(given).toHaveLength(1)
      expect(returned[0]).toBe(given[0])
      expect(host.reports.filter(({ outcome }) => outcome === 'accepted')).toEqual([])
      if (type === 'group' || type === 'alias') await host.report({ outcome: 'skipped' })
      else await host.collector.hits({ count: 1 })
    },
  )

  test('take events before `load` has resolved', async ({ host }) => {
    const plugin = host.plugin({ anonymous: 'send' })
    const pending = new Promise<void>(() => undefined)
    const load: typeof plugin.load = (...given) => {
      void plugin.load(...given)
      return pending
    }
    const analytics = await host.analytics({}, { ...plugin, load })
    await analytics.track('Early')

    expect(await host.names(1)).toEqual(['Early'])
  })

  test('leave the event as it is', async ({ host }) => {
    const analytics = await host.analytics({}, host.plugin({ traits: ['plan'] }))
    let before: string | undefined
    analytics.on('dispatch_start', (ctx: { event: object }) => {
      before = JSON.stringify(ctx.event)
    })
    const ctx = await analytics.identify('alice', { plan: 'free', trait: { groupId: 'acme' } })

    expect(await host.names(1)).toEqual(['ui'])
    expect(JSON.stringify(ctx.event)).toBe(before)
    expect(ctx.failedDelivery()).toBeUndefined()
  })

  test("say nothing to Segment's own statistics, which it sends home", async ({ host }) => {
    const metricsOf = async (...plugins: Plugin[]) => {
      const analytics = await host.analytics({}, ...plugins)
      const { stats } = await analytics.track('Used')
      return stats.metrics.map(({ metric, type, tags }) => [metric, type, tags])
    }
    const quiet = { ...host.witness().plugin, name: 'Skalin' }

    expect(await metricsOf(host.plugin())).toEqual(await metricsOf(quiet))
  })
})

test('`ready` resolves, also with a bad setting', async ({ host }) => {
  const analytics = await host.analytics({}, host.plugin(), host.plugin({ onDelivery: undefined }))
  let called = false
  await analytics.ready(() => {
    called = true
  })
  expect(called).toBe(true)
})

test('it is loaded from its registration to its end', async ({ host }) => {
  const plugin = host.plugin()
  expect(plugin.isLoaded()).toBe(false)
  const analytics = await host.analytics({}, plugin)
  expect(plugin.isLoaded()).toBe(true)
  await analytics.deregister('Skalin')
  expect(plugin.isLoaded()).toBe(false)
})
