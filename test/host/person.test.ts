import {
  type Analytics,
  Context,
  ContextCancelation,
  type InitOptions,
  type Plugin,
} from '@segment/analytics-next'
import { IDBFactory, IDBKeyRange } from 'fake-indexeddb'
import { describe, expect, onTestFinished, vi } from 'vitest'
import type { SkalinSettings } from '../../src/index.ts'
import { type Host, identityOf, nameOf, pluginOf, test } from './host.ts'
import { setGpc } from './page.ts'

type Middleware = Parameters<Analytics['addDestinationMiddleware']>[1]
type Event = Parameters<Middleware>[0]['payload']['obj']

const traits = { email: 'alice@example.com', plan: 'gold', groupId: 'acme' }
const alice = { id: 'alice', email: 'alice@example.com' }
const keptFromSkalin = { integrations: { Skalin: false } }

/** A middleware that changes events, as a site's own does. */
const changing =
  (change: (event: Event) => void) =>
  ({ payload, next }: { payload: { obj: Event }; next: (payload: never) => void }) => {
    change(payload.obj)
    next(payload as never)
  }

/** A middleware that lets all pass. */
const passing = changing(() => undefined)
/** One that stops who somebody is. */
const stopping: Middleware = ({ payload, next }) => {
  if (payload.obj.type !== 'identify') next(payload)
}

const withoutEmail = changing((event) => delete event.traits?.['email'])

/** What waits for `opened` goes on when it is opened. */
function createGate() {
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open: () => open() }
}

/** The two places where a middleware may stand. */
const places = {
  source: (analytics: Analytics, middleware: ReturnType<typeof changing>) =>
    analytics.addSourceMiddleware(middleware),
  destination: (analytics: Analytics, middleware: ReturnType<typeof changing>) =>
    analytics.addDestinationMiddleware('Skalin', middleware),
}
type Place = keyof typeof places
const bothPlaces = Object.keys(places) as Place[]

/** A page: what was there before it is what the browser has kept. */
async function openPage(host: Host, settings: Partial<SkalinSettings> = {}, make?: Place) {
  const analytics = await host.analytics({}, host.plugin({ anonymous: 'send', ...settings }))
  return { analytics, through: make && places[make].bind(undefined, analytics) }
}

/** A page without the plugin, on which the user logs in. */
async function logInElsewhere(host: Host, group?: string): Promise<void> {
  const analytics = await host.analytics()
  await analytics.identify('alice', traits)
  if (group !== undefined) await analytics.group(group)
}

/** What the hits say about the person, by their names. */
async function told(host: Host, count: number) {
  const hits = await host.hits(count)
  return hits.map((hit) => [nameOf(hit), identityOf(hit), hit.customer_id])
}

const noteOf = () => {
  const key = Object.keys(localStorage).find((name) => name.startsWith('skalin:person:'))
  return key === undefined ? undefined : localStorage.getItem(key)
}

test('an event that cannot be written as JSON is as of its call, behind a middleware too', async ({
  host,
}) => {
  await logInElsewhere(host)
  const { analytics } = await openPage(host)
  await analytics.addSourceMiddleware(changing(() => undefined))
  void analytics.track('Bought', { amount: 1n })
  analytics.reset()

  expect(await told(host, 2)).toContainEqual(['Bought', { id: 'alice' }, 'acme'])
})

describe('what a middleware takes out stays out', () => {
  test.for(bothPlaces)(
    'of the hits that follow, too: an e-mail address (%s)',
    async (place, { host }) => {
      const { analytics } = await openPage(host)
      await places[place](analytics, withoutEmail)
      await analytics.identify('alice', traits)
      await analytics.track('Used')
      await analytics.page('Seen')

      expect((await told(host, 3)).map(([, identity]) => identity)).toEqual(
        Array(3).fill({ id: 'alice' }),
      )
    },
  )

  test.for(bothPlaces)(
    'and on the next page, where nobody takes it out (%s)',
    async (place, { host }) => {
      const { analytics } = await openPage(host)
      await places[place](analytics, withoutEmail)
      await analytics.identify('alice', traits)
      await host.hits(1)
      await analytics.deregister('Skalin')
      const next = await openPage(host)
      await next.analytics.track('Used')

      expect(await told(host, 2)).toContainEqual(['Used', { id: 'alice' }, 'acme'])
      expect(localStorage.getItem('ajs_user_traits')).toContain('alice@example.com')
    },
  )

  test.for(bothPlaces)(
    'a user id that becomes a hash gets nothing of the user (%s)',
    async (place, { host }) => {
      await logInElsewhere(host)
      const { analytics } = await openPage(host, { traits: ['plan'] })
      const hash = (event: Event) => {
        event.userId = `h-${event.userId}`
        if (event.type === 'identify') event.traits = { plan: 'gold' }
      }
      await places[place](analytics, changing(hash))
      await analytics.track('Before')
      await analytics.identify('alice', traits)
      await analytics.track('Used')

      const hits = await host.hits(4)
      expect(JSON.stringify(hits)).not.toContain('@')
      expect(hits.map(identityOf)).toContainEqual({ id: 'h-alice', plan: 'gold' })
      expect(hits.every((hit) => (identityOf(hit) as typeof alice).id === 'h-alice')).toBe(true)
    },
  )

  test.for(bothPlaces)('a user that is removed is nobody (%s)', async (place, { host }) => {
    const { analytics } = await openPage(host)
    await places[place](
      analytics,
      changing((event) => event.type === 'track' && delete event.userId),
    )
    await analytics.identify('alice', traits)
    await analytics.track('Used')
    expect(await told(host, 2)).toContainEqual(['Used', null, 'acme'])
  })

  test.for(bothPlaces)(
    'a group that is removed is no customer of later hits (%s)',
    async (place, { host }) => {
      const { analytics } = await openPage(host)
      await places[place](
        analytics,
        changing((event) => event.type === 'group' && delete event.groupId),
      )
      await analytics.identify('alice', { email: alice.email })
      await analytics.group('acme')
      await analytics.track('Used')

      await host.report({ outcome: 'skipped', reason: 'no-group' })
      expect(await told(host, 2)).toContainEqual(['Used', alice, undefined])
    },
  )

  test.for(bothPlaces)(
    'nor, if it was said on an earlier page, of one on the next (%s)',
    async (place, { host }) => {
      const first = await openPage(host)
      await first.analytics.identify('alice', { email: alice.email })
      await first.analytics.group('acme')
      await host.hits(2)
      await first.analytics.deregister('Skalin')
      const { analytics } = await openPage(host)
      await places[place](
        analytics,
        changing((event) => event.type === 'group' && delete event.groupId),
      )
      await analytics.group('acme')
      await host.report({ outcome: 'skipped', reason: 'no-group' })
      await analytics.deregister('Skalin')
      const next = await openPage(host)
      await next.analytics.track('Used')
      expect(await told(host, 3)).toContainEqual(['Used', alice, undefined])
    },
  )
})

