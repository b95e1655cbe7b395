import 'fake-indexeddb/auto'
import { describe, expect } from 'vitest'
import type { SkalinSettings } from '../../src/index.ts'
import { until } from '../support/deadline.ts'
import { type Host, nameOf, test } from './host.ts'
import { setGpc, setOnline } from './page.ts'

const consent = { categories: ['Analytics'] }

/** A page that went offline, and was left with a hit that waits. */
async function leaveBehind(host: Host): Promise<void> {
  setOnline(false)
  const plugin = host.plugin({ anonymous: 'send' })
  const analytics = await host.analytics({}, plugin)
  await analytics.identify('alice', { email: 'alice@example.com' })
  await until(async () => (await plugin.pending()) === 1, { message: 'the hit to wait' })
  await analytics.deregister('Skalin')
}

const keysOfOurs = () =>
  Object.keys(localStorage).filter((key) => /^skalin:(visit|person)/.test(key))

/** A plugin that Segment has not loaded, and one that is deregistered. */
const states: Record<
  string,
  (host: Host, more?: Partial<SkalinSettings>) => Promise<ReturnType<Host['plugin']>>
> = {
  'before Segment has loaded': (host, more) => Promise.resolve(host.plugin(more)),
  'after `deregister`': async (host, more) => {
    const plugin = host.plugin(more)
    const analytics = await host.analytics({}, plugin)
    await analytics.deregister('Skalin')
    return plugin
  },
}

describe.for(Object.keys(states))('%s', (state) => {
  const open = states[state] as (typeof states)[string]

  test('`pending()` counts what waits', async ({ host }) => {
    await leaveBehind(host)
    const plugin = await open(host)
    expect(await plugin.pending()).toBe(1)
  })

  test('`flush()` sends it', async ({ host }) => {
    await leaveBehind(host)
    const plugin = await open(host)
    setOnline(true)
    await plugin.flush()
    expect(host.collector.requests).toHaveLength(1)
    expect(await plugin.pending()).toBe(0)
  })

  test('`clear()` forgets it, and the visit and the person', async ({ host }) => {
    await leaveBehind(host)
    const plugin = await open(host)
    expect(keysOfOurs()).toHaveLength(2)
    await plugin.clear()
    expect(await plugin.pending()).toBe(0)
    expect(keysOfOurs()).toEqual([])

    setOnline(true)
    const analytics = await host.analytics({}, host.plugin({ anonymous: 'send' }))
    await analytics.track('Marker')
    expect((await host.hits(2)).map(nameOf).sort()).toEqual(['Marker', 'ui'])
  })

  test('`flush()` sends nothing without consent, or under Global Privacy Control', async ({
    host,
  }) => {
    await leaveBehind(host)
    const asking = await open(host, { consent })
    const obeying = await open(host, { respectGpc: true })
    setOnline(true)
    setGpc(true)
    await asking.flush()
    await obeying.flush()
    expect(await asking.pending()).toBe(1)
    expect(host.collector.requests).toEqual([])
  })
})

test('a plugin that is switched off has nothing, and forgets', async ({ host }) => {
  await leaveBehind(host)
  const off = host.plugin({ enabled: false })
  setOnline(true)
  await off.flush()
  expect(await off.pending()).toBe(0)
  await off.clear()
  expect(await host.plugin().pending()).toBe(0)
  expect(host.collector.requests).toEqual([])
})

test('`clear()` forgets what was called before it and not yet handed on, and nothing after', async ({
  host,
}) => {
  const plugin = host.plugin({ anonymous: 'send' })
  const analytics = await host.analytics({}, plugin)
  void analytics.track('Before')
  const cleared = plugin.clear()
  void analytics.track('After')
  await cleared
  expect(await host.names(1)).toEqual(['After'])
  expect(host.reports.filter(({ reason }) => reason === 'consent')).toHaveLength(1)
})

test('nor what was called before it when the page goes at once', async ({ host }) => {
  const plugin = host.plugin({ anonymous: 'send' })
  const analytics = await host.analytics({}, plugin)
  void analytics.track('Before')
  void plugin.clear()
  void analytics.track('After')
  window.dispatchEvent(new Event('pagehide'))
  expect(await host.names(1)).toEqual(['After'])
  expect(host.reports.filter(({ reason }) => reason === 'consent')).toHaveLength(1)
})

test('nor what middlewares have, when they are asked who its user is', async ({ host }) => {
  const plugin = host.plugin()
  const analytics = await host.analytics()
  await analytics.identify('alice', { email: 'alice@example.com' })
  const asked: string[] = []
  let answer: () => void = () => undefined
  await analytics.register(plugin)
  await analytics.addDestinationMiddleware('Skalin', async ({ payload, next }) => {
    asked.push(payload.type())
    if (payload.type() === 'identify') await new Promise<void>((resolve) => (answer = resolve))
    next(payload)
  })
  void analytics.track('Before')
  await until(() => asked.length === 2, { message: 'both questions' })
  await plugin.clear()
  answer()
  await host.report({ outcome: 'dropped', reason: 'consent' })
  expect(asked).toEqual(['track', 'identify'])
  expect(host.collector.requests).toEqual([])
})
