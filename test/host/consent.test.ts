import { AnalyticsBrowser } from '@segment/analytics-next'
import type { Analytics } from '@segment/analytics-next'
import { describe, expect } from 'vitest'
import { type Host, identityOf, nameOf, test } from './host.ts'
import { listenersOf, setGpc, setOnline, watchPage } from './page.ts'

const analyticsAndAds = { categories: ['Analytics', 'Ads'] }

const stamped = (categoryPreferences: unknown) => ({ consent: { categoryPreferences } }) as object
const yes = stamped({ Analytics: true, Ads: true })
const no = stamped({ Analytics: true, Ads: false })

const keysOfOurs = () => Object.keys(localStorage).filter((key) => /skalin/i.test(key))

describe('with `consent`, an event goes out if its own stamp says yes to all categories', () => {
  const stamps: [string, object][] = [
    ['no stamp at all', {}],
    ['an empty stamp', stamped({})],
    ['a yes to one of two', stamped({ Analytics: true })],
    ['a no to one of two', no],
    ['a no to both', stamped({ Analytics: false, Ads: false })],
    ['a word for yes', stamped({ Analytics: 'true', Ads: 'yes' })],
    ['a number for yes', stamped({ Analytics: 1, Ads: 1 })],
    ['a yes to others only', stamped({ Functional: true })],
    ['a stamp that is none', stamped('yes')],
    ['a list', stamped(['Analytics', 'Ads'])],
    ['null', stamped(null)],
  ]

  test.for(stamps)('%s is no yes', async ([, stamp], { host }) => {
    const plugin = host.plugin({ consent: analyticsAndAds, anonymous: 'send' })
    const analytics = await host.analytics({}, plugin)
    await analytics.track('Without', {}, stamp)
    await analytics.track('With', {}, yes)

    expect(await host.names(1)).toEqual(['With'])
    expect(host.reports[0]).toEqual({
      outcome: 'skipped',
      reason: 'consent',
      messageId: expect.stringMatching(/^ajs-next-/) as string,
    })
  })
})

test('a category that no event is stamped with is told once', async ({ host }) => {
  const plugin = host.plugin({ consent: { categories: ['analytics'] }, anonymous: 'send' })
  const analytics = await host.analytics({}, plugin)
  const warnings: unknown[] = []
  for (const stamp of [{}, yes, no]) {
    const ctx = await analytics.track('Used', {}, stamp)
    warnings.push(ctx.logs().filter(({ level }) => level === 'warn').map(({ message }) => message)) // prettier-ignore
  }
  expect(warnings).toEqual([
    [],
    [
      'Skalin: `consent` asks for a category that events are not stamped with. The first: `analytics, not in Analytics, Ads`.',
    ],
    [],
  ])
})

test('what an earlier page left goes with consent, also if it was counted before', async ({
  host,
}) => {
  const settings = { consent: analyticsAndAds }
  const first = await host.analytics({}, host.plugin({ ...settings, anonymous: 'send' }))
  setOnline(false)
  await first.track('Left', {}, yes)
  await first.deregister('Skalin')
  setOnline(true)

  const plugin = host.plugin(settings)
  const next = await host.analytics({}, plugin)
  expect(await plugin.pending()).toBe(1)
  await next.track('Held', {}, yes)
  const [arrived] = await host.collector.hits({ count: 1 })
  expect(arrived && nameOf(arrived.hit)).toBe('Left')
})

