import type { BrowserContext, Page } from 'playwright-core'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { patienceMs, until } from '../support/deadline.ts'
import { featureOf, stored } from '../support/fault-rig.ts'
import { errorsOf } from '../support/rig.ts'
import { bundle, shareRig } from '../support/shared-rig.ts'

declare global {
  interface Window {
    /** What the visitor has chosen, as a consent manager has it. */
    choice: Record<string, boolean>
    /** The consent manager tells Segment's wrapper of a new choice. */
    tellChoice: (choice: Record<string, boolean>) => void
    /** What anybody listens to on the page, with the listener's text. */
    listened: string[]
  }
}

const { chromium, rig } = await shareRig()
let context: BrowserContext
let errors: string[][]

beforeAll(async () => {
  const script = await bundle(`
    import { AnalyticsBrowser } from '@segment/analytics-next'
    import { createWrapper } from '@segment/analytics-consent-tools'
    import { skalin } from 'skalin-analytics-plugin'
    Object.assign(window, { AnalyticsBrowser, createWrapper, skalin })`)
  const headers = { 'content-type': 'text/javascript; charset=utf-8' }
  rig.site.page('/consent.js', script, headers)
})
beforeEach(async () => {
  context = await chromium.browser.newContext()
  errors = []
})
afterEach(async () => {
  expect(errors.flat()).toEqual([])
  await context.close()
})

type PageOptions = {
  model?: 'opt-in' | 'opt-out' | 'none'
  choice: Record<string, boolean>
  /** Of the plugin, in JavaScript; without it there is none. */
  settings?: string | undefined
  /** Of the wrapper, in JavaScript. */
  wrapper?: string
  /** What Segment's CDN says of the consent categories of the destinations. */
  consentSettings?: object
}

let pages = 0

/** Opens a page on which Segment is wrapped by its own consent tools. */
async function open({
  model = 'opt-in',
  choice,
  settings,
  wrapper = '',
  consentSettings,
}: PageOptions): Promise<Page> {
  const page = await context.newPage()
  errors.push(errorsOf(page))
  const plugin = `skalin({ clientId: 'test-client', endpoint: '${rig.collector.endpoint}',
    anonymous: 'send', ${settings ?? ''} })`
  const wrap = `createWrapper({
    getCategories: () => window.choice,
    shouldLoadSegment: (ctx) => ctx.load({ consentModel: '${model}' }),
    registerOnConsentChanged: (tell) => { window.tellChoice = tell },
    ${wrapper}
  })(analytics)`
  const html = `<!doctype html>
    <script>
      window.choice = ${JSON.stringify(choice)}
      window.listened = []
      const { addEventListener } = EventTarget.prototype
      EventTarget.prototype.addEventListener = function (name, ...more) {
        if (this === window || this === document) window.listened.push(name)
        return addEventListener.call(this, name, ...more)
      }
    </script>
    <script type="module">
      import '/consent.js'
      const analytics = new AnalyticsBrowser()
      ${model === 'none' ? '' : wrap}
      ${settings === undefined ? '' : `analytics.register(window.plugin = ${plugin})`}
      const consentSettings = ${JSON.stringify(consentSettings)}
      const updateCDNSettings = (settings) => ({ ...settings, consentSettings })
      analytics.load({ writeKey: 'npm', cdnURL: location.origin }, { updateCDNSettings })
      window.analytics = analytics
    </script>`
  pages += 1
  await page.goto(rig.site.page(`/consent/${pages}`, html))
  await page.waitForFunction('window.analytics')
  return page
}

/** Makes a call and waits until the destinations have it, or Segment has kept it from them. */
const track = (page: Page, name: string) =>
  page.evaluate(async (event) => {
    await window.analytics.track(event)
  }, name)

/** The visitor chooses, as a consent manager tells Segment. */
const choose = (page: Page, choice: Record<string, boolean>) =>
  page.evaluate((chosen) => {
    window.choice = chosen
    window.tellChoice(chosen)
  }, choice)

const traces = (page: Page) =>
  page.evaluate(async () => ({
    databases: (await indexedDB.databases()).map(({ name }) => name),
    keys: Object.keys(localStorage).filter((key) => /skalin/i.test(key)),
    listened: window.listened.slice().sort(),
  }))

const features = async (count: number) =>
  (await rig.collector.hits({ count }, patienceMs))
    .map(({ hit }) => featureOf(hit) || hit.action)
    .sort()

const needsAnalytics = "consent: { categories: ['Analytics'] }"
const functional = { Functional: true, Analytics: false }
const all = { Functional: true, Analytics: true }

