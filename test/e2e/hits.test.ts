import type { Page } from 'playwright-core'
import { afterEach, describe, expect, test } from 'vitest'
import { pageText, tableBelow } from '../publish/markdown.ts'
import { patienceMs, until } from '../support/deadline.ts'
import { writtenDown } from '../support/fault-rig.ts'
import { builds, errorsOf, ready } from '../support/rig.ts'
import { shareRig } from '../support/shared-rig.ts'

const { chromium, rig } = await shareRig()

const id16 = /^[\da-f]{16}$/

describe.each(builds)('from the %s build', (build) => {
  let page: Page
  let errors: string[]

  async function open(settings = ''): Promise<void> {
    // A context of its own: nobody is known, nothing waits.
    const context = await chromium.browser.newContext()
    page = await context.newPage()
    errors = errorsOf(page)
    await page.goto(rig.serve(build, `/app/${build}?token=secret#top`, settings))
    await ready(page)
  }

  const hits = async (count: number) =>
    (await rig.collector.hits({ count }, patienceMs)).map(({ hit }) => hit)

  afterEach(async () => {
    expect(errors).toEqual([])
    await page.context().close()
  })

  test('no address in `Referer`, where the page would let its own go whole', async () => {
    await open("anonymous: 'send'")
    await page.evaluate(() => {
      const policy = Object.assign(document.createElement('meta'), { name: 'referrer' })
      policy.content = 'unsafe-url'
      document.head.append(policy)
      void window.analytics.track('Used')
    })
    const [request] = await rig.collector.hits({ count: 1 }, patienceMs)
    expect(request?.headers.referer).toBe(`${rig.site.origin}/`)
  })

  test("every example of Segment's page about Skalin is accepted with the right fields", async () => {
    await open("anonymous: 'send', traits: ['order_completed_last_30days']")
    await page.evaluate(() => {
      const { analytics } = window
      void analytics.page('myFeature')
      void analytics.screen('Home')
      void analytics.track('myFeature')
      void analytics.identify('userId123', { email: 'jane@example.com' })
      void analytics.identify('userId123', {
        email: 'jane@example.com',
        trait: { groupId: 'myCustomerID' },
      })
      void analytics.identify('userId123', { email: 'jane@example.com', groupId: 'onTop' })
      void analytics.identify('userId123', { order_completed_last_30days: true })
    })

    const received = await hits(7)
    expect(received).toHaveLength(7)
    const features = received.filter(({ action }) => action === 'ev')
    const feature = (name: string) => JSON.stringify({ name, event_name: 'feature' })
    expect(features.map(({ event }) => event).sort()).toEqual(
      [feature('Home'), feature('myFeature'), feature('myFeature')].sort(),
    )
    const identities = received.filter(({ action }) => action === 'ui')
    const jane = { id: 'userId123', email: 'jane@example.com' }
    expect(identities.map(({ identity, customer_id }) => [identity, customer_id]).sort()).toEqual(
      [
        [JSON.stringify(jane), undefined],
        [JSON.stringify(jane), 'myCustomerID'],
        [JSON.stringify(jane), 'onTop'],
        [JSON.stringify({ ...jane, order_completed_last_30days: true }), 'onTop'],
      ].sort(),
    )
    for (const hit of received) {
      expect(hit).toMatchObject({
        rec: '1',
        client_id: 'test-client',
        event_id: expect.stringMatching(id16) as string,
        visitor_id: received[0]?.visitor_id,
        visit_id: received[0]?.visit_id,
        url: `${rig.site.origin}/app/${build}`,
      })
    }
  })

  test('a whole session in one tick belongs to its user and customer', async () => {
    await open()
    await page.evaluate(() => {
      const { analytics } = window
      void analytics.identify('alice', { email: 'alice@example.com' })
      void analytics.group('acme')
      void analytics.track('x')
      void analytics.reset()
    })

    const received = await hits(3)
    const alice = JSON.stringify({ id: 'alice', email: 'alice@example.com' })
    expect(received.map(({ action }) => action).sort()).toEqual(['ev', 'ui', 'ui'])
    expect(received.map(({ identity }) => identity)).toEqual([alice, alice, alice])
    expect(new Set(received.map(({ visit_id }) => visit_id)).size).toBe(1)
    expect(received.filter(({ customer_id }) => customer_id === 'acme').length).toBe(2)
    expect(received.find(({ action }) => action === 'ev')?.customer_id).toBe('acme')
  })

  test('what a visitor does before identify goes out under the name learnt then', async () => {
    await open()
    await page.evaluate(async () => {
      const { analytics } = window
      await analytics.page('Pricing')
      await analytics.track('Searched')
    })
    await writtenDown(page, 2)
    await page.reload()
    await ready(page)
    await page.evaluate(() => window.analytics.identify('alice', { groupId: 'acme' }))

    const received = await hits(3)
    expect(received.map(({ identity }) => identity)).toEqual(Array(3).fill('{"id":"alice"}'))
    expect(received.map(({ customer_id }) => customer_id)).toEqual(Array(3).fill('acme'))
    expect(received[0]?.action).toBe('ui')
    expect(new Set(received.map(({ visit_id }) => visit_id)).size).toBe(1)
  })

  test('requests are simple posts: no preflight, no cookie, one hit each', async () => {
    await open()
    await page
      .context()
      .addCookies([{ name: 'session', value: 's3cret', url: rig.collector.origin }])
    await page.evaluate(() => window.analytics.identify('alice', { email: 'alice@example.com' }))
    await hits(1)

    expect(rig.collector.requests).toHaveLength(1)
    const [request] = rig.collector.requests
    expect(request?.method).toBe('POST')
    expect(request?.url).toBe('/hit')
    expect(request?.headers['content-type']).toBe('application/x-www-form-urlencoded')
    expect(request?.headers.cookie).toBeUndefined()
  })

  test('the browser stores what the README names, and no cookie', async () => {
    const named = tableBelow('Consent and privacy', await pageText('README.md'))
    await open()
    await page.evaluate(() => window.analytics.identify('alice', { email: 'alice@example.com' }))
    await hits(1)
    // The last word of a page that goes.
    await page.evaluate(() => {
      void window.analytics.track('Left')
      dispatchEvent(new PageTransitionEvent('pagehide'))
    })
    const stored = await until(
      async () => {
        const all = await namesOfStored()
        return all.length >= named.length && all
      },
      { message: 'all that the README names' },
    )

    expect(stored.sort()).toEqual(named.map((row) => row.slice(0, 2).join(' ')).sort())
  })

  /** What is stored beside Segment's own, as the README writes it. */
  const namesOfStored = () =>
    page.evaluate(async () => {
      const cookies = document.cookie.split('; ').map((cookie) => ['cookie', cookie])
      const local = Object.keys(localStorage).map((key) => ['localStorage', key])
      const session = Object.keys(sessionStorage).map((key) => ['sessionStorage', key])
      const databases = (await indexedDB.databases()).map(({ name }) => ['IndexedDB', name])
      return [...cookies, ...local, ...session, ...databases]
        .map(([where, name = '']) => `${where} \`${name.replace(/[\da-f]{16}$/, '<hash>')}\``)
        .filter((stored) => !stored.includes('ajs_'))
    })
})

describe('a page without a client id', () => {
  test.each(builds)('of the %s build is unharmed and told what is missing', async (build) => {
    const page = await chromium.newPage()
    const errors = errorsOf(page)
    const said: string[] = []
    page.on('console', (message) => {
      if (message.type() === 'error') said.push(message.text())
    })
    await page.goto(rig.serve(build, `/bare/${build}`, "clientId: ''"))
    await ready(page)
    const ctx = await page.evaluate(async () => (await window.analytics.track('x')).event.event)

    expect(ctx).toBe('x')
    expect(errors).toEqual([])
    expect(said).toEqual([
      'Skalin: the `clientId` setting must be a non-empty string (received: ""). Nothing is sent to Skalin.',
    ])
    expect(rig.collector.requests).toEqual([])
    await page.close()
  })
})
