import type { Page } from 'playwright-core'
import { describe, expect } from 'vitest'
import { isChromium, testBrowser } from '../../support/browser.ts'
import { until } from '../../support/deadline.ts'
import {
  acceptedBy,
  arrived,
  featureOf,
  names,
  stored,
  track,
  trackAndStay,
  writtenDown,
} from '../../support/fault-rig.ts'
import { needsNextPage } from '../../fixtures/matrix.ts'
import { type Rig, ready } from '../../support/rig.ts'
import { type OwnBrowser, test } from './fixture.ts'

/** Opens a page, and waits for its database, which takes its time in a new profile. */
async function openWithDatabase({ open }: OwnBrowser): Promise<Page> {
  const page = await open()
  await until(() => stored(page), { message: 'the outbox to be open' })
  return page
}

describe.runIf(isChromium)('a browser that is killed', () => {
  test('50 ms after 50 calls, with the collector down, loses none of them', async ({
    browser,
    rig,
  }) => {
    const page = await openWithDatabase(browser)
    await rig.collector.down()
    const calls = names(50)
    await trackAndStay(page, calls)
    await browser.kill()

    await rig.collector.up()
    await browser.start()
    await openWithDatabase(browser)
    // Longer than a lease: what was on its way when the browser died comes due only then.
    await arrived(rig, calls, 40_000)
  })

  test('right after a renderer crash, 50 of 50 calls are there', async ({ browser, rig }) => {
    const page = await openWithDatabase(browser)
    await rig.collector.down()
    const calls = names(50)
    // The hooks come a macrotask after the calls; the crash comes right after the hooks.
    await trackAndStay(page, calls)
    await page.goto('chrome://crash', { timeout: 5000 }).catch(() => undefined)
    await page.close()
    await rig.collector.up()
    await openWithDatabase(browser)
    await arrived(rig, calls, 40_000)
  })
})

describe('a tab that is closed', () => {
  const calls = names(100)
  const needsRevisit = needsNextPage(testBrowser, 'A tab closed right after 50 calls')

  async function closing(browser: OwnBrowser, rig: Rig, when: 'soon' | 'at once') {
    const opener = await openWithDatabase(browser)
    rig.collector.fault({ kind: 'slow', ms: 50 })
    const popup = browser.context.waitForEvent('page')
    await opener.evaluate((url) => void window.open(url), rig.site.origin + '/app')
    const tab = await popup
    await tab.waitForLoadState()
    await ready(tab)
    // Nobody is left who could send later what the tab did not.
    await opener.goto('about:blank')
    await Promise.all([
      tab.waitForEvent('close'),
      tab
        .evaluate(
          async ([all, later]) => {
            for (const name of all) void window.analytics.track(name)
            if (later) await new Promise((resolve) => setTimeout(resolve, 50))
            window.close()
          },
          [calls, when === 'soon'] as const,
        )
        .catch(() => undefined),
    ])
    await arrived(rig, calls)
  }

  test.skipIf(needsRevisit)(
    '50 ms after 100 calls has delivered all of them, without a revisit',
    ({ browser, rig }) => closing(browser, rig, 'soon'),
  )

  test.skipIf(needsRevisit)(
    'in the same task as 100 calls has delivered all of them, without a revisit',
    ({ browser, rig }) => closing(browser, rig, 'at once'),
  )

  test('with more than the keepalive budget in hand delivers the rest on the next visit', async ({
    browser,
    rig,
  }) => {
    const opener = await openWithDatabase(browser)
    rig.collector.fault({ kind: 'slow', ms: 50 })
    const big = names(100, `big-${'x'.repeat(200)}`)
    const heavy = `url: () => 'https://example.com/' + 'y'.repeat(1900)`
    const tab = await browser.open({ path: '/heavy', settings: heavy })
    await track(tab, big)
    // All have been taken; the first may have arrived, and gone, by then.
    await until(
      async () => {
        const hits = [...(await stored(tab)), ...acceptedBy(rig)].map(({ hit }) => featureOf(hit))
        return new Set(hits).size === 100
      },
      { message: 'the calls to be written down' },
    )
    await tab.close()
    await opener.reload()
    await arrived(rig, big, 40_000)
  })
})

