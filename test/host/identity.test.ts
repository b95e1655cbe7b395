import type { Analytics, InitOptions } from '@segment/analytics-next'
import { describe, expect, onTestFinished, vi } from 'vitest'
import type { HitFields } from '../../src/testing/index.ts'
import { until } from '../support/deadline.ts'
import { identityOf, nameOf, silent, test } from './host.ts'

type Middleware = Parameters<Analytics['addSourceMiddleware']>[0]

const alice = { id: 'alice', email: 'alice@example.com' }
const bob = { id: 'bob', email: 'bob@example.com' }

const logIn = (analytics: Analytics, { id, email }: typeof alice) =>
  analytics.identify(id, { email })

const named = (hits: HitFields[], name: string) => {
  const hit = hits.find((one) => nameOf(one) === name)
  if (!hit) throw new Error(`No hit named ${name}`)
  return hit
}

describe('a call belongs to those who were there when it was made', () => {
  test('identify, group, track and reset in one tick are all of the old user', async ({ host }) => {
    const analytics = await host.analytics({}, host.plugin())
    void logIn(analytics, alice)
    void analytics.group('acme')
    void analytics.track('Used')
    analytics.reset()

    const hits = await host.hits(3)
    expect(hits.map(identityOf)).toEqual([alice, alice, alice])
    expect(named(hits, 'Used').customer_id).toBe('acme')
    expect(new Set(hits.map(({ visit_id }) => visit_id)).size).toBe(1)
  })

  test('where Segment keeps no user, nobody was another one before', async ({ host }) => {
    const plugin = host.plugin()
    const analytics = await host.analytics({ user: { disable: true } }, plugin)
    await analytics.track('Of one', {}, { anonymousId: 'one' })
    await analytics.identify(alice.id, {}, { anonymousId: 'another' })
    await analytics.track('Of another', {}, { anonymousId: 'another', userId: alice.id })

    const hits = await host.collector.hits({ count: 2 })
    expect(hits.map(({ hit }) => nameOf(hit))).toEqual(['ui', 'Of another'])
    await until(async () => (await plugin.pending()) === 1, { message: 'one that is held' })
    await plugin.clear()
  })

  test('what was used before identify and reset in one tick is of the user, too', async ({
    host,
  }) => {
    const analytics = await host.analytics({}, host.plugin())
    void analytics.track('Used')
    void logIn(analytics, alice)
    analytics.reset()

    const hits = await host.hits(2)
    expect(identityOf(named(hits, 'Used'))).toEqual(alice)
  })

  test('nor does it matter how long a middleware takes', async ({ host }) => {
    const analytics = await host.analytics({}, host.plugin())
    const asked: (() => void)[] = []
    await analytics.addDestinationMiddleware('Skalin', async ({ payload, next }) => {
      await new Promise<void>((resolve) => asked.push(resolve))
      next(payload)
    })
    await analytics.track('Used')
    await logIn(analytics, alice)
    analytics.reset()
    await until(() => asked.length === 1, { message: 'the first question' })
    asked[0]?.()
    await until(() => asked.length === 2, { message: 'the second question' })
    asked[1]?.()

    const hits = await host.hits(2)
    expect(identityOf(named(hits, 'Used'))).toEqual(alice)
  })

  test.for<[string, Middleware, outcome: 'accepted' | 'dropped']>([
    ['comes after that', ({ payload, next }) => next(payload), 'accepted'],
    ['never comes, after 10 seconds', () => undefined, 'dropped'],
  ])(
    'a reset drops nothing before the last call is there, and if that %s',
    async ([, middleware, outcome], { host }) => {
      const analytics = await host.analytics({}, host.plugin())
      await analytics.track('Used')
      let open: () => void = () => undefined
      const opened = new Promise<void>((resolve) => (open = resolve))
      await analytics.addSourceMiddleware(async (call) => {
        await opened
        await middleware(call)
      })
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      onTestFinished(() => void vi.useRealTimers())
      void logIn(analytics, alice)
      analytics.reset()
      await vi.advanceTimersByTimeAsync(9_000)
      open()
      await vi.advanceTimersByTimeAsync(999)
      const used = () => host.reports.filter(({ hit }) => hit && nameOf(hit) === 'Used')
      expect(used().map((report) => report.outcome)).not.toContain('dropped')
      await vi.advanceTimersByTimeAsync(1)
      vi.useRealTimers()
      const end = () => used().find((report) => report.outcome !== 'waiting')
      expect(await until(end, { message: 'the end of it' })).toMatchObject({ outcome })
    },
  )

  test('the next user in the same tick has an own visit, visitor and customer', async ({
    host,
  }) => {
    const analytics = await host.analytics({}, host.plugin())
    void logIn(analytics, alice)
    void analytics.group('acme')
    void analytics.track('Of alice')
    analytics.reset()
    void logIn(analytics, bob)
    void analytics.track('Of bob')

    const hits = await host.hits(5)
    const [hers, his] = [named(hits, 'Of alice'), named(hits, 'Of bob')]
    expect(identityOf(hers)).toEqual(alice)
    expect(identityOf(his)).toEqual(bob)
    expect(his.customer_id).toBeUndefined()
    expect(his.visit_id).not.toBe(hers.visit_id)
    expect(his.visitor_id).not.toBe(hers.visitor_id)
  })

  test('another user without a reset takes over nothing of the first', async ({ host }) => {
    const analytics = await host.analytics({}, host.plugin({ traits: ['plan'] }))
    await analytics.identify('alice', { email: 'alice@example.com', plan: 'gold' })
    await analytics.identify('bob')
    await analytics.track('Used')

    const hits = await host.hits(3)
    expect(identityOf(named(hits, 'Used'))).toEqual({ id: 'bob' })
    expect(hits.filter(({ action }) => action === 'ui').map(identityOf)).toEqual([
      { ...alice, plan: 'gold' },
      { id: 'bob' },
    ])
    expect(new Set(hits.map(({ visit_id }) => visit_id)).size).toBe(2)
  })

  test('a user who is known by e-mail only is known', async ({ host }) => {
    const analytics = await host.analytics({}, host.plugin())
    const ctx = await analytics.identify(null, { email: 'carol@example.com' })
    await analytics.track('Used')

    expect(ctx.event.userId).toBeNull()
    const hits = await host.hits(2)
    expect(hits.map(identityOf)).toEqual(Array(2).fill({ email: 'carol@example.com' }))
  })

  test('an identify that says nothing of the user keeps the one there is', async ({ host }) => {
    const analytics = await host.analytics({}, host.plugin())
    await logIn(analytics, alice)
    await analytics.identify(null, { plan: 'free' })
    await analytics.identify({ plan: 'gold' })

    expect((await host.hits(3)).map(identityOf)).toEqual(Array(3).fill(alice))
  })

  test('an identify of nobody is no hit, and says so', async ({ host }) => {
    const analytics = await host.analytics({}, host.plugin())
    await analytics.identify({ plan: 'free' })

    await host.report({ outcome: 'skipped', reason: 'no-identity' })
  })

  test('who another tab has logged in is the user of the next call', async ({ host }) => {
    const here = await host.analytics({}, host.plugin())
    const there = await host.analytics()
    await here.track('Before')
    await logIn(there, alice)
    await there.group('acme')
    await here.track('After')

    const hits = await host.hits(3)
    expect(hits.map(identityOf)).toEqual([alice, alice, alice])
    expect(named(hits, 'After').customer_id).toBe('acme')
  })

  test('the group of another subdomain is the customer, where the cookies go first', async ({
    host,
  }) => {
    const storage = { stores: ['cookie', 'localStorage', 'memory'] } as never
    const analytics = await host.analytics({ storage }, host.plugin())
    await analytics.identify('alice')
    await analytics.group('acme')
    document.cookie = 'ajs_group_id=globex; path=/'
    await analytics.track('Used')
    expect(analytics.group().id()).toBe('globex')
    expect(named(await host.hits(3), 'Used').customer_id).toBe('globex')
  })

  test('and where localStorage goes first but has none, once the page is seen again', async ({
    host,
  }) => {
    const analytics = await host.analytics({}, host.plugin())
    await analytics.identify('alice')
    document.cookie = 'ajs_group_id=globex; path=/'
    document.dispatchEvent(new Event('visibilitychange'))
    await analytics.track('Used')
    expect(analytics.group().id()).toBe('globex')
    expect(named(await host.hits(2), 'Used').customer_id).toBe('globex')
  })

  /** What holds a page's group when the plugin comes, though no event of it is seen. */
  const places: [string, InitOptions, leave: () => void][] = [
    ['in localStorage', {}, () => undefined],
    ['only in a cookie', {}, () => localStorage.removeItem('ajs_group_id')],
    [
      'in memory, since nothing can be stored',
      {},
      () => {
        localStorage.clear()
        vi.stubGlobal('localStorage', {
          getItem: () => null,
          setItem() {
            throw new DOMException('Full', 'QuotaExceededError')
          },
        })
        const cookie = { configurable: true, get: () => '', set: () => undefined }
        Object.defineProperty(document, 'cookie', cookie)
        onTestFinished(() => void Reflect.deleteProperty(document, 'cookie'))
      },
    ],
    [
      'in memory by its settings',
      { group: { persist: false } },
      () => localStorage.setItem('ajs_group_id', '"of-another-page"'),
    ],
    ['as plain text', {}, () => localStorage.setItem('ajs_group_id', 'acme')],
  ]
  test.for(places)(
    'the group that Segment has is the customer: %s',
    async ([, options, leave], { host }) => {
      const analytics = await host.analytics(options)
      await logIn(analytics, alice)
      await analytics.group('acme')
      leave()
      onTestFinished(() => void vi.unstubAllGlobals())
      await analytics.register(host.plugin())
      await analytics.track('Used')
      expect(analytics.group().id()).toBe('acme')
      expect(named(await host.hits(2), 'Used').customer_id).toBe('acme')
    },
  )

  test('who another tab has logged in meanwhile is not the user of an earlier call', async ({
    host,
  }) => {
    const here = await host.analytics({}, host.plugin())
    const there = await host.analytics()
    await logIn(here, alice)
    await here.group('acme')
    const call = here.track('Of alice')
    await logIn(there, bob)
    await there.group('globex')
    await call

    const hit = named(await host.hits(3), 'Of alice')
    expect(identityOf(hit)).toEqual(alice)
    expect(hit.customer_id).toBe('acme')
  })
})

