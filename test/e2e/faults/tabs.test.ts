import type { Page } from 'playwright-core'
import { describe, expect } from 'vitest'
import { isChromium } from '../../support/browser.ts'
import { until } from '../../support/deadline.ts'
import {
  acceptedBy,
  arrived,
  featureOf,
  names,
  track,
  writtenDown,
} from '../../support/fault-rig.ts'
import type { SkalinPlugin } from '../../../src/index.ts'
import { type Rig, createRig, ready } from '../../support/rig.ts'
import { type OwnBrowser, test } from './fixture.ts'

declare global {
  interface Window {
    /** How many transactions are open, and whether room has been made: the only use of that index. */
    database: { open: number; hasTrimmed: boolean }
  }
}

function watchDatabase() {
  const database: Window['database'] = { open: 0, hasTrimmed: false }
  window.database = database
  /* eslint-disable @typescript-eslint/unbound-method -- they are applied to what they are called on */
  const { transaction } = IDBDatabase.prototype
  const { index } = IDBObjectStore.prototype
  /* eslint-enable @typescript-eslint/unbound-method */
  IDBDatabase.prototype.transaction = function (...given) {
    const made = transaction.apply(this, given)
    database.open += 1
    for (const end of ['complete', 'abort']) made.addEventListener(end, () => (database.open -= 1))
    return made
  }
  IDBObjectStore.prototype.index = function (name) {
    database.hasTrimmed ||= name === 'age'
    return index.call(this, name)
  }
}

describe('several tabs', () => {
  test('of two client ids and two endpoints each send only their own', async ({ browser, rig }) => {
    const other = await createRig()
    try {
      await rig.collector.down()
      await other.collector.down()
      const first = await browser.open({ path: '/first' })
      await track(first, ['mine'])
      const second = await browser.open({ path: '/second', settings: `clientId: 'other-client'` })
      await track(second, ['of another client'])
      const third = await browser.open({
        path: '/third',
        settings: `endpoint: '${other.collector.endpoint}'`,
      })
      await track(third, ['of another endpoint'])
      await writtenDown(first, 3)
      await second.close()
      await third.close()
      await rig.collector.up()
      await other.collector.up()
      await first.reload()
      await arrived(rig, ['mine'], 30_000)
      expect(rig.collector.requests.map(({ hit }) => hit.client_id)).not.toContain('other-client')
      expect(other.collector.requests).toEqual([])
      const waiting = await writtenDown(first, 2)
      expect(waiting.map(({ hit }) => featureOf(hit)).sort()).toEqual([
        'of another client',
        'of another endpoint',
      ])
      await browser.open({ path: '/second', settings: `clientId: 'other-client'` })
      await arrived(rig, ['of another client'], 30_000)
      await browser.open({ path: '/third', settings: `endpoint: '${other.collector.endpoint}'` })
      await arrived(other, ['of another endpoint'], 30_000)
    } finally {
      await other.close()
    }
  })

  test.runIf(isChromium)(
    'take over from a frozen one that holds leases within 60 s',
    async ({ browser, rig }) => {
      const frozen = await browser.open({
        path: '/frozen',
        before: (page) => page.addInitScript(watchDatabase),
      })
      rig.collector.fault({ kind: 'hang', at: 'headers' })
      await track(frozen, names(5))
      // As in life it is hidden first, and idle when it freezes: it would keep others from the database
      // for as long as a transaction of its own is open.
      await browser.context.newPage()
      await until(() => rig.collector.requests.length === 5, { message: 'requests in flight' })
      // The last that it does by itself, a second after the first call, is to make room.
      await until(
        () => frozen.evaluate(() => window.database.hasTrimmed && window.database.open === 0),
        { message: 'the tab to be idle' },
      )
      const devtools = await browser.context.newCDPSession(frozen)
      await devtools.send('Page.setWebLifecycleState', { state: 'frozen' })
      rig.collector.fault(undefined)
      await browser.open({ path: '/live' })
      await arrived(rig, names(5), 60_000)
    },
    120_000,
  )
})