describe('what the page keeps from Skalin teaches it nothing', () => {
  test('an `identify`', async ({ host }) => {
    const { analytics } = await openPage(host)
    await analytics.identify('alice', traits, keptFromSkalin)
    await analytics.track('Used')
    expect(await told(host, 2)).toContainEqual(['Used', { id: 'alice' }, undefined])
  })

  test('an `identify` after one that was not kept', async ({ host }) => {
    const { analytics } = await openPage(host)
    await analytics.identify('alice', traits)
    await analytics.identify('alice', { email: 'new@example.com' }, keptFromSkalin)
    await analytics.track('Used')
    expect(await told(host, 2)).toContainEqual(['Used', alice, 'acme'])
  })

  test('a `group`, on the next page, too', async ({ host }) => {
    const { analytics } = await openPage(host)
    await analytics.identify('alice', { email: alice.email })
    await analytics.group('secret', {}, keptFromSkalin)
    await analytics.track('Used')
    await host.hits(2)
    await analytics.deregister('Skalin')
    const next = await openPage(host)
    await next.analytics.track('Used later')

    const all = await told(host, 3)
    expect(all).toContainEqual(['Used', alice, undefined])
    expect(all).toContainEqual(['Used later', alice, undefined])
  })

  test.for(['identify', 'group'] as const)(
    'an `%s` that is the first call of a page, which knows what the last one knew',
    async (type, { host }) => {
      const { analytics } = await openPage(host)
      await analytics.identify('alice', { email: alice.email })
      await analytics.group('acme')
      await host.hits(2)
      await analytics.deregister('Skalin')
      const next = await openPage(host)
      if (type === 'group') await next.analytics.group('secret', {}, keptFromSkalin)
      else await next.analytics.identify('alice', { groupId: 'secret' }, keptFromSkalin)
      await next.analytics.track('Used')
      expect(await told(host, 3)).toContainEqual(['Used', alice, 'acme'])
      await next.analytics.deregister('Skalin')
      const last = await openPage(host)
      await last.analytics.track('Used later')
      expect(await told(host, 4)).toContainEqual(['Used later', alice, 'acme'])
    },
  )

  test('of the same user after a reset: nothing of the time before', async ({ host }) => {
    const { analytics } = await openPage(host)
    await analytics.identify('alice', traits)
    await host.hits(1)
    await analytics.deregister('Skalin')
    const next = await openPage(host)
    next.analytics.reset()
    await next.analytics.identify('alice', {}, keptFromSkalin)
    await next.analytics.track('Used')
    expect(await told(host, 3)).toContainEqual(['Used', { id: 'alice' }, undefined])
  })

  test.for([
    ['was left before its first call', ['pagehide'], ['pageshow'], 'bob'],
    ['was left before its first call, by nobody known', ['pagehide'], ['pageshow'], undefined],
    ['hears of no other', [], [], undefined],
  ] as const)(
    'on a page that %s: nothing of what was stored before',
    async ([, leaving, coming, user], { host }) => {
      const happen = (names: readonly string[]) =>
        names.forEach((name) => window.dispatchEvent(new Event(name)))
      const before = await openPage(host)
      await before.analytics.identify(user, { email: 'x@example.com' })
      await before.analytics.group('acme')
      await host.hits(2)
      await before.analytics.deregister('Skalin')
      const { analytics } = await openPage(host)
      happen(leaving)
      // Another page's `reset()`, of which none in the back/forward cache is told.
      localStorage.removeItem('ajs_user_traits')
      localStorage.removeItem('ajs_group_id')
      localStorage.setItem('ajs_anonymous_id', '"somebody-else"')
      document.cookie = 'ajs_anonymous_id=somebody-else; path=/'
      document.cookie = 'ajs_group_id=; path=/; max-age=-1'
      happen(coming)
      await analytics.identify(user, { plan: 'gold' }, keptFromSkalin)
      await analytics.track('Used')
      const identity = user ? { id: user } : null
      const all = await told(host, user ? 4 : 3)
      expect(all).toContainEqual(['Used', identity, undefined])
    },
  )

  test('of another user, that is the first call of a page: nothing of the last one', async ({
    host,
  }) => {
    const { analytics } = await openPage(host)
    await analytics.identify('bob', { email: 'bob@example.com', groupId: 'globex' })
    await host.hits(1)
    await analytics.deregister('Skalin')
    const next = await openPage(host)
    await next.analytics.identify('alice', traits, keptFromSkalin)
    await next.analytics.track('Used')
    expect(await told(host, 3)).toContainEqual(['Used', { id: 'alice' }, undefined])
  })

  test('an `identify`, though the page clears its storage then', async ({ host }) => {
    const { analytics } = await openPage(host)
    await analytics.identify('alice', traits, keptFromSkalin)
    await analytics.track('Used')
    localStorage.clear()
    await analytics.track('Used later')
    const all = (await told(host, 3)).filter(([name]) => name !== 'ui')
    expect(all).toEqual([
      ['Used', { id: 'alice' }, undefined],
      ['Used later', { id: 'alice' }, undefined],
    ])
  })

  test('an `identify` that is kept is not taught by the next page', async ({ host }) => {
    const { analytics } = await openPage(host)
    await analytics.identify('alice', traits, keptFromSkalin)
    await analytics.deregister('Skalin')
    const next = await openPage(host)
    await next.analytics.track('Used')
    expect(await told(host, 2)).toContainEqual(['Used', { id: 'alice' }, undefined])
  })

  test('an `identify`, though a destination middleware stands between', async ({ host }) => {
    const { analytics } = await openPage(host)
    await places.destination(analytics, passing)
    await analytics.identify('alice', traits, keptFromSkalin)
    await analytics.track('Used')
    await host.hits(2)
    await analytics.deregister('Skalin')
    const next = await openPage(host)
    await places.destination(next.analytics, passing)
    await next.analytics.track('Used later')
    expect((await told(host, 3)).map(([, ...rest]) => rest)).toEqual(
      Array(3).fill([{ id: 'alice' }, undefined]),
    )
  })

  test('an `identify` that one middleware stops, though another lets it pass', async ({ host }) => {
    const { analytics } = await openPage(host)
    await places.destination(analytics, passing)
    await places.source(analytics, stopping as never)
    await analytics.identify('alice', traits)
    await analytics.track('Used')
    expect(await told(host, 2)).toContainEqual(['Used', { id: 'alice' }, undefined])
  })

  test.for([
    ['alone', []],
    ['behind a middleware', bothPlaces.slice(1)],
  ] as const)(
    'a change of a returning user, which the next page does not take either: %s',
    async ([, among], { host }) => {
      const open = async () => {
        const { analytics } = await openPage(host)
        for (const place of among) await places[place](analytics, passing)
        return analytics
      }
      await logInElsewhere(host)
      const analytics = await open()
      await analytics.identify(
        'alice',
        { email: 'new@example.com', groupId: 'globex' },
        keptFromSkalin,
      )
      await analytics.track('Used')
      await host.hits(2)
      await analytics.deregister('Skalin')
      await (await open()).track('Used later')
      expect(JSON.stringify(await told(host, 3))).not.toMatch(/new@|globex/)
    },
  )

  test.for(bothPlaces)('an `identify` that a middleware stops (%s)', async (place, { host }) => {
    const { analytics } = await openPage(host)
    await places[place](analytics, stopping as never)
    await analytics.identify('alice', traits)
    await analytics.track('Used')
    expect(await told(host, place === 'source' ? 2 : 1)).toContainEqual([
      'Used',
      { id: 'alice' },
      undefined,
    ])
  })
})

