import { describe, expect, vi } from 'vitest'
import { test } from './host.ts'
import { listenersOf, watchPage } from './page.ts'

const keysOfOurs = () => Object.keys(localStorage).filter((key) => /skalin/i.test(key))

describe('switched off', () => {
  test('the plugin sends, stores and listens to nothing, and needs no client id', async ({
    host,
  }) => {
    const analytics = await host.analytics()
    const ofSegment = listenersOf(analytics)
    const page = watchPage()
    const plugin = host.plugin({ enabled: false, clientId: undefined as never })
    await analytics.register(plugin)
    await analytics.identify('alice')
    const { event } = await analytics.track('Import')
    window.dispatchEvent(new Event('pagehide'))
    window.dispatchEvent(new Event('pageshow'))
    analytics.reset()
    await plugin.flush()
    expect(await plugin.pending()).toBe(0)
    await plugin.clear()

    expect(event.event).toBe('Import')
    expect(plugin.isLoaded()).toBe(true)
    expect(listenersOf(analytics)).toEqual(ofSegment)
    expect([page.listeners(), page.timers()]).toEqual([[], 0])
    expect(keysOfOurs()).toEqual([])
    expect(host.reports).toEqual([])
    expect(host.collector.requests).toEqual([])
    expect(host.said).toEqual([])
  })

  test('clear() forgets what a page with the plugin left', async ({ host }) => {
    const analytics = await host.analytics({}, host.plugin())
    await analytics.identify('alice')
    await host.hits(1)
    expect(localStorage.getItem('skalin:visit')).not.toBeNull()

    await host.plugin({ enabled: false }).clear()
    expect(localStorage.getItem('skalin:visit')).toBeNull()
  })
})

test('clear() forgets before Segment has loaded the plugin, too', async ({ host }) => {
  localStorage.setItem('skalin:visit', '{}')
  await host.plugin().clear()
  expect(localStorage.getItem('skalin:visit')).toBeNull()
})

test('clear() is quiet where storage throws', async ({ host }) => {
  vi.stubGlobal('localStorage', undefined)
  try {
    await host.plugin({ enabled: false }).clear()
  } finally {
    vi.unstubAllGlobals()
  }
  expect(host.said).toEqual([])
})
