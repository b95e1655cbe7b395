import { AnalyticsBrowser } from '@segment/analytics-next'
import { describe, expect } from 'vitest'
import { test } from './host.ts'
import { setOnline } from './page.ts'

describe('Segment is as docs/compatibility.md says', () => {
  test('it replays an early `deregister` last: registered anew before load, a plugin is gone', async ({
    host,
  }) => {
    const analytics = host.load()
    void analytics.register(host.plugin())
    const deregistered = analytics.deregister('Skalin')
    void analytics.register(host.plugin())
    await deregistered

    const [{ queue }] = await analytics
    expect(queue.plugins.map(({ name }) => name)).toEqual(['Page Enrichment'])
  })

  test('once it has loaded, or without deregistering, the plugin stays', async ({ host }) => {
    const early = host.load()
    void early.register(host.plugin())
    void early.register(host.plugin())
    void early.identify('alice')
    await early
    expect(await host.names(1)).toEqual(['ui'])
    expect(host.collector.requests).toHaveLength(1)
  })

  test('it takes away what is registered anew while the plugin before it unloads', async ({
    host,
  }) => {
    const { plugin } = host.witness()
    plugin.unload = () => undefined
    const analytics = await host.analytics({}, plugin)
    const deregistered = analytics.deregister('Witness')
    await analytics.register(host.witness().plugin)
    await deregistered

    expect(analytics.queue.plugins).toEqual([])
  })

  test('without its settings no destination is loaded', async ({ host }) => {
    const plugin = host.plugin()
    const analytics = AnalyticsBrowser.load({ writeKey: 'k', cdnURL: 'http://127.0.0.1:9' })
    void analytics.register(plugin)
    void analytics.track('Lost')

    await expect(Promise.resolve(analytics)).rejects.toThrow()
    expect(plugin.isLoaded()).toBe(false)
  })

  test('offline and without its retry queue it keeps events from every destination', async ({
    host,
  }) => {
    const witness = host.witness()
    const analytics = await host.analytics({ retryQueue: false }, witness.plugin)
    setOnline(false)
    await analytics.track('Kept')
    setOnline(true)
    await analytics.track('Passed')
    expect(witness.seen).toEqual(['Passed'])
  })

  test('it calls destinations offline with its retry queue, which is the default', async ({
    host,
  }) => {
    setOnline(false)
    const plugin = host.plugin()
    const analytics = host.load({ plugins: [plugin] })
    await analytics
    await analytics.identify('alice')
    await host.report({ outcome: 'waiting', reason: 'offline' })

    setOnline(true)
    window.dispatchEvent(new Event('online'))
    expect(await host.names(1)).toEqual(['ui'])
  })
})