describe("Segment's stored user counts for somebody of whom nothing was said", () => {
  test('a returning user has the e-mail address, the chosen traits and the customer', async ({
    host,
  }) => {
    await logInElsewhere(host)
    const { analytics } = await openPage(host, { traits: ['plan'] })
    await analytics.track('Used')
    expect(await told(host, 2)).toEqual(
      expect.arrayContaining([
        ['ui', { ...alice, plan: 'gold' }, 'acme'],
        ['Used', alice, 'acme'],
      ]),
    )
  })

  test('but where somebody else stands between, only the customer', async ({ host }) => {
    await logInElsewhere(host)
    const { analytics } = await openPage(host, { traits: ['plan'] })
    await analytics.addSourceMiddleware(({ payload, next }) => next(payload))
    await analytics.track('Used')
    expect((await told(host, 2)).map(([, ...rest]) => rest)).toEqual(
      Array(2).fill([{ id: 'alice' }, 'acme']),
    )
  })

  const stamp = changing((event) => {
    event.context = { ...event.context, consent: { categoryPreferences: { Analytics: true } } }
  })

  test('a middleware that only stamps consent costs nobody the e-mail address', async ({
    host,
  }) => {
    await logInElsewhere(host)
    const { analytics } = await openPage(host, { consent: { categories: ['Analytics'] } })
    await analytics.addSourceMiddleware(stamp)
    await analytics.track('Used')
    expect(await told(host, 2)).toContainEqual(['Used', alice, 'acme'])
  })

  test('unless it changes the context as well', async ({ host }) => {
    await logInElsewhere(host)
    const { analytics } = await openPage(host)
    const both = changing((event) => {
      stamp({ payload: { obj: event }, next: () => undefined })
      event.context = { ...event.context, page: { url: 'https://masked.example.com/' } }
    })
    await analytics.addSourceMiddleware(both)
    await analytics.track('Used')
    expect(await told(host, 2)).toContainEqual(['Used', { id: 'alice' }, 'acme'])
  })

  test('unless it changes something else as well, or is not alone', async ({ host }) => {
    await logInElsewhere(host)
    const { analytics } = await openPage(host)
    const both = changing((event) => {
      stamp({ payload: { obj: event }, next: () => undefined })
      event.properties = {}
    })
    await analytics.addSourceMiddleware(both)
    await analytics.track('Changed', { plan: 'gold' })
    await analytics.addSourceMiddleware(stamp)
    await analytics.track('Not alone')
    const all = await told(host, 3)
    expect(all).toContainEqual(['Changed', { id: 'alice' }, 'acme'])
    expect(all).toContainEqual(['Not alone', { id: 'alice' }, 'acme'])
  })

  test('a change of it that nobody saw being made is news', async ({ host }) => {
    const { analytics } = await openPage(host)
    await analytics.identify('alice', traits)
    analytics.user().traits({ email: 'new@example.com' })
    await analytics.track('Used')
    expect(await told(host, 2)).toContainEqual([
      'Used',
      { id: 'alice', email: 'new@example.com' },
      undefined,
    ])
  })

  test('a user whose stored traits were cleared has none', async ({ host }) => {
    const { analytics } = await openPage(host)
    await analytics.identify('alice', traits)
    analytics.user().traits({})
    await analytics.track('Used')
    expect(await told(host, 2)).toContainEqual(['Used', { id: 'alice' }, undefined])
  })

  test('a page without the plugin, between two with it, is news', async ({ host }) => {
    const { analytics } = await openPage(host)
    await analytics.identify('alice', { email: 'old@example.com' })
    await host.hits(1)
    await analytics.deregister('Skalin')
    await logInElsewhere(host, 'globex')
    const next = await openPage(host)
    await next.analytics.track('Used')
    expect(await told(host, 2)).toContainEqual(['Used', alice, 'acme'])
  })
})