describe('in the opt-in model, whose consent tools do not gate a plugin registered by hand', () => {
  test('nothing is stored, listened to or sent before the first permitted event', async () => {
    const control = await open({ choice: functional })
    await track(control, 'Refused')
    const page = await open({ choice: functional, settings: needsAnalytics })
    await track(page, 'Refused')
    await page.evaluate(async () => {
      void window.analytics.identify('alice', { email: 'alice@example.com' })
      await window.analytics.page('Refused')
      await window.analytics.reset()
      await window.plugin.flush()
      await window.plugin.pending()
      await window.plugin.clear()
    })
    await choose(page, functional)
    await track(page, 'Refused again')

    expect(await traces(page)).toEqual(await traces(control))
    expect(await traces(page)).toMatchObject({ databases: [], keys: [] })
    expect(rig.collector.requests).toEqual([])

    await choose(page, all)
    await track(page, 'Allowed')
    expect(await features(1)).toEqual(['Allowed'])
    // It opens while the hit is on its way.
    await until(async () => (await traces(page)).databases.length > 0, { message: 'a database' })
    const after = await traces(page)
    expect(after.databases).toEqual(['skalin'])
    expect(after.keys).not.toEqual([])
    expect(after.listened).toEqual(expect.arrayContaining(['online', 'pageshow']))
  })

  test('without categories of its own the plugin sends, as every such plugin does', async () => {
    const page = await open({ choice: functional, settings: '' })
    await track(page, 'Sent')
    expect(await features(1)).toEqual(['Sent'])
  })

  test.each(['opt-in', 'opt-out'] as const)(
    'a withdrawal deletes what waits (%s)',
    async (model) => {
      rig.collector.fault({ kind: 'status', status: 503 })
      const page = await open({ model, choice: all, settings: needsAnalytics })
      await track(page, 'Waiting')
      await until(async () => (await stored(page)).length === 1, { message: 'a stored hit' })

      await choose(page, functional)
      await until(async () => (await stored(page)).length === 0, { message: 'an empty outbox' })
      rig.collector.fault(undefined)
      await choose(page, all)
      await track(page, 'Allowed again')
      expect(await features(1)).toEqual(['Allowed again'])
    },
  )

  test('a withdrawal on a page that was never allowed anything deletes what earlier ones left, and no tab sends it', async () => {
    rig.collector.fault({ kind: 'status', status: 503 })
    const earlier = await open({ choice: all, settings: needsAnalytics })
    await track(earlier, 'Waiting')
    await until(async () => (await stored(earlier)).length === 1, { message: 'a stored hit' })

    const page = await open({ choice: functional, settings: needsAnalytics })
    await track(page, 'Refused')
    await until(async () => (await stored(page)).length === 0, { message: 'an empty outbox' })

    // Leaving, the earlier tab would send what it remembers.
    rig.collector.fault(undefined)
    await earlier.goto('about:blank')
    await choose(page, all)
    await track(page, 'Allowed')
    expect(await features(1)).toEqual(['Allowed'])
  })

  test('`clear` deletes what waits in all tabs, and no tab sends it', async () => {
    rig.collector.fault({ kind: 'status', status: 503 })
    const other = await open({ choice: all, settings: needsAnalytics })
    await track(other, 'Waiting elsewhere')
    const page = await open({ choice: all, settings: needsAnalytics })
    await track(page, 'Waiting here')
    await until(async () => (await stored(page)).length === 2, { message: 'two stored hits' })

    await page.evaluate(() => window.plugin.clear())
    expect(await stored(page)).toEqual([])
    rig.collector.fault(undefined)
    await other.goto('about:blank')
    await track(page, 'Later')
    expect(await features(1)).toEqual(['Later'])
  })

  test('an event without a stamp is not sent', async () => {
    const page = await open({ model: 'none', choice: all, settings: needsAnalytics })
    await track(page, 'Without')
    await page.evaluate(async () => {
      const consent = { categoryPreferences: { Analytics: true } }
      await window.analytics.track('With', {}, { consent })
    })
    expect(await features(1)).toEqual(['With'])
  })

  test('nothing leaks where the tools switch Segment off, which goes on calling destinations', async () => {
    const page = await open({
      choice: { Functional: false, Analytics: false },
      consentSettings: { hasUnmappedDestinations: false, allCategories: ['Analytics'] },
    })
    const [writeKey, called] = await page.evaluate(async (endpoint) => {
      const [instance] = await window.analytics
      let calls = 0
      await instance.register(
        window.skalin({ clientId: 'test-client', endpoint, anonymous: 'send' }),
        {
          name: 'Witness',
          type: 'destination',
          isLoaded: () => true,
          load: () => Promise.resolve(),
          track: (ctx) => {
            calls += 1
            return ctx
          },
        },
      )
      await instance.track('Leaked')
      return [instance.settings.writeKey, calls] as const
    }, rig.collector.endpoint)

    expect([writeKey, called]).toEqual(['', 1])
    expect(await traces(page)).toMatchObject({ databases: [], keys: [] })
    const allowed = await open({ choice: all, settings: needsAnalytics })
    await track(allowed, 'Allowed')
    expect(await features(1)).toEqual(['Allowed'])
  })
})

describe('in the opt-out model, whose consent tools put a middleware before each destination', () => {
  const wrapper = "integrationCategoryMappings: { Skalin: ['Analytics'] },"

  test('the plugin is blocked and allowed by its mapping, without settings of its own', async () => {
    const page = await open({ model: 'opt-out', choice: all, settings: '', wrapper })
    await track(page, 'Allowed')
    await choose(page, { Functional: true, Analytics: false })
    await track(page, 'Refused')
    await choose(page, all)
    await track(page, 'Allowed again')

    expect(await features(2)).toEqual(['Allowed', 'Allowed again'])
  })

  test('registered anew, it is still blocked', async () => {
    const page = await open({ model: 'opt-out', choice: functional, settings: '', wrapper })
    await track(page, 'Refused')
    await page.evaluate(async () => {
      const [instance] = await window.analytics
      await instance.deregister('Skalin')
      await instance.register(window.plugin)
    })
    await track(page, 'Refused again')
    await choose(page, all)
    await track(page, 'Allowed')

    expect(await features(1)).toEqual(['Allowed'])
  })
})