describe('a page that is left', () => {
  test('by location.href in a click handler, right after track, loses nothing', async ({
    browser,
    rig,
  }) => {
    const page = await openWithDatabase(browser)
    rig.collector.fault({ kind: 'slow', ms: 50 })
    rig.site.page('/next', '<!doctype html><title>next</title>')
    await page.evaluate(() => {
      const button = document.createElement('button')
      button.textContent = 'Go'
      button.onclick = () => {
        void window.analytics.track('clicked')
        location.href = '/next'
      }
      document.body.append(button)
    })
    await page.click('button')
    await page.waitForURL('**/next')
    await arrived(rig, ['clicked'])
  })

  test.for([
    ['in their task', (go: () => void) => go()],
    ['a moment later', (go: () => void) => void setTimeout(go, 5)],
  ])(
    '%s keeps what an unknown visitor did, on a first page too',
    async ([, leave], { browser, rig }) => {
      const page = await browser.open({ settings: `anonymous: 'hold'` })
      const features = names(20)
      await page.evaluate(
        `for (const name of ${JSON.stringify(features)}) void analytics.track(name);
      (${String(leave)})(() => { location.href = '/next' })`,
      )
      await page.waitForURL('**/next')
      const next = await browser.open({ settings: `anonymous: 'hold'` })
      await next.evaluate(() => window.analytics.identify('alice'))
      await arrived(rig, features)
      const used = acceptedBy(rig).filter(({ hit }) => hit.action === 'ev')
      expect(new Set(used.map(({ hit }) => hit.identity))).toEqual(new Set(['{"id":"alice"}']))
    },
  )

  const moments = ['beforeunload', 'pagehide', 'visibilitychange'] as const

  const callsIn = (moment: (typeof moments)[number]) => `
    addEventListener('${moment}', () => {
      if ('${moment}' !== 'visibilitychange' || document.visibilityState === 'hidden')
        void analytics.track('in ${moment}')
    }, true)`

  test.for(moments)(
    'for another page keeps a call made in %s',
    async (moment, { browser, rig }) => {
      const page = await openWithDatabase(browser)
      rig.site.page('/next', '<!doctype html><title>next</title>')
      await page.evaluate(callsIn(moment))
      await page.evaluate(() => (location.href = '/next'))
      await page.waitForURL('**/next')
      await arrived(rig, [`in ${moment}`])
    },
  )

  for (const moment of moments) {
    // Firefox stops the scripts of a tab that closes, once `pagehide` has come: in Segment's `track`.
    const canBe = isChromium || moment !== 'pagehide'
    test.runIf(canBe)(
      `by closing the tab keeps a call made in ${moment}`,
      async ({ browser, rig }) => {
        await openWithDatabase(browser)
        const page = await browser.open()
        await page.evaluate(callsIn(moment))
        await page.close({ runBeforeUnload: true })
        await arrived(rig, [`in ${moment}`])
      },
    )
  }

  test.for(moments)(
    'keeps a call made in %s from a source middleware that stops it',
    async (moment, { browser, rig }) => {
      const page = await openWithDatabase(browser)
      rig.site.page('/next', '<!doctype html><title>next</title>')
      await page.evaluate(() =>
        window.analytics.addSourceMiddleware(({ payload, next }) => {
          if (!String(payload.obj.event).startsWith('in ')) next(payload)
        }),
      )
      await page.evaluate(callsIn(moment))
      await page.evaluate(() => (location.href = '/next'))
      await page.waitForURL('**/next')
      const later = await browser.open()
      await track(later, ['marker'])
      await arrived(rig, ['marker'])
      expect(rig.collector.requests.map(({ hit }) => hit.event)).toEqual([
        JSON.stringify({ name: 'marker', event_name: 'feature' }),
      ])
      await writtenDown(later, 0)
    },
  )
})