describe('who the user is goes through destination middleware as an `identify`', () => {
  test('a returning user keeps the e-mail address if nobody takes it out', async ({ host }) => {
    await logInElsewhere(host)
    const { analytics } = await openPage(host, { traits: ['plan'] })
    const seen: unknown[] = []
    const seeing = changing(({ type, userId, traits }) => seen.push([type, userId, traits]))
    await places.destination(analytics, seeing)
    await analytics.track('Used')

    expect(await told(host, 2)).toEqual(
      expect.arrayContaining([
        ['ui', { ...alice, plan: 'gold' }, 'acme'],
        ['Used', alice, 'acme'],
      ]),
    )
    expect(seen).toEqual([
      ['track', 'alice', undefined],
      ['identify', 'alice', traits],
    ])
  })

  test('what it takes out is in no hit', async ({ host }) => {
    await logInElsewhere(host)
    const { analytics } = await openPage(host)
    await places.destination(analytics, withoutEmail)
    await analytics.track('Used')
    expect((await told(host, 2)).map(([, ...rest]) => rest)).toEqual(
      Array(2).fill([{ id: 'alice' }, 'acme']),
    )
  })

  test('if it is stopped, the hit of the call still goes', async ({ host }) => {
    await logInElsewhere(host)
    const { analytics } = await openPage(host)
    await places.destination(analytics, stopping as never)
    await analytics.track('Used')
    await analytics.track('Used again')
    expect(await told(host, 2)).toEqual([
      ['Used', { id: 'alice' }, 'acme'],
      ['Used again', { id: 'alice' }, 'acme'],
    ])
  })

  test('where another middleware stands between too, the customer stays', async ({ host }) => {
    await logInElsewhere(host)
    const { analytics } = await openPage(host)
    for (const place of bothPlaces)
      await places[place](
        analytics,
        changing(() => undefined),
      )
    await analytics.track('Used')
    await analytics.track('Used again')
    const all = await told(host, 3)
    expect(all.map(([, , customer]) => customer)).toEqual(Array(3).fill('acme'))
  })

  test('a customer that it makes of another trait stays in the next visit', async ({ host }) => {
    const deriving = changing((event) => {
      if (event.type === 'identify' && event.traits) {
        event.traits['groupId'] = event.traits['companyId'] as string
      }
    })
    const { analytics } = await openPage(host)
    await places.destination(analytics, deriving)
    await analytics.identify('alice', { email: alice.email, companyId: 'acme' })
    await host.hits(1)
    localStorage.removeItem('skalin:visit')
    await analytics.deregister('Skalin')
    const next = await openPage(host)
    await places.destination(next.analytics, deriving)
    await next.analytics.track('Used')
    const all = await told(host, 3)
    expect(all).toEqual(expect.arrayContaining([['ui', alice, 'acme'], ['Used', alice, 'acme']])) // prettier-ignore
    expect(all.map(([, , customer]) => customer)).toEqual(Array(3).fill('acme'))
  })

  test.for(bothPlaces)(
    'an event that Segment kept for another user has nothing of the present one: %s',
    async (place, { host }) => {
      await logInElsewhere(host, 'acme')
      const event = {
        ...{ type: 'track', event: 'Restored', userId: 'bob', anonymousId: 'bob-browser' },
        ...{ messageId: 'kept', properties: {}, context: {}, integrations: {} },
      }
      localStorage.setItem(
        'persisted-queue:v1:test-key:event-queue:items',
        JSON.stringify([{ id: 'kept', event }]),
      )
      const { analytics } = await openPage(host)
      // The event waits for it.
      await places.destination(
        analytics,
        changing(() => undefined),
      )
      if (place === 'source')
        await places.source(
          analytics,
          changing(() => undefined),
        )
      await analytics.track('Used')
      const all = await told(host, 4)
      const ofBob = all.filter(([, identity]) => (identity as { id: string }).id === 'bob')
      expect(ofBob).toEqual([
        ['ui', { id: 'bob' }, undefined],
        ['Restored', { id: 'bob' }, undefined],
      ])
    },
  )

  test('so does somebody who is known by the e-mail address alone', async ({ host }) => {
    const { analytics } = await openPage(host)
    await places.destination(
      analytics,
      changing(() => undefined),
    )
    await analytics.identify({ email: alice.email })
    await host.hits(1)
    localStorage.removeItem('skalin:visit')
    await analytics.deregister('Skalin')
    const next = await openPage(host, { anonymous: 'hold' })
    await places.destination(
      next.analytics,
      changing(() => undefined),
    )
    await next.analytics.track('Used')
    const byMail = { email: alice.email }
    expect((await told(host, 3)).map(([name, person]) => [name, person])).toEqual(
      expect.arrayContaining([
        ['ui', byMail],
        ['ui', byMail],
        ['Used', byMail],
      ]),
    )
  })

  test('what was said has been changed once, and is not again', async ({ host }) => {
    const hashing = changing(({ traits }) => {
      if (traits?.['plan'] !== undefined) traits['plan'] = `h-${String(traits['plan'])}`
    })
    const { analytics } = await openPage(host, { traits: ['plan'] })
    await places.destination(analytics, hashing)
    await analytics.identify('alice', traits)
    await host.hits(1)
    localStorage.removeItem('skalin:visit')
    await analytics.deregister('Skalin')
    const next = await openPage(host, { traits: ['plan'] })
    await places.destination(next.analytics, hashing)
    await next.analytics.track('Used')
    const uis = (await told(host, 3)).filter(([name]) => name === 'ui')
    expect(uis).toEqual(Array(2).fill(['ui', { ...alice, plan: 'h-gold' }, 'acme']))
  })
})