describe.runIf(isChromium)('the back/forward cache', () => {
  const mark = (page: Page) => page.evaluate(() => Object.assign(window, { mark: true }))

  async function openWithBacklog(browser: OwnBrowser, rig: Rig): Promise<Page> {
    await rig.collector.down()
    const page = await browser.open()
    await track(page, names(5))
    await writtenDown(page, 5)
    await mark(page)
    return page
  }

  /** Not in the few milliseconds in which it looks into the database, say: there a browser may give up on it. */
  const idle = (page: Page) =>
    until(() => page.evaluate(() => window.database.hasTrimmed && window.database.open === 0), {
      message: 'the page to be idle',
    })

  async function goBackTo(page: Page) {
    await page.goBack({ waitUntil: 'commit' })
    await until(() => page.evaluate(() => 'mark' in window), { message: 'the marked page' })
  }

  test('keeps a page whose calls are on their way while the next one is at work', async ({
    browser,
    rig,
  }) => {
    rig.collector.fault({ kind: 'slow', ms: 150 })
    const page = await browser.open({ before: (page) => page.addInitScript(watchDatabase) })
    await track(page, ['first'])
    await mark(page)
    const next = rig.serve('npm', '/next', `anonymous: 'send'`)
    for (const round of names(3, 'round')) {
      const made = names(6, round)
      await idle(page)
      await page.evaluate(
        ([all, address]) => {
          for (const name of all) void window.analytics.track(name)
          location.assign(address)
        },
        [made, next] as const,
      )
      await page.waitForURL(next)
      await ready(page)
      await track(page, [`after ${round}`])
      await arrived(rig, [...made, `after ${round}`], 60_000)
      await goBackTo(page)
    }
  }, 240_000)

  test('restores a page with a backlog, also with a second tab at work, and it goes on', async ({
    browser,
    rig,
  }) => {
    const page = await openWithBacklog(browser, rig)
    const second = await browser.open({ path: '/second' })
    rig.site.page('/next', '<!doctype html><title>next</title>')
    await page.goto(`${rig.site.origin}/next`)
    await track(second, ['meanwhile'])
    await writtenDown(second, 6)
    await goBackTo(page)
    await track(page, ['restored'])
    await rig.collector.up()
    await second.close()
    await arrived(rig, [...names(5), 'meanwhile', 'restored'], 40_000)
    expect(acceptedBy(rig).length).toBeLessThanOrEqual(9)
  })

  test('restores a page whose backlog another page has delivered: it sends none of it again', async ({
    browser,
    rig,
  }) => {
    const page = await openWithBacklog(browser, rig)
    await page.goto(rig.serve('npm', '/next', `anonymous: 'send'`))
    await rig.collector.up()
    await arrived(rig, names(5), 60_000)
    await writtenDown(page, 0)
    await goBackTo(page)
    await track(page, ['restored'])
    // In the order of the calls: what it had would have gone before.
    await arrived(rig, ['restored'])
    const accepted = acceptedBy(rig).map(({ hit }) => featureOf(hit))
    expect(accepted.sort()).toEqual([...names(5), 'restored'])
  }, 120_000)
})

describe('a page that waits for nothing', () => {
  /** How many timers are set in half an hour after three calls, and how many requests are made. */
  async function idle(page: Page, rig: Rig, path: string, html: string) {
    await page.clock.install()
    await page.goto(rig.site.page(path, html))
    await ready(page)
    await track(page, names(3))
    await page.evaluate(() => window.analytics.track('last'))
    await settled(page)
    // What was accepted is deleted a second later, in a database that keeps to no page's clock: if
    // time jumped meanwhile, it would seem to hang.
    await page.clock.runFor(1500)
    if (await page.evaluate(() => 'plugin' in window)) await writtenDown(page, 0)
    await page.clock.runFor(3500)
    await page.evaluate(() => {
      const counting = window as unknown as { timers: number }
      counting.timers = 0
      const set = window.setTimeout.bind(window)
      window.setTimeout = ((...args: Parameters<typeof set>) => {
        counting.timers += 1
        return set(...args)
      }) as typeof set
    })
    const before = rig.collector.requests.length
    for (let minutes = 0; minutes < 30; minutes += 1) await page.clock.fastForward(60_000)
    const timers = await page.evaluate(() => (window as unknown as { timers: number }).timers)
    return { timers, requests: rig.collector.requests.length - before }
  }

  const settled = (page: Page) =>
    until(
      async () =>
        (await page.evaluate(
          async () => ((await (window.plugin as SkalinPlugin | undefined)?.pending()) ?? 0) === 0,
        )) &&
        (await page.evaluate(
          () => (window.plugin as SkalinPlugin | undefined)?.flush().then(() => true) ?? true,
        )),
      { message: 'nothing to wait' },
    )

  test('sets no timer and makes no request', async ({ browser: { context }, rig }) => {
    const settings = `{ clientId: 'test-client', endpoint: '${rig.collector.endpoint}', anonymous: 'send' }`
    const without = await idle(await context.newPage(), rig, '/without', rig.site.npmPage())
    const withIt = await idle(await context.newPage(), rig, '/with', rig.site.npmPage({ settings }))
    expect(rig.collector.requests).toHaveLength(4)
    expect(withIt).toEqual({ timers: without.timers, requests: 0 })
  })
})
