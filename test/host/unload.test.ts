import { describe, expect } from 'vitest'
import { until } from '../support/deadline.ts'
import { test } from './host.ts'
import { listenersOf, watchPage } from './page.ts'

describe('once deregistered', () => {
  test('it listens to nothing any more', async ({ host }) => {
    const analytics = await host.analytics()
    // From here on, since Segment itself listens for `pagehide`.
    const page = watchPage()
    await analytics.register(host.plugin())
    expect(listenersOf(analytics)).toEqual(['dispatch_start', 'reset'])
    expect(page.listeners()).toEqual([
      'online',
      'pagehide',
      'pageshow',
      'visibilitychange',
      'storage',
    ])

    await analytics.deregister('Skalin')
    expect(listenersOf(analytics)).toEqual([])
    expect(page.listeners()).toEqual([])
  })

  test('so does its twin, which Segment does not unload', async ({ host }) => {
    const analytics = await host.analytics()
    const page = watchPage()
    await analytics.register(host.plugin(), host.plugin({ clientId: 'other' }))
    expect(page.listeners()).toHaveLength(10)

    await analytics.deregister('Skalin')
    expect(listenersOf(analytics)).toEqual([])
    expect(page.listeners()).toEqual([])
  })

  test('no timer of it is left, though hits wait', async ({ host }) => {
    const page = watchPage()
    host.collector.fault({ kind: 'status', status: 503, retryAfter: 60 })
    const analytics = await host.analytics({}, host.plugin())
    await analytics.identify('alice')
    await host.report({ outcome: 'waiting', reason: 'status' })
    void analytics.track('Waiting, too')
    analytics.reset()
    await until(() => page.timers() > 0, { message: 'the timer of the next try' })

    await analytics.deregister('Skalin')
    await until(() => page.timers() === 0, { message: 'the end of all timers', deadlineMs: 900 })
  })

  test('it sends nothing of the calls that come after', async ({ host }) => {
    const [ended, lasting] = [host.plugin({ clientId: 'ended' }), host.plugin()]
    const analytics = await host.analytics({}, ended)
    const other = await host.analytics({}, lasting)
    await analytics.identify('alice')
    await host.hits(1)

    const call = analytics.track('In between')
    await analytics.deregister('Skalin')
    await call
    await analytics.track('After')
    window.dispatchEvent(new Event('pagehide'))
    window.dispatchEvent(new Event('pageshow'))
    await other.track('On another instance')

    const hits = await host.hits(2)
    expect(hits.filter(({ client_id }) => client_id === 'ended')).toHaveLength(1)
  })

  test('it has answered Segment at once, while the collector is silent', async ({ host }) => {
    const analytics = await host.analytics({}, host.plugin())
    host.collector.fault({ kind: 'slow', ms: 1000 })
    await analytics.identify('alice')
    await analytics.deregister('Skalin')

    expect(analytics.queue.plugins).toEqual([])
    expect(host.reports).toEqual([])
    await host.report({ outcome: 'accepted' })
  })

  test.for(['the same plugin', 'another plugin'])(
    '%s registered again works',
    async (which, { host }) => {
      const plugin = host.plugin()
      const analytics = await host.analytics({}, plugin)
      await analytics.identify('alice')
      await analytics.deregister('Skalin')
      await analytics.track('In between')
      await analytics.register(which === 'the same plugin' ? plugin : host.plugin())
      await analytics.track('Again')

      expect(await host.names(2)).toEqual(['Again', 'ui'])
    },
  )
})

test('`unload` never throws, whatever Segment gives it', async ({ host }) => {
  const plugin = host.plugin()
  await plugin.unload()
  await host.analytics({}, plugin)
  await plugin.unload(undefined, Object.freeze({}))
  await plugin.unload(undefined, 'no object' as never)
  await plugin.unload()
  await plugin.unload()
  expect(plugin.isLoaded()).toBe(false)
})

test('it prints nothing and leaves no trace on the instance that others come across', async ({
  host,
}) => {
  const analytics = await host.analytics()
  const before = [Object.keys(analytics), JSON.stringify(Object.entries(analytics.options))]
  await analytics.register(host.plugin())
  await analytics.identify('alice')
  await host.hits(1)

  expect([Object.keys(analytics), JSON.stringify(Object.entries(analytics.options))]).toEqual(
    before,
  )
  expect(host.said).toEqual([])
})