describe('the note of a person', () => {
  const consent = { categories: ['Analytics'] }
  const stamped = (yes: boolean) =>
    ({ consent: { categoryPreferences: { Analytics: yes } } }) as never

  test('holds the e-mail address, the customer and the chosen traits, and no id', async ({
    host,
  }) => {
    const { analytics } = await openPage(host, { traits: ['age'] })
    await analytics.identify('user-7', { ...traits, age: 7, secret: 'hidden' })
    const note = noteOf()
    expect(note).toContain('alice@example.com')
    expect(note).toContain('"age":7')
    expect(note).toContain('acme')
    expect(note).not.toMatch(/user-7|secret|hidden|gold/)
  })

  test('is not made before consent, and of what was said until then once it is there', async ({
    host,
  }) => {
    const { analytics } = await openPage(host, { consent })
    await analytics.identify('alice', traits, stamped(false))
    await analytics.track('Refused', {}, stamped(false))
    expect(noteOf()).toBeUndefined()

    await analytics.track('Used', {}, stamped(true))
    expect(await told(host, 2)).toContainEqual(['Used', alice, 'acme'])
    expect(noteOf()).toContain('alice@example.com')
  })

  test('goes with a consent that is withdrawn, and comes back with it', async ({ host }) => {
    const { analytics } = await openPage(host, { consent })
    await analytics.identify('alice', traits, stamped(true))
    expect(noteOf()).toBeDefined()
    await analytics.track('Refused', {}, stamped(false))
    expect(noteOf()).toBeUndefined()
    await analytics.identify('alice', traits, stamped(false))
    expect(noteOf()).toBeUndefined()
    await analytics.track('Used', {}, stamped(true))
    expect(noteOf()).toBeDefined()
  })

  test('is not made under Global Privacy Control', async ({ host }) => {
    setGpc(true)
    const { analytics } = await openPage(host, { respectGpc: true })
    await analytics.identify('alice', traits)
    expect(noteOf()).toBeUndefined()
  })

  test('nor goes on under one that is turned on later', async ({ host }) => {
    const { analytics } = await openPage(host, { respectGpc: true })
    await analytics.identify('alice', traits)
    const before = noteOf()
    expect(before).toContain('alice@example.com')
    setGpc(true)
    await analytics.identify('alice', { ...traits, email: 'new@example.com' })
    await analytics.track('Refused')
    expect(noteOf()).toBe(before)
  })

  test('goes with `reset()`, also if what was said arrives after it', async ({ host }) => {
    const { analytics } = await openPage(host)
    const call = analytics.identify('alice', traits)
    expect(noteOf()).toBeDefined()
    analytics.reset()
    expect(noteOf()).toBeUndefined()
    await call
    await host.hits(1)
    expect(noteOf()).toBeUndefined()
  })

  test('goes with `clear()`', async ({ host }) => {
    const plugin = host.plugin()
    const analytics = await host.analytics({}, plugin)
    await analytics.identify('alice', traits)
    await plugin.clear()
    expect(noteOf()).toBeUndefined()
  })

  test('lasts 7 days without a call', async ({ host }) => {
    const { analytics } = await openPage(host)
    await analytics.identify('alice', traits)
    await analytics.deregister('Skalin')
    const later = Date.now() + 7 * 24 * 3_600_000 + 1
    const clock = vi.spyOn(Date, 'now').mockReturnValue(later)
    onTestFinished(() => clock.mockRestore())
    await openPage(host)
    expect(noteOf()).toBeUndefined()
  })

  test('tells another tab what arrived', async ({ host }) => {
    const mask = changing(({ traits }) => {
      if (traits) traits['email'] = 'masked@example.com'
    })
    const [here, there] = [await openPage(host), await openPage(host)]
    for (const { analytics } of [here, there]) await places.destination(analytics, mask)
    void here.analytics.identify('alice', traits)
    // The other tab sees at once that somebody has logged in, and later what arrived of it.
    await there.analytics.track('Early')
    await host.hits(2)
    const key = Object.keys(localStorage).find((name) => name.startsWith('skalin:person:'))
    window.dispatchEvent(Object.assign(new Event('storage'), { key }))
    await there.analytics.track('Late')
    const late = (await told(host, 3)).find(([name]) => name === 'Late')
    expect(late).toEqual(['Late', { id: 'alice', email: 'masked@example.com' }, 'acme'])
  })

  const forgetful: [string, InitOptions][] = [
    ['disableClientPersistence', { disableClientPersistence: true }],
    ['storage in memory', { storage: { stores: ['memory'] } }],
    ['storage in cookies', { storage: { stores: ['cookie'] } }],
    ['a user that does not persist', { user: { persist: false } }],
  ]
  test.for(forgetful)(
    'is not kept, nor anything else, where Segment keeps nothing: %s',
    async ([, options], { host }) => {
      const analytics = await host.analytics(options, host.plugin())
      await analytics.identify('alice', traits)
      await analytics.track('Used')
      expect(await host.names(2)).toEqual(['Used', 'ui'])
      expect(Object.keys(localStorage).filter((key) => key.startsWith('skalin'))).toEqual([])
    },
  )

  test.for([
    '',
    '{',
    'null',
    '7',
    '[]',
    '{}',
    '{"user":"","of":"","traitsMark":"","groupMark":"","at":0,"traits":7}',
  ])('may be spoilt: %s', async (json, { host }) => {
    const first = await openPage(host)
    await first.analytics.identify('alice', traits)
    await first.analytics.deregister('Skalin')
    const key = Object.keys(localStorage).find((name) => name.startsWith('skalin:person:'))
    localStorage.setItem(String(key), json)
    const { analytics } = await openPage(host)
    await analytics.track('Used')
    expect(await told(host, 2)).toContainEqual(['Used', alice, 'acme'])
  })
})

test('so is one who is the first on the next page, and keeps the customer', async ({ host }) => {
  const first = await openPage(host)
  await first.analytics.identify('alice', { email: alice.email })
  await first.analytics.group('acme')
  await host.hits(2)
  await first.analytics.deregister('Skalin')
  const warnings = async (user: string) => {
    const { analytics } = await openPage(host)
    const ctx = await analytics.identify(user)
    await analytics.deregister('Skalin')
    return ctx.logs().filter(({ level }) => level === 'warn').length
  }
  expect(await warnings('alice')).toBe(0)
  expect(await warnings('bob')).toBe(1)
  expect(await warnings('bob')).toBe(0)
})

test('another user without a reset is said once, with what it does to the customer', async ({
  host,
}) => {
  const { analytics } = await openPage(host)
  await analytics.identify('alice', { email: alice.email })
  await analytics.group('acme')
  const logs = []
  for (const user of ['bob', 'bob', 'carol']) {
    const ctx = await analytics.identify(user)
    logs.push(...ctx.logs().filter(({ level }) => level === 'warn'))
  }
  expect(logs.map(({ message }) => message)).toEqual([
    expect.stringMatching(/without.*reset.*group/),
  ])
})

