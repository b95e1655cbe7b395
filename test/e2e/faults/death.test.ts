import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type KillableBrowser, isChromium, launchBrowser } from '../../support/browser.ts'
import { until } from '../../support/deadline.ts'
import {
  acceptedBy,
  arrived,
  expectSound,
  names,
  openPage,
  stored,
  track,
  writtenDown,
} from '../../support/fault-rig.ts'
import { type Rig, createRig, ready } from '../../support/rig.ts'

let rig: Rig
let profile: string
let chromium: KillableBrowser
let errors: string[]

async function open(settings = '') {
  const opened = await openPage(chromium.newPage, rig, { settings })
  errors = opened.errors
  // In a new profile the database takes its time; no later page waits for it.
  await until(() => stored(opened.page), { message: 'the outbox to be open' })
  return opened.page
}

beforeEach(async () => {
  rig = await createRig()
  profile = await mkdtemp(join(tmpdir(), 'skalin-profile-'))
  chromium = await launchBrowser({ profile })
  errors = []
})
afterEach(async () => {
  expectSound(rig, errors)
  await chromium.kill()
  await rig.close()
  await rm(profile, { recursive: true, force: true })
})

describe.runIf(isChromium)('a browser that is killed', () => {
  test('50 ms after 50 calls, with the collector down, loses none of them', async () => {
    const page = await open()
    await rig.collector.down()
    const calls = names(50)
    // The page itself says when 50 ms have passed, however slow this test is to hear of it.
    await page.evaluate(async (all) => {
      for (const name of all) void window.analytics.track(name)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }, calls)
    await chromium.kill()

    await rig.collector.up()
    chromium = await launchBrowser({ profile })
    await open()
    // Longer than a lease: what was on its way when the browser died comes due only then.
    await arrived(rig, calls, 40_000)
  })

  test('right after a renderer crash, 50 of 50 calls are there', async () => {
    const page = await open()
    await rig.collector.down()
    const calls = names(50)
    await page.evaluate(async (all) => {
      for (const name of all) void window.analytics.track(name)
      // The hooks come a macrotask after the calls; the crash comes right after the hooks.
      await new Promise((resolve) => setTimeout(resolve, 50))
    }, calls)
    await page.goto('chrome://crash', { timeout: 5000 }).catch(() => undefined)
    await page.close()
    await rig.collector.up()
    await open()
    await arrived(rig, calls, 40_000)
  })
})

describe('a tab that is closed', () => {
  const calls = names(100)

  async function closing(when: 'soon' | 'at once'): Promise<void> {
    const opener = await open()
    rig.collector.fault({ kind: 'slow', ms: 50 })
    const popup = chromium.context.waitForEvent('page')
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

  test('50 ms after 100 calls has delivered all of them, without a revisit', () => closing('soon'))

  test('in the same task as 100 calls has delivered all of them, without a revisit', () =>
    closing('at once'))

  test('with more than the keepalive budget in hand delivers the rest on the next visit', async () => {
    const opener = await open()
    rig.collector.fault({ kind: 'slow', ms: 50 })
    const big = names(100, `big-${'x'.repeat(200)}`)
    const heavy = `url: () => 'https://example.com/' + 'y'.repeat(1900)`
    const { page: tab } = await openPage(chromium.newPage, rig, { path: '/heavy', settings: heavy })
    await track(tab, big)
    await writtenDown(tab, 100).catch(() => undefined)
    await tab.close()
    await opener.reload()
    await arrived(rig, big, 40_000)
  })
})

describe('a page that is left', () => {
  test('by location.href in a click handler, right after track, loses nothing', async () => {
    const page = await open()
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

  test.each([
    ['in their task', (go: () => void) => go()],
    ['a moment later', (go: () => void) => void setTimeout(go, 5)],
  ])('%s keeps what an unknown visitor did, on a first page too', async (_, leave) => {
    const { page } = await openPage(chromium.newPage, rig, { settings: `anonymous: 'hold'` })
    const features = names(20)
    await page.evaluate(
      `for (const name of ${JSON.stringify(features)}) void analytics.track(name);
      (${String(leave)})(() => { location.href = '/next' })`,
    )
    await page.waitForURL('**/next')
    const next = await openPage(chromium.newPage, rig, { settings: `anonymous: 'hold'` })
    await next.page.evaluate(() => window.analytics.identify('alice'))
    await arrived(rig, features)
    const used = acceptedBy(rig).filter(({ hit }) => hit.action === 'ev')
    expect(new Set(used.map(({ hit }) => hit.identity))).toEqual(new Set(['{"id":"alice"}']))
  })

  const moments = ['beforeunload', 'pagehide', 'visibilitychange'] as const

  const callsIn = (moment: (typeof moments)[number]) => `
    addEventListener('${moment}', () => {
      if ('${moment}' !== 'visibilitychange' || document.visibilityState === 'hidden')
        void analytics.track('in ${moment}')
    }, true)`

  test.each(moments)('for another page keeps a call made in %s', async (moment) => {
    const page = await open()
    rig.site.page('/next', '<!doctype html><title>next</title>')
    await page.evaluate(callsIn(moment))
    await page.evaluate(() => (location.href = '/next'))
    await page.waitForURL('**/next')
    await arrived(rig, [`in ${moment}`])
  })

  for (const moment of moments) {
    // Firefox stops the scripts of a tab that closes, once `pagehide` has come: in Segment's `track`.
    const canBe = isChromium || moment !== 'pagehide'
    test.runIf(canBe)(`by closing the tab keeps a call made in ${moment}`, async () => {
      await open()
      const { page } = await openPage(chromium.newPage, rig)
      await page.evaluate(callsIn(moment))
      await page.close({ runBeforeUnload: true })
      await arrived(rig, [`in ${moment}`])
    })
  }

  test.each(moments)(
    'keeps a call made in %s from a source middleware that stops it',
    async (moment) => {
      const page = await open()
      rig.site.page('/next', '<!doctype html><title>next</title>')
      await page.evaluate(() =>
        window.analytics.addSourceMiddleware(({ payload, next }) => {
          if (!String(payload.obj.event).startsWith('in ')) next(payload)
        }),
      )
      await page.evaluate(callsIn(moment))
      await page.evaluate(() => (location.href = '/next'))
      await page.waitForURL('**/next')
      const { page: later } = await openPage(chromium.newPage, rig)
      await track(later, ['marker'])
      await arrived(rig, ['marker'])
      expect(rig.collector.requests.map(({ hit }) => hit.event)).toEqual([
        JSON.stringify({ name: 'marker', event_name: 'feature' }),
      ])
      await writtenDown(later, 0)
    },
  )
})