describe('a call is what it was when it was made', () => {
  test('whatever the caller does to its traits and options later', async ({ host }) => {
    const traits = { email: 'alice@example.com', trait: { groupId: 'acme' } }
    const analytics = await host.analytics({}, host.plugin())
    void analytics.identify('alice', traits)
    traits.email = 'mallory@example.com'
    traits.trait.groupId = 'mallory'
    await analytics.track('Used')

    const hits = await host.hits(2)
    expect(hits.map(identityOf)).toEqual([alice, alice])
    expect(hits.map(({ customer_id }) => customer_id)).toEqual(['acme', 'acme'])
  })

  test('also when it is held and its event changed', async ({ host }) => {
    const analytics = await host.analytics({}, host.plugin())
    const { event } = await analytics.track('Used')
    Object.assign(event, { event: 'Changed', anonymousId: 'changed', context: {} })
    await logIn(analytics, alice)

    expect(await host.names(2)).toEqual(['Used', 'ui'])
  })

  test('also when a destination after it changes the event', async ({ host }) => {
    const vandal = host.witness().plugin
    vandal.track = (ctx) => {
      Object.assign(ctx.event, { event: 'Changed', userId: 'changed' })
      return ctx
    }
    const analytics = await host.analytics({}, host.plugin({ anonymous: 'send' }), vandal)
    await analytics.track('Used')

    const [hit] = await host.hits(1)
    expect(hit && [nameOf(hit), identityOf(hit)]).toEqual(['Used', null])
  })
})