describe('what is held follows its visitor', () => {
  /** A page with a source middleware that keeps `Early` until it is to arrive. */
  async function openDelayed(host: Host) {
    const { analytics } = await openPage(host, { anonymous: 'hold' })
    const gate = createGate()
    await analytics.addSourceMiddleware(async ({ payload, next }) => {
      if (payload.obj['event'] === 'Early') await gate.opened
      next(payload)
    })
    const arrive = async (early: Promise<unknown>) => {
      gate.open()
      await early
    }
    return { analytics, arrive }
  }

  test('through `setAnonymousId()`', async ({ host }) => {
    const { analytics } = await openPage(host, { anonymous: 'hold' })
    await analytics.track('Before')
    analytics.setAnonymousId('another')
    await analytics.track('Between')
    analytics.setAnonymousId('a third')
    await analytics.identify('alice', traits)
    const all = await told(host, 3)
    expect(all.map(([name, identity]) => [name, identity])).toEqual(
      expect.arrayContaining([
        ['Before', alice],
        ['Between', alice],
      ]),
    )
  })

  test('but not to the visitor of whom another tab says that it is another', async ({ host }) => {
    const { analytics } = await openPage(host, { anonymous: 'hold' })
    await analytics.track('Of somebody')
    // Another tab's `reset()`.
    localStorage.setItem('ajs_anonymous_id', '"somebody-else"')
    document.cookie = 'ajs_anonymous_id=somebody-else; path=/'
    window.dispatchEvent(Object.assign(new Event('storage'), { key: 'ajs_anonymous_id' }))
    await analytics.identify('bob')
    await analytics.track('Of bob')
    // What is held waits on, and is no reason to wait for it.
    const hits = await host.collector.hits({ count: 2 })
    expect(hits.map(({ hit }) => nameOf(hit))).toEqual(['ui', 'Of bob'])
  })

  test('but not to the visitor of whom a page says so that was gone to meanwhile', async ({
    host,
  }) => {
    const { analytics } = await openPage(host, { anonymous: 'hold' })
    await analytics.track('Of somebody')
    window.dispatchEvent(new Event('pagehide'))
    // Another page's `reset()`, of which none in the back/forward cache is told.
    localStorage.setItem('ajs_anonymous_id', '"somebody-else"')
    document.cookie = 'ajs_anonymous_id=somebody-else; path=/'
    window.dispatchEvent(new Event('pageshow'))
    await analytics.identify('bob')
    await analytics.track('Of bob')
    const hits = await host.collector.hits({ count: 2 })
    expect(hits.map(({ hit }) => nameOf(hit))).toEqual(['ui', 'Of bob'])
  })

  test.for(['track', 'group'] as const)(
    'but not to a user whom a page of another subdomain has made known (%s)',
    async (method, { host }) => {
      const { analytics } = await openPage(host, { anonymous: 'hold' })
      await analytics.track('Of somebody')
      // Its localStorage is another, and nobody is told of cookies.
      document.cookie = 'ajs_anonymous_id=anonymous-id-of-bob; path=/'
      document.cookie = 'ajs_user_id=bob; path=/'
      await analytics[method]('of-bob')
      await analytics.track('Later')
      await analytics.track('At last')
      const hits = await host.collector.hits({
        where: ({ identity }) => identity !== undefined,
        count: 3,
      })
      expect(hits.map(({ hit }) => nameOf(hit))).not.toContain('Of somebody')
    },
  )

  test('through `setAnonymousId()` on a page that was left and came back', async ({ host }) => {
    const { analytics } = await openPage(host, { anonymous: 'hold' })
    await analytics.track('Before')
    window.dispatchEvent(new Event('pagehide'))
    window.dispatchEvent(new Event('pageshow'))
    analytics.setAnonymousId('another')
    await analytics.identify('alice', traits)
    expect(await told(host, 2)).toContainEqual(['Before', alice, 'acme'])
  })

  test('also if it arrives after the visitor is known', async ({ host }) => {
    vi.stubGlobal('indexedDB', new IDBFactory())
    vi.stubGlobal('IDBKeyRange', IDBKeyRange)
    onTestFinished(() => void vi.unstubAllGlobals())
    const { analytics, arrive } = await openDelayed(host)
    const early = analytics.track('Early')
    await analytics.identify('alice', traits)
    await host.hits(1)
    await arrive(early)
    await analytics.track('Later')
    expect(await told(host, 3)).toContainEqual(['Early', alice, 'acme'])
  })

  test('then also if a reset comes before the next call', async ({ host }) => {
    const { analytics, arrive } = await openDelayed(host)
    const early = analytics.track('Early')
    await analytics.identify('alice', traits)
    await arrive(early)
    analytics.reset()
    expect(await told(host, 2)).toContainEqual(['Early', alice, 'acme'])
  })

  test('but not to the next visitor with the same anonymous id', async ({ host }) => {
    const { analytics, arrive } = await openDelayed(host)
    analytics.setAnonymousId('device')
    const early = analytics.track('Early')
    analytics.reset()
    analytics.setAnonymousId('device')
    await analytics.identify('bob')
    await arrive(early)
    const { hit } = await host.report({ outcome: 'dropped', reason: 'anonymous' })
    expect(hit && nameOf(hit)).toBe('Early')
  })

  test('nor to one who is known in the same task', async ({ host }) => {
    const { analytics } = await openPage(host, { anonymous: 'hold' })
    analytics.setAnonymousId('device')
    void analytics.track('Before')
    analytics.reset()
    analytics.setAnonymousId('device')
    await analytics.identify('bob')
    const { hit } = await host.report({ outcome: 'dropped', reason: 'anonymous' })
    expect(hit && nameOf(hit)).toBe('Before')
    expect(await host.names(1)).toEqual(['ui'])
  })

  test('nor is it kept for a call that does not come, since it was kept from Skalin', async ({
    host,
  }) => {
    const { analytics } = await openPage(host, { anonymous: 'hold' })
    await analytics.track('Not for Skalin', {}, keptFromSkalin)
    await analytics.track('Before')
    analytics.reset()
    await analytics.track('Marker')
    const held = host.reports.filter(({ reason }) => reason === 'anonymous')
    expect(held.map(({ outcome, hit }) => [outcome, hit && nameOf(hit)])).toEqual([
      ['waiting', 'Before'],
      ['dropped', 'Before'],
      ['waiting', 'Marker'],
    ])
  })

  test('nor by the next page to the next visitor, if this one ends soon after', async ({
    host,
  }) => {
    vi.stubGlobal('indexedDB', new IDBFactory())
    vi.stubGlobal('IDBKeyRange', IDBKeyRange)
    onTestFinished(() => void vi.unstubAllGlobals())
    const { analytics } = await openPage(host, { anonymous: 'hold' })
    await places.source(analytics, stopping as never)
    // It is waited for, and never comes.
    await analytics.identify('somebody')
    analytics.reset()
    analytics.setAnonymousId('device')
    await analytics.track('Before')
    analytics.reset()
    await analytics.deregister('Skalin')
    const next = await openPage(host, { anonymous: 'hold' })
    next.analytics.setAnonymousId('device')
    await next.analytics.identify('bob')
    const { hit } = await host.report({ outcome: 'dropped', reason: 'anonymous' })
    expect(hit && nameOf(hit)).toBe('Before')
    expect(await host.names(1)).toEqual(['ui'])
  })

  test('nor what comes after a reset to who was known before it', async ({ host }) => {
    vi.stubGlobal('indexedDB', new IDBFactory())
    vi.stubGlobal('IDBKeyRange', IDBKeyRange)
    onTestFinished(() => void vi.unstubAllGlobals())
    const { analytics } = await openPage(host, { anonymous: 'hold' })
    analytics.setAnonymousId('device')
    void analytics.identify('alice')
    analytics.reset()
    analytics.setAnonymousId('device')
    await analytics.track('After')
    await analytics.identify('bob')
    expect(await told(host, 3)).toContainEqual(['After', { id: 'bob' }, undefined])
  })

  test('to who is known after a reset, though the clock is set back between', async ({ host }) => {
    const { analytics } = await openPage(host, { anonymous: 'hold' })
    analytics.reset()
    await analytics.track('After')
    const { now } = Date
    Date.now = () => now() - 3_600_000
    onTestFinished(() => void (Date.now = now))
    await analytics.identify('bob')
    expect(await host.names(2)).toEqual(['After', 'ui'])
  })

  test('nor by an instance that was reset, whatever another one does', async ({ host }) => {
    const plugin = host.plugin()
    const [analytics, other] = [await host.analytics({}, plugin), await host.analytics({}, plugin)]
    const gate = createGate()
    await other.addSourceMiddleware(async ({ payload, next }) => {
      await gate.opened
      next(payload)
    })
    analytics.setAnonymousId('device')
    await analytics.track('Before')
    const slow = other.track('Slow', {}, { anonymousId: 'another' })
    analytics.reset()
    gate.open()
    await slow
    analytics.setAnonymousId('device')
    await analytics.identify('bob')
    await analytics.track('Marker')
    expect(await host.names(2)).toEqual(['Marker', 'ui'])
  })

  test('and not away with the reset of another instance, if it is on its way then', async ({
    host,
  }) => {
    const plugin = host.plugin()
    const [other, analytics] = [await host.analytics({}, plugin), await host.analytics({}, plugin)]
    const early = analytics.track('Early')
    other.reset()
    await early
    await analytics.identify('alice', traits)
    expect(await host.names(2)).toEqual(['Early', 'ui'])
  })

  test('nor to one who was known before it was used', async ({ host }) => {
    const { analytics } = await openDelayed(host)
    await analytics.identify('alice', traits)
    analytics.user().id(null)
    await analytics.track('Of somebody')
    analytics.reset()
    const { hit } = await host.report({ outcome: 'dropped', reason: 'anonymous' })
    expect(hit && nameOf(hit)).toBe('Of somebody')
  })
})

