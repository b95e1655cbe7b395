import type { Page } from 'playwright-core'
import { describe, expect } from 'vitest'
import { isChromium } from '../../support/browser.ts'
import { until } from '../../support/deadline.ts'
import { acceptedBy, arrived, featureOf, names, track } from '../../support/fault-rig.ts'
import { ready } from '../../support/rig.ts'
import { test } from './fixture.ts'

/** Keeps a page out of the back/forward cache, as many scripts do. */
const unkept = '<script>addEventListener("unload", () => {})</script>'

/** What the plugin has noted of the collector. */
const healthOf = (page: Page) =>
  page.evaluate(() => {
    const key = Object.keys(localStorage).find((name) => name.startsWith('skalin:endpoint:'))
    const { step, networkErrors } = JSON.parse((key && localStorage.getItem(key)) ?? '{}') as {
      step?: number
      networkErrors?: number
    }
    return { step, networkErrors }
  })

/** Ways to leave a page, as its visitor's click does, right after three calls. */
const ways: Record<string, string> = {
  'a link': `const a = document.createElement('a'); a.href = '/next'; document.body.append(a); a.click()`,
  'a form': `const f = document.createElement('form'); f.action = '/next'; document.body.append(f); f.submit()`,
  location: `location.href = '/next'`,
  'location.replace': `location.replace('/next')`,
  reload: `location.reload()`,
  history: `history.back()`,
}

describe('leaving a page is no outage of a collector that is well', () => {
  for (const [way, leave] of Object.entries(ways)) {
    const pages = [
      ['that is kept', ''],
      ['that is not', unkept],
    ] as const
    // Playwright cannot follow a page that comes out of the cache: see `tabs.test.ts`.
    test.for(way === 'history' ? pages.slice(1) : pages)(
      `by ${way}, from a page %s: the next page's first call goes at once`,
      async ([, head], { context, rig }) => {
        const page = await context.newPage()
        const next = rig.serve('npm', '/next', "anonymous: 'send'", head)
        await page.goto(next)
        await ready(page)
        await page.goto(rig.serve('npm', '/app', "anonymous: 'send'", head))
        await ready(page)
        await track(page, ['before'])
        await arrived(rig, ['before'])
        rig.collector.fault({ kind: 'slow', ms: 150 })
        await page.evaluate(`
        window.isLeft = true
        for (const name of ${JSON.stringify(names(3))}) void analytics.track(name)
        setTimeout(() => { ${leave} }, 20)`)
        // While pages change there is none to ask.
        const isNext = () =>
          page.evaluate(() => !('isLeft' in window) && 'analytics' in window).catch(() => false)
        await until(isNext, { message: 'the next page' })
        await ready(page)
        await track(page, ['first'])
        // Half of what it took when leaving counted as an outage.
        await arrived(rig, ['first'], 5000)
        expect(await healthOf(page)).toEqual({ step: 0, networkErrors: 0 })
        await arrived(rig, names(3), 30_000)
        const times = names(3).map(
          (name) => rig.collector.requests.filter(({ hit }) => featureOf(hit) === name).length,
        )
        expect(Math.max(...times)).toBeLessThanOrEqual(2)
      },
    )
  }

  test('a real outage that begins while pages change is one all the same', async ({
    open,
    rig,
  }) => {
    const page = await open()
    await rig.collector.down()
    await track(page, ['on the first page'])
    await page.goto(rig.serve('npm', '/next', "anonymous: 'send'"))
    await ready(page)
    await track(page, ['on the second page'])
    await until(async () => ((await healthOf(page)).step ?? 0) > 0, { message: 'a backoff' })
    await rig.collector.up()
    await arrived(rig, ['on the first page', 'on the second page'], 40_000)
  })
})

describe('a hidden tab', () => {
  test.runIf(isChromium)('backs off in an outage as a visible one does', async ({ open, rig }) => {
    const page = await open()
    await page.clock.install()
    rig.collector.fault({ kind: 'status', status: 503 })
    await page.evaluate(() => {
      Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true })
      document.dispatchEvent(new Event('visibilitychange'))
    })
    for (const name of names(31)) {
      await track(page, [name])
      await page.clock.runFor(1000)
    }
    // A visible one tries after 1, 2, 4, 8 and 16 seconds.
    expect(rig.collector.requests.length).toBeGreaterThan(1)
    expect(rig.collector.requests.length).toBeLessThanOrEqual(8)
    rig.collector.fault(undefined)
    await page.evaluate(() => {
      Object.defineProperty(document, 'visibilityState', { value: 'visible', configurable: true })
      document.dispatchEvent(new Event('visibilitychange'))
    })
    await until(
      async () => {
        await page.clock.runFor(5000)
        return new Set(acceptedBy(rig).map(({ hit }) => hit.event_id)).size === 31
      },
      { message: 'all of them' },
    )
  })
})
