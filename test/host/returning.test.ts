import type { Analytics } from '@segment/analytics-next'
import { describe, expect } from 'vitest'
import { type Host, identityOf, nameOf, test } from './host.ts'

// What is known of a user whom an earlier page has identified, while something of it changes: what is
// kept from Skalin, stopped or on its way costs nothing that counted before.

const alice = { id: 'alice', email: 'alice@example.com' }
const keptFromSkalin = { integrations: { Skalin: false } }

/** Of the last call, `Used`. */
async function toldOf(host: Host, count: number) {
  const used = (await host.hits(count)).filter((hit) => nameOf(hit) === 'Used').at(-1)
  return used && [identityOf(used), used.customer_id]
}

/** On a page without the plugin. */
async function logInElsewhere(host: Host): Promise<void> {
  const analytics = await host.analytics()
  await analytics.identify('alice', { email: alice.email, groupId: 'acme' })
}

const openPage = (host: Host) => host.analytics({}, host.plugin({ anonymous: 'send' }))

/** From now on, `identify` does not arrive. */
const swallow = (analytics: Analytics) =>
  analytics.addSourceMiddleware(({ payload, next }) => {
    if (payload.obj.type !== 'identify') next(payload)
  })

/** From now on, calls wait until it is opened. */
async function close(analytics: Analytics): Promise<() => void> {
  let open: () => void = () => undefined
  const opened = new Promise<void>((resolve) => (open = resolve))
  await analytics.addSourceMiddleware(async ({ payload, next }) => {
    await opened
    next(payload)
  })
  return () => open()
}

const dispatch = (event: Event) => () => void window.dispatchEvent(event)
const meanwhile: [string, () => void][] = [
  ['nothing', () => undefined],
  ['another tab stores something of its own', dispatch(new StorageEvent('storage', { key: 'theme' }))],
  ['the page is seen again', () => void document.dispatchEvent(new Event('visibilitychange'))],
  [
    'the page is left and comes back',
    () => ['pagehide', 'pageshow'].forEach((type) => window.dispatchEvent(new Event(type))),
  ],
] // prettier-ignore

describe.for(meanwhile)('while %s', ([, happen]) => {
  test('an `identify` that is kept takes nothing back', async ({ host }) => {
    await logInElsewhere(host)
    const analytics = await openPage(host)
    await analytics.identify('alice', { groupId: 'globex' })
    happen()
    await analytics.identify('alice', { plan: 'gold' }, keptFromSkalin)
    await analytics.track('Used')
    expect(await toldOf(host, 2)).toEqual([alice, 'globex'])
  })

  test('one that is the first call takes nothing away, nor from what comes back', async ({
    host,
  }) => {
    await logInElsewhere(host)
    const analytics = await openPage(host)
    happen()
    await analytics.identify('alice', { plan: 'gold' }, keptFromSkalin)
    happen()
    await analytics.track('Used')
    expect(await toldOf(host, 2)).toEqual([alice, 'acme'])
  })

  test('one that is on its way when the page ends takes nothing from the next', async ({
    host,
  }) => {
    await logInElsewhere(host)
    const analytics = await openPage(host)
    await analytics.identify('alice', { plan: 'free' })
    await host.hits(1)
    await close(analytics)
    happen()
    void analytics.identify('alice', { plan: 'gold' })
    await analytics.deregister('Skalin')
    await (await openPage(host)).track('Used')
    expect(await toldOf(host, 2)).toEqual([alice, 'acme'])
  })

  test('a `group` that is on its way counts when it arrives', async ({ host }) => {
    await (await host.analytics()).identify('alice', { email: alice.email })
    const analytics = await openPage(host)
    await analytics.track('First')
    const open = await close(analytics)
    const calls = [analytics.group('acme')]
    happen()
    calls.push(analytics.identify('alice', { plan: 'gold' }))
    open()
    await Promise.all(calls)
    await analytics.track('Used')
    expect(await toldOf(host, 5)).toEqual([alice, 'acme'])
  })
})

test('a change that never arrives takes the customer from no later page', async ({ host }) => {
  await logInElsewhere(host)
  for (const lastSeen of [1, 2, 3]) {
    const analytics = await openPage(host)
    await swallow(analytics)
    await analytics.identify('alice', { lastSeen })
    await analytics.track('Used')
    // The e-mail address might have been taken out on the way.
    expect(await toldOf(host, lastSeen + 1)).toEqual([{ id: 'alice' }, 'acme'])
    await analytics.deregister('Skalin')
  }
})

test('nor does one that is on its way take anything from another tab', async ({ host }) => {
  await logInElsewhere(host)
  const here = await openPage(host)
  const open = await close(here)
  const done = here.identify('alice', { plan: 'gold' })
  await (await openPage(host)).track('Used')
  expect(await toldOf(host, 2)).toEqual([alice, 'acme'])
  open()
  await done
})