/** Another destination that has its first call, of a person or a group, made once more. */
function retrying(): Plugin {
  let failed = false
  return pluginOf('Retrying', 'destination', (ctx) => {
    if (failed || ctx.event.type === 'track') return ctx
    failed = true
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- Segment's own way to say so
    throw new ContextCancelation({ type: 'middleware_cancellation' })
  })
}

/** A plugin that hands on a context of its own making. */
const renewing = () => pluginOf('Renewing', 'enrichment', ({ event }) => new Context({ ...event }))

describe('what was said since counts', () => {
  test('when Segment hands on an `identify` once more', async ({ host }) => {
    const { analytics } = await openPage(host)
    await analytics.register(retrying())
    await analytics.addSourceMiddleware(changing(() => undefined))
    const first = analytics.identify('alice', { email: 'old@example.com', groupId: 'acme' })
    await host.hits(1)
    await analytics.identify('alice', { email: 'new@example.com', groupId: 'globex' })
    await first
    await host.report({ outcome: 'skipped', reason: 'duplicate' })
    await analytics.track('Used')
    expect(await told(host, 3)).toContainEqual([
      'Used',
      { id: 'alice', email: 'new@example.com' },
      'globex',
    ])
  })

  test.for([false, true])(
    'when Segment hands on a `group` once more (in a context of its own: %s)',
    async (isRenewed, { host }) => {
      const { analytics } = await openPage(host)
      await analytics.identify('alice')
      await analytics.register(retrying())
      if (isRenewed) await analytics.register(renewing())
      else await analytics.addSourceMiddleware(changing(() => undefined))
      void analytics.group('acme')
      await host.hits(2)
      await analytics.group('globex')
      await host.report({ outcome: 'skipped', reason: 'duplicate' })
      await analytics.track('Used')
      expect(await told(host, 4)).toContainEqual(['Used', { id: 'alice' }, 'globex'])
    },
  )

  test('when an earlier page has left a `group` with Segment', async ({ host }) => {
    const before = await host.analytics()
    await before.identify('alice')
    await before.group('acme')
    const queue = 'persisted-queue:v1:test-key:event-queue'
    const event = {
      type: 'group',
      messageId: 'left-behind',
      userId: 'alice',
      anonymousId: before.user().anonymousId(),
      groupId: 'acme',
      traits: {},
      context: {},
      integrations: {},
    }
    localStorage.setItem(`${queue}:items`, JSON.stringify([{ id: 'left-behind', event }]))
    localStorage.setItem(`${queue}:seen`, JSON.stringify({ 'left-behind': 2 }))
    const { analytics } = await openPage(host)
    await analytics.addSourceMiddleware(changing(() => undefined))
    await analytics.group('globex')
    await host.hits(2)
    await analytics.track('Used')
    expect(await told(host, 3)).toContainEqual(['Used', { id: 'alice' }, 'globex'])
  })

  test.for(['identify', 'group'] as const)(
    'when another tab says something else before an `%s` arrives',
    async (type, { host }) => {
      const { analytics } = await openPage(host)
      const tab = await host.analytics({}, host.plugin({ anonymous: 'send' }))
      const gate = createGate()
      await analytics.addSourceMiddleware(async ({ payload, next }) => {
        if (payload.obj['messageId'] === 'late') await gate.opened
        next(payload)
      })
      await analytics.identify('alice', { email: 'old@example.com' })
      await analytics.group('acme')
      const late = { messageId: 'late' } as never
      const isGroup = type === 'group'
      const call = isGroup
        ? analytics.group('globex', {}, late)
        : analytics.identify('alice', { email: 'new@example.com' }, late)
      await (isGroup ? tab.identify('alice', { lastSeen: 2 }) : tab.group('globex'))
      await analytics.track('Between')
      gate.open()
      await call
      await analytics.track('After')
      const email = isGroup ? 'old@example.com' : 'new@example.com'
      expect(await told(host, 6)).toContainEqual(['After', { id: 'alice', email }, 'globex'])
    },
  )
})