describe('a consent that is withdrawn', () => {
  /** A page with a consent and a hit that waits. */
  async function waiting(host: Host): Promise<[Analytics, ReturnType<Host['plugin']>]> {
    const plugin = host.plugin({ consent: analyticsAndAds, anonymous: 'send' })
    const analytics = await host.analytics({}, plugin)
    setOnline(false)
    await analytics.track('Waiting', {}, yes)
    expect(await plugin.pending()).toBe(1)
    return [analytics, plugin]
  }

  test('deletes what waits', async ({ host }) => {
    const [analytics, plugin] = await waiting(host)
    await analytics.track('Refused', {}, no)
    await host.report({ outcome: 'dropped', reason: 'consent' })

    expect(await plugin.pending()).toBe(0)
    setOnline(true)
    await analytics.track('Allowed again', {}, yes)
    expect(await host.names(1)).toEqual(['Allowed again'])
  })

  test("is said by the event of Segment's consent tools as well, which is no use of a feature", async ({
    host,
  }) => {
    const [analytics, plugin] = await waiting(host)
    await analytics.track('Segment Consent Preference Updated', {}, no)
    await host.report({ outcome: 'dropped', reason: 'consent' })
    expect(await plugin.pending()).toBe(0)

    setOnline(true)
    await analytics.track('Segment Consent Preference Updated', {}, yes)
    await host.report({ outcome: 'skipped', reason: 'unsupported' })
  })

  test('leaves no visit, when its page goes either, until it is given again', async ({ host }) => {
    const [analytics] = await waiting(host)
    expect(keysOfOurs()).toContain('skalin:visit')
    await analytics.track('Refused', {}, no)
    window.dispatchEvent(new Event('pagehide'))
    expect(keysOfOurs()).not.toContain('skalin:visit')
    window.dispatchEvent(new Event('pageshow'))
    await analytics.track('Waiting again', {}, yes)
    expect(keysOfOurs()).toContain('skalin:visit')
  })

  test('can be given and withdrawn again', async ({ host }) => {
    const [analytics, plugin] = await waiting(host)
    await analytics.track('Refused', {}, no)
    await analytics.track('Waiting again', {}, yes)
    await analytics.track('Refused again', {}, no)
    await host.report({ outcome: 'dropped', reason: 'consent' })

    expect(await plugin.pending()).toBe(0)
  })

  test('is not a stamp that is missing: what waits is kept', async ({ host }) => {
    const [analytics, plugin] = await waiting(host)
    await analytics.track('Without', {}, {})
    expect(await plugin.pending()).toBe(1)

    setOnline(true)
    await analytics.track('Allowed', {}, yes)
    expect(await host.names(2)).toEqual(['Allowed', 'Waiting'])
  })
})

describe('before the first permitted event there is no trace of the plugin but on Segment', () => {
  const guards: [string, object, (analytics: Analytics) => Promise<unknown>][] = [
    [
      'with `consent`',
      { consent: analyticsAndAds },
      async (analytics) => {
        await analytics.track('Without')
        await analytics.track('Refused', {}, no)
      },
    ],
    ['with `respectGpc`', { respectGpc: true }, (analytics) => analytics.track('Refused')],
  ]

  test.for(guards)('%s', async ([, settings, refuse], { host }) => {
    setGpc(true)
    const analytics = await host.analytics()
    const page = watchPage()
    const plugin = host.plugin(settings)
    await analytics.register(plugin)
    await analytics.identify('alice')
    await refuse(analytics)
    window.dispatchEvent(new Event('pagehide'))
    window.dispatchEvent(new Event('pageshow'))
    analytics.reset()
    await plugin.flush()
    await plugin.clear()
    expect(await plugin.pending()).toBe(0)

    expect(listenersOf(analytics)).toEqual(['dispatch_start', 'reset'])
    expect(page.listeners()).toEqual([])
    expect(keysOfOurs()).toEqual([])
    expect(host.collector.requests).toEqual([])

    setGpc(false)
    await analytics.identify('alice', {}, yes)
    expect(await host.names(1)).toEqual(['ui'])
    expect(page.listeners()).not.toEqual([])
    expect(keysOfOurs()).not.toEqual([])
  })
})