test('calls made before Segment loaded, which it groups by method, find their user', async ({
  host,
}) => {
  const witness = host.witness()
  const analytics = host.load({ plugins: [host.plugin(), witness.plugin] })
  void analytics.page('Pricing')
  void analytics.track('Searched')
  void analytics.identify('alice', { email: 'alice@example.com' })
  void analytics.track('Bought')
  void analytics.page('Thanks')
  await analytics

  const hits = await host.hits(5)
  expect(witness.seen).toEqual(['page Pricing', 'page Thanks', 'Searched', 'Bought', 'identify'])
  expect(hits.map(nameOf).sort()).toEqual(['Bought', 'Pricing', 'Searched', 'Thanks', 'ui'])
  expect(hits.map(identityOf)).toEqual(Array(5).fill(alice))
  expect(new Set(hits.map(({ visit_id }) => visit_id)).size).toBe(1)
})

describe('an event that Segment restores from a former page', () => {
  const key = 'persisted-queue:v1:test-key:event-queue:items'
  const restored = {
    type: 'track',
    event: 'Restored',
    userId: 'alice',
    anonymousId: 'alice-browser',
    messageId: 'former-page-1',
    timestamp: '2026-03-01T10:20:30.456Z',
    properties: {},
    context: { page: { url: 'https://app.example.com/former?token=secret' } },
    integrations: {},
  }

  test('keeps its time, user and page, and gets nothing of the present ones', async ({ host }) => {
    const before = await host.analytics()
    await logIn(before, bob)
    await before.group('globex')
    localStorage.setItem(key, JSON.stringify([{ id: 'former', event: restored }]))

    const analytics = await host.analytics({}, host.plugin({ traits: ['plan'] }))
    const ctx = await analytics.track('Present')

    expect(ctx.event.timestamp).toBeInstanceOf(Date)
    const hits = await host.hits(4)
    const hit = named(hits, 'Restored')
    expect(hit).toMatchObject({
      identity: '{"id":"alice"}',
      ts: '2026-03-01T10:20:30',
      localtime: '11:20:30',
      url: 'https://app.example.com/former',
    })
    expect(hit.customer_id).toBeUndefined()
    expect(identityOf(named(hits, 'Present'))).toEqual(bob)
    expect(named(hits, 'Present').customer_id).toBe('globex')
  })

  test('gets the e-mail address and the customer of its own user, who is still there', async ({
    host,
  }) => {
    const before = await host.analytics()
    await logIn(before, alice)
    await before.group('acme')
    localStorage.setItem(key, JSON.stringify([{ id: 'former', event: restored }]))

    const analytics = await host.analytics({}, host.plugin())
    await analytics.track('Present')

    const hit = named(await host.hits(3), 'Restored')
    expect(identityOf(hit)).toEqual(alice)
    expect(hit.customer_id).toBe('acme')
  })

  test('neither waits for the collector nor makes another destination wait', async ({ host }) => {
    host.collector.fault(silent)
    const items = ['one', 'two', 'three'].map((event) => ({
      id: event,
      event: { ...restored, event, messageId: event },
    }))
    localStorage.setItem(key, JSON.stringify(items))
    const witness = host.witness()
    const analytics = await host.analytics({}, host.plugin(), witness.plugin)
    await analytics.track('Present')

    expect(witness.seen).toEqual(['one', 'two', 'three', 'Present'])
    expect(host.reports.filter(({ outcome }) => outcome === 'accepted')).toEqual([])
    await host.collector.hits({ count: 2 })
  })
})