describe('a source middleware that is on its way stands between', () => {
  test('and its page goes: what it takes out is in no hit and no note', async ({ host }) => {
    const { analytics } = await openPage(host)
    const adding = analytics.addSourceMiddleware(withoutEmail)
    void analytics.identify('alice', traits)
    window.dispatchEvent(new Event('pagehide'))
    expect(noteOf() ?? '').not.toContain('@')
    await adding
    expect(await told(host, 1)).toEqual([['ui', { id: 'alice' }, 'acme']])
  })

  test('an `identify` that it stops says nothing', async ({ host }) => {
    const { analytics } = await openPage(host)
    void analytics.addSourceMiddleware(({ payload, next }) => {
      if (payload.obj.type !== 'identify') next(payload)
    })
    void analytics.identify('alice', traits)
    await analytics.track('Used')
    // Segment has stored the customer all the same, but nobody told Skalin.
    expect(await told(host, 2)).toEqual([
      ['ui', { id: 'alice' }, undefined],
      ['Used', { id: 'alice' }, undefined],
    ])
  })

  test('and costs nobody the e-mail address if it only stamps consent', async ({ host }) => {
    await logInElsewhere(host)
    const { analytics } = await openPage(host)
    void analytics.addSourceMiddleware(
      changing((event) => {
        const consent = { categoryPreferences: { Analytics: true } }
        event.context = { ...event.context, consent }
      }),
    )
    await analytics.track('Used')
    expect(await told(host, 2)).toContainEqual(['ui', alice, 'acme'])
  })
})

test('a call is as it was made, also if a plugin hands on a context of its own', async ({
  host,
}) => {
  const { analytics } = await openPage(host)
  await analytics.register(renewing())
  await analytics.identify('alice', { email: 'alice@example.com' })
  await analytics.group('acme')
  const call = analytics.track('Used')
  analytics.reset()
  await call
  await analytics.identify('bob')
  await analytics.track('Of bob')
  const all = await told(host, 5)
  expect(all).toHaveLength(5)
  expect(all).toContainEqual(['Used', alice, 'acme'])
  expect(all).toContainEqual(['Of bob', { id: 'bob' }, undefined])
})

test.for(bothPlaces)(
  'a user that is removed is not held to be put back (%s)',
  async (place, { host }) => {
    const { analytics } = await openPage(host, { anonymous: 'hold' })
    await places[place](
      analytics,
      changing((event) => event['event'] === 'Sensitive' && delete event.userId),
    )
    await analytics.identify('alice', traits)
    await analytics.track('Sensitive')
    await host.report({ outcome: 'skipped', reason: 'anonymous' })
    await analytics.identify('alice', { plan: 'gold' })
    await analytics.track('Later')
    expect(await host.names(3)).toEqual(['Later', 'ui', 'ui'])
  },
)

test('a `group` says so also before its user is known', async ({ host }) => {
  const { analytics } = await openPage(host)
  await analytics.group('acme', {}, { userId: 'alice' })
  await analytics.identify('alice')
  await analytics.track('Used')
  expect(await told(host, 3)).toContainEqual(['Used', { id: 'alice' }, 'acme'])
})

test.for([
  ['identify', 'kept from Skalin'],
  ['identify', 'stopped'],
  ['group', 'kept from Skalin'],
  ['group', 'stopped'],
] as const)(
  'what an earlier page was told counts, also if the first call of this one, `%s`, is %s',
  async ([first, fate], { host }) => {
    const { analytics: before } = await openPage(host)
    await before.identify('alice', { email: 'alice@example.com' })
    await before.group('acme')
    await host.hits(2)
    await before.deregister('Skalin')
    const { analytics } = await openPage(host)
    const gate = pluginOf('Gate', 'before', (ctx) => {
      if (fate === 'stopped' && ctx.event.type === first) {
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- Segment's own way to say so
        throw new ContextCancelation({ retry: false })
      }
      return ctx
    })
    await analytics.register(gate)
    const options = fate === 'stopped' ? {} : keptFromSkalin
    const call =
      first === 'identify'
        ? analytics.identify('alice', { email: 'alice@example.com' }, options)
        : analytics.group('acme', {}, options)
    await call.catch(() => undefined)
    await analytics.addSourceMiddleware(changing(() => undefined))
    await analytics.track('Used')
    expect(await told(host, 3)).toContainEqual(['Used', alice, 'acme'])
  },
)
