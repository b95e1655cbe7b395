import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { type TestBrowser, launchBrowser } from '../../support/browser.ts'
import { until } from '../../support/deadline.ts'
import {
  acceptedBy,
  arrived,
  expectSound,
  featureOf,
  track,
  writtenDown,
} from '../../support/fault-rig.ts'
import { type Rig, createRig, errorsOf, ready } from '../../support/rig.ts'

// Clocks that are set, in a real browser; the model of `test/delivery` sets them at any moment.

declare global {
  interface Window {
    /** By how much the clock is wrong, on this page and the next ones. */
    setClock: (byMs: number) => void
  }
}

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const jumps: [string, number][] = [
  ['50 minutes back', -50 * minute],
  ['5 minutes ahead', 5 * minute],
  ['a day back', -day],
  ['a day ahead', day],
  ['8 days back', -8 * day],
  ['8 days ahead', 8 * day],
]
/** Longer than any wait of these tests was decided to be. */
const soonMs = 20_000

let chromium: TestBrowser
beforeAll(async () => {
  chromium = await launchBrowser()
})
afterAll(() => chromium.close())

/** A clock of the page's that can be set; its timers and `performance` go on as they are. */
function wrongClock(): void {
  const RealDate = Date
  let wrongBy = Number(localStorage.getItem('wrong-by'))
  window.setClock = (byMs) => {
    wrongBy = byMs
    localStorage.setItem('wrong-by', String(byMs))
  }
  window.Date = new Proxy(RealDate, {
    construct: (_, args: unknown[]) =>
      args.length > 0
        ? (Reflect.construct(RealDate, args) as Date)
        : new RealDate(RealDate.now() + wrongBy),
    get: (target, name, receiver) =>
      name === 'now'
        ? () => RealDate.now() + wrongBy
        : (Reflect.get(target, name, receiver) as unknown),
  })
}

async function withPage(play: (page: Page, rig: Rig) => Promise<void>): Promise<void> {
  const rig = await createRig()
  const context = await chromium.browser.newContext()
  try {
    const page = await context.newPage()
    const errors = errorsOf(page)
    await page.addInitScript(wrongClock)
    await show(page, rig)
    await play(page, rig)
    expectSound(rig, errors)
  } finally {
    await context.close()
    await rig.close()
  }
}

async function show(page: Page, rig: Rig): Promise<void> {
  await page.goto(rig.serve('npm', '/app', "anonymous: 'send'"))
  await ready(page)
}

const setClock = (page: Page, byMs: number) => page.evaluate((by) => window.setClock(by), byMs)

const attempt = (rig: Rig) =>
  until(() => rig.collector.requests.length > 0, { message: 'an attempt' })

describe.concurrent.for(jumps)('a clock that is set %s', ([, byMs]) => {
  test('in a backoff makes nobody wait for longer', async () => {
    await withPage(async (page, rig) => {
      rig.collector.fault({ kind: 'status', status: 503, times: 2 })
      await track(page, ['one'])
      await attempt(rig)
      await setClock(page, byMs)
      await track(page, ['two'])
      await arrived(rig, ['one', 'two'], soonMs)
    })
  })

  test('in a silence that was asked for makes nobody wait for longer', async () => {
    await withPage(async (page, rig) => {
      rig.collector.fault({ kind: 'status', status: 429, retryAfter: 3, times: 1 })
      await track(page, ['one'])
      await attempt(rig)
      await setClock(page, byMs)
      await track(page, ['two'])
      await arrived(rig, ['one', 'two'], soonMs)
    })
  })

  test('in an outage ages no hit of the page', async () => {
    await withPage(async (page, rig) => {
      rig.collector.fault({ kind: 'status', status: 503 })
      await track(page, ['one'])
      await attempt(rig)
      await setClock(page, byMs)
      await track(page, ['two'])
      await writtenDown(page, 2)
      rig.collector.fault(undefined)
      await arrived(rig, ['one', 'two'], soonMs)
    })
  })

  test.runIf(byMs < 7 * day)('between two pages makes nobody wait for longer', async () => {
    await withPage(async (page, rig) => {
      rig.collector.fault({ kind: 'status', status: 429, retryAfter: 3 })
      await track(page, ['one'])
      await writtenDown(page, 1)
      await attempt(rig)
      await setClock(page, byMs)
      rig.collector.fault(undefined)
      await show(page, rig)
      await track(page, ['two'])
      await arrived(rig, ['one', 'two'], soonMs)
    })
  })

  test('has `clear()` delete what was made before it, and nothing after', async ({ expect }) => {
    await withPage(async (page, rig) => {
      rig.collector.fault({ kind: 'status', status: 503 })
      await track(page, ['before'])
      await setClock(page, byMs)
      await track(page, ['wrong'])
      await writtenDown(page, 2)
      await page.evaluate(() => window.plugin.clear())
      await writtenDown(page, 0)
      await setClock(page, 0)
      rig.collector.clear()
      await track(page, ['after'])
      await writtenDown(page, 1)
      rig.collector.fault(undefined)
      await show(page, rig)
      await arrived(rig, ['after'], soonMs)
      expect(acceptedBy(rig).map(({ hit }) => featureOf(hit))).toEqual(['after'])
    })
  })
})