describe('Global Privacy Control', () => {
  test('is respected where that was asked for, event by event', async ({ host }) => {
    const plugin = host.plugin({ respectGpc: true, anonymous: 'send' })
    const analytics = await host.analytics({}, plugin)
    setGpc(true)
    await analytics.track('Opted out')
    setGpc(false)
    await analytics.track('Not opted out')

    expect(await host.names(1)).toEqual(['Not opted out'])
    await host.report({ outcome: 'skipped', reason: 'gpc' })
  })

  test('lets the plugin listen from the start while it is off', async ({ host }) => {
    const analytics = await host.analytics()
    // From here on, since Segment itself listens for `pagehide`.
    const page = watchPage()
    await analytics.register(host.plugin({ respectGpc: true }))
    expect(page.listeners()).toContain('pagehide')
  })

  test('keeps what waits, and sends nothing of it', async ({ host }) => {
    const plugin = host.plugin({ respectGpc: true, anonymous: 'send' })
    const analytics = await host.analytics({}, plugin)
    setOnline(false)
    await analytics.track('Waiting')
    setGpc(true)
    setOnline(true)
    window.dispatchEvent(new Event('online'))
    document.dispatchEvent(new Event('visibilitychange'))
    expect(await plugin.pending()).toBe(1)
    expect(host.collector.requests).toEqual([])

    setGpc(false)
    await analytics.track('Later')
    expect(await host.names(2)).toEqual(['Later', 'Waiting'])
  })

  test('is none of our business otherwise', async ({ host }) => {
    setGpc(true)
    const analytics = await host.analytics({}, host.plugin({ anonymous: 'send' }))
    await analytics.track('Used')
    expect(await host.names(1)).toEqual(['Used'])
  })
})

describe('where Segment may send nothing, the plugin does not either', () => {
  test('registered on the stand-in that Segment puts there', async ({ host }) => {
    const witness = host.witness()
    const [nobody] = await AnalyticsBrowser.load({ writeKey: 'test-key' }, { disable: true })
    const page = watchPage()
    await nobody.register(host.plugin({ anonymous: 'send', clientId: 'nobody' }), witness.plugin)
    await nobody.identify('alice')
    await nobody.track('Leaked')

    // The stand-in does call its destinations.
    expect(witness.seen).toEqual(['identify', 'Leaked'])
    expect(listenersOf(nobody)).toEqual([])
    expect(page.listeners()).toEqual([])
    const analytics = await host.analytics({}, host.plugin({ anonymous: 'send' }))
    await analytics.track('marker')
    expect(await host.names(1)).toEqual(['marker'])
  })
})

describe('where Segment stores nothing, the plugin does not either', () => {
  test('and sends all the same, in one visit', async ({ host }) => {
    const plugin = host.plugin()
    const analytics = await host.analytics({ disableClientPersistence: true }, plugin)
    await analytics.identify('alice', { email: 'alice@example.com' })
    await analytics.track('Used')

    const hits = await host.hits(2)
    expect(new Set(hits.map(({ visit_id }) => visit_id)).size).toBe(1)
    expect(hits.map(identityOf)).toEqual(Array(2).fill({ id: 'alice', email: 'alice@example.com' }))
    expect(keysOfOurs()).toEqual([])
  })

  test('and copes with a user who is switched off', async ({ host }) => {
    const analytics = await host.analytics(
      { user: { disable: true } },
      host.plugin({ anonymous: 'send' }),
    )
    await analytics.identify('alice', { email: 'alice@example.com' })
    await analytics.track('Used')
    expect(await host.names(1)).toContain('Used')
  })
})

test('`clear` forgets what waits and the visit, for the next one on a shared computer', async ({
  host,
}) => {
  const plugin = host.plugin()
  const analytics = await host.analytics({}, plugin)
  await analytics.identify('alice')
  const [first] = await host.hits(1)
  setOnline(false)
  await analytics.track('Waiting')
  await plugin.clear()
  expect(await plugin.pending()).toBe(0)

  setOnline(true)
  await analytics.track('Later')
  const hits = await host.hits(3)
  expect(hits.map(({ visit_id }) => visit_id === first?.visit_id)).toEqual([true, false, false])
})
