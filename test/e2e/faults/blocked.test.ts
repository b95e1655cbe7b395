import type { Page } from 'playwright-core'
import { describe, expect } from 'vitest'
import { isChromium } from '../../support/browser.ts'
import { until } from '../../support/deadline.ts'
import { arrived, names, reports, track, writtenDown } from '../../support/fault-rig.ts'
import { ready } from '../../support/rig.ts'
import { test, withClock } from './fixture.ts'

const minute = 60_000
/** A step of an open breaker is 30 minutes, and a share of 5 more. */
const step = 36 * minute

/** Waits for the database: a transaction under way while the clock jumps would count as one that hangs. */
const settled = (page: Page) => page.evaluate(() => window.plugin.pending())

/** Lets the page's clock run on, minute by minute, with a call every five; tells how often it tried. */
async function hourOf(page: Page, tries: () => Promise<number>, name: string): Promise<number> {
  const before = await tries()
  for (let minutes = 0; minutes < 60; minutes += 1) {
    if (minutes % 5 === 0) await track(page, [`${name}-${minutes}`])
    await settled(page)
    await page.clock.fastForward(minute)
    // What the minute set off has ended when a request of the page's own has.
    await page.evaluate(() => fetch('/favicon.ico'))
  }
  return (await tries()) - before
}

/**
 * A failed try is in doubt for a second. What is decided after a jump would wait from then on, and a
 * page that goes before leaves its try to the next one, which would be in the middle of it.
 */
async function decided(page: Page, tries: () => Promise<number>): Promise<void> {
  for (let before = -1, made = await tries(); before !== made; made = await tries()) {
    before = made
    await page.clock.runFor(2000)
    await page.evaluate(() => fetch('/favicon.ico'))
  }
}

/** The last try before the breaker opens, and one half an hour later; each may be of two requests. */
const mostInTheNext = 4

const hourNames = (name: string) => names(12).map((_, index) => `${name}-${index * 5}`)

describe('an endpoint that is blocked', () => {
  test.runIf(isChromium)(
    'by the client is asked at most 20 times in the first hour and 4 in the next; then all arrives',
    async ({ context, open, rig }) => {
      const page = await open(withClock)
      const devtools = await context.newCDPSession(page)
      await devtools.send('Network.enable')
      await devtools.send('Network.setBlockedURLs', { urls: [`${rig.collector.origin}/*`] })
      let tried = 0
      page.on('requestfailed', (request) => {
        if (request.url() === rig.collector.endpoint) tried += 1
      })

      const first = await hourOf(page, () => Promise.resolve(tried), 'first')
      const second = await hourOf(page, () => Promise.resolve(tried), 'second')
      console.log(
        `Blocked by the client: ${first} requests in the first hour, ${second} in the second`,
      )
      expect(first).toBeGreaterThan(3)
      expect(first).toBeLessThanOrEqual(20)
      expect(second).toBeLessThanOrEqual(mostInTheNext)
      expect(rig.collector.requests).toEqual([])

      await decided(page, () => Promise.resolve(tried))
      await devtools.send('Network.setBlockedURLs', { urls: [] })
      await settled(page)
      await page.clock.fastForward(step)
      await arrived(rig, [...hourNames('first'), ...hourNames('second')])
      await writtenDown(page, 0)
    },
  )

  test('by a content security policy is asked as seldom; all arrives once it is lifted', async ({
    context,
    rig,
  }) => {
    const page = await context.newPage()
    await page.clock.install()
    await page.addInitScript(() => {
      addEventListener('securitypolicyviolation', () => {
        Object.assign(window, {
          violations: ((window as { violations?: number }).violations ?? 0) + 1,
        })
      })
    })
    const url = rig.serve('npm', '/app', "anonymous: 'send'")
    const html = await (await fetch(url)).text()
    rig.site.page('/app', html, { 'content-security-policy': "connect-src 'self'" })
    await page.goto(url)
    await ready(page)
    const violations = () =>
      page.evaluate(() => (window as { violations?: number }).violations ?? 0)

    const first = await hourOf(page, violations, 'first')
    const second = await hourOf(page, violations, 'second')
    console.log(`Blocked by CSP: ${first} requests in the first hour, ${second} in the second`)
    expect(first).toBeGreaterThan(3)
    expect(first).toBeLessThanOrEqual(20)
    expect(second).toBeLessThanOrEqual(mostInTheNext)

    await decided(page, violations)
    rig.serve('npm', '/app', "anonymous: 'send'")
    await page.reload()
    await ready(page)
    await settled(page)
    await page.clock.fastForward(step)
    await arrived(rig, [...hourNames('first'), ...hourNames('second')])
  })
})

describe('a browser that is offline', () => {
  test('keeps everything over reloads, and sends within 3 s of being online', async ({
    context,
    open,
    rig,
  }) => {
    const page = await open()
    await context.setOffline(true)
    await track(page, names(20, 'before'))
    await writtenDown(page, 20)
    // The page itself must load, as from a service worker; no hit must arrive.
    rig.collector.fault({ kind: 'status', status: 503 })
    await context.setOffline(false)
    await page.reload()
    await ready(page)
    await context.setOffline(true)
    rig.collector.fault(undefined)
    await track(page, names(20, 'after'))
    await writtenDown(page, 40)
    expect((await reports(page)).some(({ reason }) => reason === 'offline')).toBe(true)

    rig.collector.clear()
    const since = Date.now()
    await context.setOffline(false)
    // Longer than a lease, which what the reload sent may have.
    await arrived(rig, [...names(20, 'before'), ...names(20, 'after')], 40_000)
    expect((rig.collector.requests[0]?.at ?? Infinity) - since).toBeLessThan(3000)
    await until(async () => (await writtenDown(page, 0)).length === 0, {
      message: 'an empty outbox',
    })
  })
})
