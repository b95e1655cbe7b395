import { execFile, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync } from 'node:fs'
import { type Server, createServer } from 'node:net'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { AxeResults } from 'axe-core'
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, test as base, beforeAll, describe, expect, onTestFinished, vi } from 'vitest'
import { type Demo, buildDemo, startDemo } from '../../demo/server.mjs'
import { createCollector } from '../../src/testing/index.ts'
import { call, hit } from '../demo/support.ts'
import { type TestBrowser, isChromium, launchBrowser } from '../support/browser.ts'
import { patienceMs, until } from '../support/deadline.ts'
import { builds } from '../support/rig.ts'

const run = promisify(execFile)
const root = new URL('../../', import.meta.url)
const pictures = new URL('.artifacts/demo/', root).pathname

let chromium: TestBrowser
beforeAll(async () => {
  mkdirSync(pictures, { recursive: true })
  chromium = await launchBrowser()
  // As for a user: vitest says `test`, where a build is none for production.
  vi.stubEnv('NODE_ENV', undefined)
  await buildDemo()
  vi.unstubAllEnvs()
})
afterAll(() => chromium.close())

type Stage = {
  page: Page
  context: BrowserContext
  collector: Demo['collector']
  /** What a visitor, or the browser's console, would complain of: nothing, at the end of a test. */
  complaints: string[]
}

// eslint-disable-next-line no-empty-pattern -- vitest reads the fixtures from the pattern
const demoTest = base.extend('open', ({}, { onCleanup }) => {
  const complaints: string[] = []
  const ends: (() => Promise<void>)[] = []
  onCleanup(async () => {
    for (const end of ends) await end()
    expect(complaints).toEqual([])
  })

  /** A demo of its own, in a fresh profile, at that query of its address. */
  return async (query = '', options: BrowserContextOptions = {}): Promise<Stage> => {
    const demo = await startDemo({ port: 0 })
    const context = await chromium.browser.newContext({
      viewport: { width: 1280, height: 800 },
      ...options,
    })
    ends.push(() => context.close(), demo.close)
    context.on('console', (message) => {
      const text = message.text()
      // Chromium says this of each answer that is an error; that is what the faults are for.
      if (message.type() === 'error' && !text.startsWith('Failed to load resource')) {
        complaints.push(text)
      }
    })
    context.on('weberror', (error) => complaints.push(String(error.error())))
    const page = await context.newPage()
    await page.goto(`${demo.origin}/${query}`)
    await started(page)
    return { page, context, collector: demo.collector, complaints }
  }
})
// It is for developers, who have the choice; users have not.
const test = demoTest.runIf(isChromium)

const started = (page: Page) =>
  until(() => page.locator('.stage:not([inert]), dialog[open]').count(), {
    message: 'the demo to start',
  })

const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click()
const camille = 'Camille Roux Halden Bikes'
/** Presses a fault, and waits until it is in force: a hit may be faster. */
async function fail(page: Page, name: string): Promise<void> {
  const radio = page.getByRole('radio', { name, exact: true })
  if (await radio.isChecked()) return
  const inForce = page.waitForResponse('**/control/fault')
  await radio.check({ force: true })
  await inForce
}

/** Waits until something says `text`. */
const shows = (page: Page, selector: string, text: string | RegExp) =>
  until(async () => RegExp(text).test(await page.locator(selector).first().innerText()), {
    message: `${selector} to say ${String(text)}`,
  })

const newest = '#rows .row'

type Counts = Record<'calls' | 'sending' | 'waiting' | 'accepted' | 'dropped' | 'skipped', number>

/** Waits for numbers among the counters. */
const counted = (page: Page, wanted: Partial<Counts>, deadlineMs = 30_000) => {
  let now: Counts
  return until(
    async () => {
      const texts = await page.locator('#counters .number').allInnerTexts()
      const [calls = 0, sending = 0, waiting = 0, accepted = 0, dropped = 0, skipped = 0] =
        texts.map(Number)
      now = { calls, sending, waiting, accepted, dropped, skipped }
      return Object.entries(wanted).every(([kind, count]) => now[kind as keyof Counts] === count)
    },
    { message: `counters of ${JSON.stringify(wanted)}`, deadlineMs },
  ).catch((cause: unknown) => {
    throw new Error(`The counters were ${JSON.stringify(now)}`, { cause })
  })
}

const picture = (page: Page, name: string) => page.screenshot({ path: `${pictures}${name}.png` })

const featureNames = ({ requests }: Demo['collector']) =>
  requests
    .filter(({ accepted, hit }) => accepted && hit['event'])
    .map(({ hit }) => (JSON.parse(hit['event'] ?? '') as { name: string }).name)

describe.for(builds)('the %s build', (build) => {
  test('each button and form makes its call, and the collector takes it', async ({ open }) => {
    const { page, collector } = await open(`?build=${build}`)
    await shows(page, '#state', 'Collector healthy')
    await picture(page, `${build}-empty`)
    await press(page, camille)
    await counted(page, { calls: 2, accepted: 2 })
    for (const name of [
      'track Report exported',
      'track Teammate invited',
      'page Dashboard',
      'screen Home',
    ]) {
      await press(page, name)
    }
    await counted(page, { calls: 6, accepted: 6 })

    await page.getByText('A call of your own').click()
    for (const [method, fields, preview] of [
      ['track', { Event: 'Import' }, `analytics.track("Import")`],
      ['page', { Category: 'Docs', Name: 'Start' }, `analytics.page("Docs", "Start")`],
      ['screen', { Category: '', Name: 'Inbox' }, `analytics.screen("Inbox")`],
      ['group', { 'Group id': 'lumen-school' }, `analytics.group("lumen-school")`],
      [
        'identify',
        { 'User id': 'u-7', 'E-mail': 'g@lumen.example', 'Group id': 'lumen-school' },
        `analytics.identify("u-7", { email: "g@lumen.example", groupId: "lumen-school" })`,
      ],
    ] as const) {
      await page.getByLabel('Call', { exact: true }).selectOption(method)
      for (const [label, value] of Object.entries(fields)) {
        await page.getByLabel(label, { exact: true }).fill(value)
      }
      expect(await page.locator('#preview').textContent()).toBe(preview)
      await press(page, 'Make this call')
    }
    await counted(page, { calls: 11, accepted: 11 })
    await picture(page, `${build}-calls`)

    expect(featureNames(collector).sort()).toEqual(
      ['Report exported', 'Teammate invited', 'Dashboard', 'Home', 'Import', 'Docs Start', 'Inbox']
        .slice()
        .sort(),
    )
    expect(collector.requests.at(-1)?.hit).toMatchObject({
      action: 'ui',
      identity: '{"id":"u-7","email":"g@lumen.example"}',
      customer_id: 'lumen-school',
    })
    await shows(page, newest, /identify\s+u-7\s+u-7\s+lumen-school/)

    await page.locator(newest).first().click()
    await page.getByText('Segment’s event').click()
    const event = await page.getByLabel('Segment event').innerText()
    expect(event).toMatch(build === 'npm' ? /"version": "npm:next-/ : /"version": "next-/)

    await press(page, 'Nobody reset()')
    expect(await page.locator('#people [aria-pressed=true]').innerText()).toContain('Nobody')
  })

  test('503: everything waits, and nothing is lost when the collector is well again', async ({
    open,
  }) => {
    const { page, collector } = await open(`?build=${build}`)
    await press(page, camille)
    await counted(page, { accepted: 2 })
    await fail(page, '503')
    await shows(page, '#state', 'Collector answers 503')
    for (let time = 0; time < 3; time += 1) await press(page, 'track Report exported')
    await counted(page, { calls: 5, accepted: 2, waiting: 3 })
    await shows(page, '#rows', /answered 503, next try in \d+ s/)
    await picture(page, `${build}-503`)
    await fail(page, 'Healthy')
    await counted(page, { calls: 5, accepted: 5, waiting: 0, sending: 0 })
    await shows(page, '#rows', /after \d attempts/)
    await picture(page, `${build}-healed`)
    const ids = collector.requests.filter(({ accepted }) => accepted).map(({ hit }) => hit)
    expect(new Set(ids.map(({ event_id }) => event_id)).size).toBe(5)
  })

  test('consent: nothing before a yes, and what waits is gone after a no', async ({ open }) => {
    const { page, collector } = await open(`?build=${build}&consent=on`)
    await press(page, camille)
    await counted(page, { calls: 2, skipped: 2 })
    await shows(page, newest, 'no consent')
    await picture(page, `${build}-consent`)
    expect(collector.requests).toEqual([])

    await press(page, 'Yes')
    await press(page, camille)
    await counted(page, { accepted: 2 })
    await fail(page, '503')
    await press(page, 'screen Home')
    await counted(page, { waiting: 1 })
    await page.getByRole('switch', { name: 'Category' }).uncheck()
    await counted(page, { waiting: 0, dropped: 1 })
    await press(page, 'screen Home')
    await shows(page, newest, 'no consent')
    await picture(page, `${build}-withdrawn`)

    // Not `check()`, which looks at a page that is on its way.
    await page.getByRole('switch', { name: 'Ask for it' }).click()
    await page.waitForURL((url) => !url.searchParams.has('consent'))
    await started(page)
    expect(new URL(page.url()).searchParams.get('build')).toBe(build)
    await press(page, 'screen Home')
    await fail(page, 'Healthy')
    await until(() => featureNames(collector).includes('Home'), { message: 'the call' })

    await page.getByRole('switch', { name: 'Ask for it' }).click()
    await page.waitForURL((url) => url.searchParams.get('consent') === 'on')
    await started(page)
    await press(page, 'No')
    await press(page, 'screen Home')
    await shows(page, newest, 'no consent')
    expect(await page.locator('#banner').isVisible()).toBe(false)
  })
})

test('two people at two customers: each hit is for the right one', async ({ open }) => {
  const { page, collector } = await open()
  await press(page, camille)
  await press(page, 'screen Home')
  await counted(page, { calls: 3, accepted: 3 })
  await press(page, 'Jonas Weber Alto Clinic')
  await press(page, 'screen Home')
  await press(page, 'Jonas Weber Halden Bikes')
  await press(page, 'screen Home')
  await counted(page, { calls: 9, accepted: 9 })
  await picture(page, 'people')

  const uses = collector.requests.flatMap(({ hit }) => (hit['action'] === 'ev' ? [hit] : []))
  expect(uses.map(({ identity, customer_id }) => [identity, customer_id])).toEqual([
    ['{"id":"u-1042","email":"camille@halden.example"}', 'halden-bikes'],
    ['{"id":"u-2718","email":"jonas@weber.example"}', 'alto-clinic'],
    ['{"id":"u-2718","email":"jonas@weber.example"}', 'halden-bikes'],
  ])
  expect(uses[0]?.['visit_id']).not.toBe(uses[1]?.['visit_id'])
  expect(uses[1]?.['visit_id']).toBe(uses[2]?.['visit_id'])
  const pressed = page.locator('#people [aria-pressed=true]')
  expect(await pressed.allInnerTexts()).toEqual([expect.stringMatching(/Jonas Weber\s+Halden/)])
})

test('a visitor nobody knows: calls are held, and go out with the identity', async ({ open }) => {
  const { page, collector } = await open()
  await press(page, 'screen Home')
  await shows(page, newest, 'held until the visitor is known')
  await picture(page, 'anonymous')
  await press(page, camille)
  await counted(page, { calls: 3, accepted: 3 })
  const [use] = collector.requests.flatMap(({ hit }) => (hit['action'] === 'ev' ? [hit] : []))
  expect(use?.['identity']).toContain('u-1042')
})

test('refusing one feature: that one is dropped, the others go through', async ({ open }) => {
  const { page } = await open()
  await press(page, camille)
  await page.getByLabel('Feature to refuse').fill('Teammate invited')
  await fail(page, 'Refuses')
  await press(page, 'track Report exported')
  await press(page, 'track Teammate invited')
  await counted(page, { calls: 4, accepted: 3, dropped: 1 })
  await shows(page, newest, 'refused with 400')
  await picture(page, 'refused')

  const shown = (count: number) =>
    until(async () => (await page.locator('#rows > li:not(.space)').count()) === count, {
      message: `${count} rows`,
    })
  await press(page, '1 Dropped')
  await shown(1)
  await press(page, '0 Waiting')
  await shown(0)
  await shows(page, '#empty', 'No call is waiting')
  await picture(page, 'filtered')
  await press(page, '4 Calls')
  await shown(4)
})

test('unreachable, then offline: hits wait for the network', async ({ open }) => {
  const { page, collector } = await open()
  await press(page, camille)
  await counted(page, { accepted: 2 })
  await fail(page, 'Unreachable')
  await press(page, 'screen Home')
  await shows(page, newest, 'network error')
  await picture(page, 'unreachable')
  await fail(page, 'Healthy')
  await counted(page, { accepted: 3 })

  const offline = page.getByRole('switch', { name: 'Browser offline' })
  const requests = collector.requests.length
  await offline.check()
  await press(page, 'screen Home')
  await shows(page, newest, 'the browser is offline')
  await picture(page, 'offline')
  expect(collector.requests).toHaveLength(requests)
  await offline.uncheck()
  await counted(page, { accepted: 4 })
})

test('flush() sends what can go, clear() forgets what waits', async ({ open }) => {
  const { page } = await open()
  await press(page, camille)
  await press(page, 'flush()')
  await counted(page, { accepted: 2 })
  await fail(page, '503')
  await press(page, 'screen Home')
  await counted(page, { waiting: 1 })
  await shows(page, '#pending', /^1$/)
  await press(page, 'clear()')
  await counted(page, { waiting: 0, dropped: 1 })
  await shows(page, newest, 'clear\\(\\) called')
  await shows(page, '#pending', /^0$/)
  await picture(page, 'cleared')

  await press(page, 'Clear')
  await counted(page, { calls: 0, accepted: 0, dropped: 0 })
})

// They wait for the plugin's patience, or for 500 requests: together.
describe.concurrent('what takes its time', () => {
  test('429: nothing is sent before the time that was asked for', async ({ open, expect }) => {
    const { page, collector } = await open()
    await press(page, camille)
    await counted(page, { accepted: 2 })
    await fail(page, '429, 10 s')
    await press(page, 'screen Home')
    await shows(page, newest, /asked to slow down, next try in \d+ s/)
    await picture(page, '429')
    await fail(page, 'Healthy')
    await counted(page, { accepted: 3 })
    const [refused, accepted] = collector.requests.slice(-2)
    expect(refused?.status).toBe(429)
    expect((accepted?.at ?? 0) - (refused?.at ?? 0)).toBeGreaterThanOrEqual(10_000)
  })

  test('hanging: the plugin waits 10 s, then tries again', async ({ open }) => {
    const { page } = await open()
    await press(page, camille)
    await counted(page, { accepted: 2 })
    await fail(page, 'Hanging')
    await press(page, 'screen Home')
    await shows(page, newest, /Sending[^]*attempt 1/)
    await picture(page, 'hanging')
    await shows(page, newest, 'no answer within 10 s')
    await picture(page, 'timeout')
    await fail(page, 'Healthy')
    await counted(page, { accepted: 3 })
  })

  test('500 calls: all are accepted and counted, and only what is seen is drawn', async ({
    open,
    expect,
  }) => {
    const { page, collector } = await open()
    await press(page, camille)
    await counted(page, { accepted: 2 })
    await press(page, 'track 500 calls at once')
    await counted(page, { calls: 502 })
    await picture(page, 'burst')
    expect(await page.locator('#rows > li').count()).toBeLessThan(50)
    expect(await page.locator(newest).first().locator('..').getAttribute('aria-setsize')).toBe(
      '502',
    )
    await counted(page, { accepted: 502, waiting: 0, sending: 0 }, 50_000)
    await picture(page, 'burst-accepted')
    expect(featureNames(collector)).toHaveLength(500)
  })

  test('a reload and a second tab: what waits is delivered, and both tabs say so', async ({
    open,
    expect,
  }) => {
    const { page, context } = await open()
    await press(page, camille)
    await counted(page, { accepted: 2 })
    await fail(page, '429, 10 s')
    await press(page, 'screen Home')
    await press(page, 'page Dashboard')
    await counted(page, { waiting: 2 })
    await shows(page, '#pending', /^2$/)

    await Promise.all([page.waitForEvent('load'), press(page, 'Reload')])
    await started(page)
    await counted(page, { calls: 4, accepted: 2, waiting: 2 })
    expect(await page.getByRole('radio', { name: '429, 10 s', exact: true }).isChecked()).toBe(true)
    await picture(page, 'reloaded')

    const [second] = await Promise.all([
      context.waitForEvent('page'),
      page.getByRole('link', { name: 'Second tab' }).click(),
    ])
    await started(second)
    await until(() => second.getByRole('radio', { name: '429, 10 s', exact: true }).isChecked(), {
      message: 'the second tab to know the fault',
    })
    await press(second, 'track Report exported')
    await shows(second, newest, /Waiting\s+track\s+Report exported/)
    await counted(page, { calls: 5, waiting: 3 })
    await shows(page, newest, /Waiting\s+track\s+Report exported/)
    await picture(page, 'second-tab')
    await fail(second, 'Healthy')
    await counted(page, { calls: 5, accepted: 5, waiting: 0 })
    await picture(page, 'after-reload')
  })

  test('slow: a hit is on its way, then accepted', async ({ open }) => {
    const { page, collector } = await open()
    await press(page, camille)
    await counted(page, { accepted: 2 })
    await fail(page, 'Slow, 2 s')
    await shows(page, '#state', 'Collector slow')
    // In 2 s a busy machine may not have looked at it once.
    collector.fault({ kind: 'slow', ms: 7000 })
    await press(page, 'screen Home')
    await shows(page, newest, /Sending[^]*attempt 1/)
    await picture(page, 'slow')
    await counted(page, { accepted: 3 })
  })

  // To renew it: cp .artifacts/demo/readme.png docs/demo.png
  test('the picture of the README', async ({ open }) => {
    const { page, collector } = await open('', { viewport: { width: 1280, height: 900 } })
    const rejections = (count: number) =>
      until(() => collector.requests.filter(({ status }) => status === 503).length >= count, {
        message: `${count} rejections`,
        deadlineMs: 40_000,
      })
    await press(page, camille)
    await press(page, 'page Dashboard')
    await press(page, 'track Report exported')
    await counted(page, { accepted: 4 })
    await fail(page, '503')
    await press(page, 'track Teammate invited')
    await rejections(3)
    await fail(page, 'Healthy')
    await counted(page, { accepted: 5 })
    await press(page, 'Jonas Weber Alto Clinic')
    await counted(page, { accepted: 7 })
    await fail(page, '503')
    await press(page, 'track Report exported')
    await press(page, 'screen Home')
    // A row that moves under the mouse hears no click.
    await shows(page, newest, /Home/)
    await page.locator('#rows .row', { hasText: /after \d attempts/ }).click()
    await rejections(6)
    await shows(page, newest, /next try in \d s/)
    await press(page, 'Back to top')
    await picture(page, 'readme')
  })
})

/** The rows of an opened hit's table: field, value, source. */
const fieldsOf = (page: Page) =>
  page
    .getByRole('table', { name: 'Fields of the hit' })
    .getByRole('row')
    .evaluateAll((rows) =>
      rows.map((row) =>
        [...row.querySelectorAll('tbody :is(th, td)')].map((cell) => cell.textContent),
      ),
    )

test('a row opens to the hit, and its curl line is accepted', async ({ open }) => {
  const { page, collector } = await open('', {
    permissions: ['clipboard-read', 'clipboard-write'],
  })
  await press(page, camille)
  await page.getByText('A call of your own').click()
  await page.getByLabel('Event', { exact: true }).fill(`It's "done"'; touch x; '`)
  await press(page, 'Make this call')
  await counted(page, { accepted: 3 })

  await page.locator(newest).first().click()
  // The collector may have shown the hit before the page tells of its call.
  const fields = await until(
    async () => {
      const all = await fieldsOf(page)
      return all.find(([name, , source]) => name === 'customer_id' && source) && all
    },
    { message: 'where the customer came from' },
  )
  expect(Object.fromEntries(fields.slice(1).map(([name, value]) => [name, value]))).toEqual(
    collector.requests.at(-1)?.hit,
  )
  expect(fields).toContainEqual([
    'customer_id',
    'halden-bikes',
    '← another call of this person, or setting customerId',
  ])
  expect(fields).toContainEqual([
    'identity',
    '{"id":"u-1042","email":"camille@halden.example"}',
    'id ← user id, email ← said by another call of this person',
  ])
  await picture(page, 'opened')

  await press(page, 'Copy as curl')
  await until(() => page.getByRole('button', { name: 'Copied' }).count(), { message: 'the copy' })
  const line = await page.evaluate(() => navigator.clipboard.readText())
  expect(line).toBe(await page.getByLabel('Request', { exact: true }).innerText())
  const folder = mkdtempSync(join(tmpdir(), 'curl-'))
  await run('/bin/sh', ['-c', line], { cwd: folder })
  expect(readdirSync(folder)).toEqual([])
  const [sent, pasted] = collector.requests.slice(-2)
  expect(pasted).toMatchObject({ accepted: true, hit: sent?.hit, body: sent?.body })
  await until(async () => (await page.getByText('Collector takes it: 200').count()) === 2, {
    message: 'the row to show the second request',
  })
  expect(await page.locator(newest).first().getAttribute('aria-expanded')).toBe('true')
})

test('a hit that is open already shows its call as soon as that is told', async ({ open }) => {
  const { page, collector } = await open()
  const { origin } = new URL(collector.endpoint)
  const made = new URLSearchParams(
    hit('m1', { action: 'ui', identity: '{"id":"u-1"}' }, 'identify'),
  )
  made.delete('event')
  await fetch(collector.endpoint, { method: 'POST', body: made })
  await counted(page, { accepted: 1 })
  const row = page.locator(newest)
  await row.click()
  const heading = page.getByRole('heading', { name: /^Hit: who it is/ })
  expect(await heading.innerText()).toBe('Hit: who it is')

  const told = { kind: 'call', ...call('m1', { event: 'Import', userId: 'u-1' }) }
  await fetch(`${origin}/inspect`, { method: 'POST', body: JSON.stringify([told]) })
  await until(async () => (await heading.innerText()).includes('made first'), {
    message: 'the call',
  })
  expect(await row.getAttribute('aria-expanded')).toBe('true')
  expect(await fieldsOf(page)).toContainEqual(['identity', '{"id":"u-1"}', 'id ← user id'])
})

test('where copying is not allowed, the curl line is selected', async ({ open }) => {
  const { page } = await open('', { permissions: [] })
  await page.evaluate(() => {
    Object.defineProperty(navigator, 'clipboard', { value: undefined })
  })
  await press(page, camille)
  await counted(page, { accepted: 2 })
  await page.locator(newest).first().click()
  await press(page, 'Copy as curl')
  await until(() => page.getByRole('button', { name: 'Selected' }).count(), { message: 'a word' })
  expect(await page.evaluate(() => String(getSelection()))).toMatch(/^curl --data-raw 'rec=1&/)
})

test('a screen reader hears where the counters have come to rest', async ({ open }) => {
  const { page } = await open()
  await press(page, camille)
  await until(
    async () => (await page.locator('#spoken').textContent())?.startsWith('2 calls: ') ?? false,
    { message: 'the counters to be spoken' },
  )
})

test('all of it by keyboard', async ({ open }) => {
  const { page } = await open()
  const focused = () => page.evaluate(() => document.activeElement?.textContent.trim() ?? '')
  const tabTo = async (name: string) => {
    for (let step = 0; step < 60; step += 1) {
      await page.keyboard.press('Tab')
      if ((await focused()).startsWith(name)) return
    }
    throw new Error(`Tab never came to ${name}`)
  }

  await page.keyboard.press('Tab')
  expect(await focused()).toBe('Skip to the inspector')
  await tabTo('Camille Roux')
  await page.keyboard.press('Enter')
  await counted(page, { accepted: 2 })
  await tabTo('screen')
  await page.keyboard.press('Space')
  await counted(page, { accepted: 3 })
  await page.getByRole('radio', { name: 'Healthy' }).focus()
  for (const name of ['Slow, 2 s', '503']) {
    await page.keyboard.press('ArrowDown')
    expect(await page.getByRole('radio', { name }).isChecked()).toBe(true)
  }
  await shows(page, '#state', 'Collector answers 503')
  await page.getByRole('switch', { name: 'Browser offline' }).focus()
  await page.keyboard.press('Space')
  expect(await page.getByRole('switch', { name: 'Browser offline' }).isChecked()).toBe(true)

  await page.locator('.skip').focus()
  await page.keyboard.press('Enter')
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('inspector')
  await tabTo('Clear')
  for (let select = 0; select < 4; select += 1) await page.keyboard.press('Tab')
  await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  expect(await page.locator(newest).first().getAttribute('aria-expanded')).toBe('true')
  await page.keyboard.press('Tab')
  expect(await focused()).toBe('Copy as curl')
  await page.locator(newest).first().focus()
  await page.keyboard.press('Enter')
  for (const [key, expected] of [
    ['ArrowDown', 'u-1042'],
    ['End', 'u-1042'],
    ['Home', 'Home'],
  ] as const) {
    await page.keyboard.press(key)
    expect(await focused()).toContain(expected)
  }
  await picture(page, 'keyboard')
})

test('nothing moves but the rows, from the first moment on', async ({ open }) => {
  const { page, context } = await open()
  await context.addInitScript(() => {
    const moved: string[] = []
    Object.assign(window, { moved })
    type Shift = PerformanceEntry & { sources: { node: Node | null }[] }
    new PerformanceObserver((list) => {
      for (const { sources } of list.getEntries() as Shift[]) {
        for (const { node } of sources) {
          const element = node instanceof Element ? node : node?.parentElement
          if (element && !element.closest('#rows')) moved.push(element.outerHTML.slice(0, 200))
        }
      }
    }).observe({ type: 'layout-shift', buffered: true })
  })
  await page.reload()
  await started(page)
  await press(page, camille)
  await counted(page, { accepted: 2 })
  for (const name of ['Slow, 2 s', '429, 10 s', 'Hanging', 'Unreachable', 'Refuses', '503']) {
    await fail(page, name)
  }
  await press(page, 'screen Home')
  await counted(page, { waiting: 1 })
  await press(page, '1 Waiting')
  await fail(page, 'Healthy')
  await counted(page, { accepted: 3 })
  await shows(page, '#empty', 'No call is waiting')
  await press(page, '3 Calls')
  await press(page, 'Jonas Weber Alto Clinic')
  await counted(page, { accepted: 5 })
  await press(page, 'Nobody reset()')
  await press(page, 'Clear')
  await counted(page, { calls: 0 })
  expect(await page.evaluate('moved')).toEqual([])
})

test('an open row stays where it is when calls come in above it', async ({ open }) => {
  const { page } = await open()
  await press(page, camille)
  await counted(page, { accepted: 2 })
  const title = page.locator('#rows .row', { hasText: 'identify' })
  await title.click()
  const before = await title.boundingBox()
  const list = await page.locator('#scroller').boundingBox()
  for (let time = 0; time < 3; time += 1) await press(page, 'screen Home')
  await counted(page, { accepted: 5 })
  expect(await title.boundingBox()).toEqual(before)
  expect(await page.locator('#scroller').boundingBox()).toEqual(list)
  await press(page, 'Back to top')
  await until(() => page.locator('#scroller').evaluate(({ scrollTop }) => scrollTop === 0), {
    message: 'the newest row',
  })
})

test('Tab reaches a row that can be seen, wherever the reader has scrolled', async ({ open }) => {
  const { page } = await open()
  await press(page, camille)
  for (let time = 0; time < 40; time += 1) await press(page, 'screen Home')
  await counted(page, { accepted: 42 })
  const scroller = page.locator('#scroller')
  const reached = page.locator('#rows .row[tabindex="0"]')
  const inSight = async () => {
    const [list, row] = [await scroller.boundingBox(), await reached.boundingBox()]
    return (
      list !== null && row !== null && row.y >= list.y - row.height && row.y < list.y + list.height
    )
  }
  expect(await inSight()).toBe(true)
  await scroller.evaluate((element) => element.scrollTo(0, element.scrollHeight))
  await until(inSight, { message: 'a row for Tab' })
})

describe('an endpoint from the address', () => {
  const foreign = 'https://collect.example/hit'
  const at = (endpoint: string) => `?${new URLSearchParams({ endpoint })}`

  const requestsTo = (context: BrowserContext, endpoint: string) => {
    const sent: string[] = []
    context.on('request', (request) => {
      if (request.url() === endpoint) sent.push(request.url())
    })
    return sent
  }

  test('somebody else’s is asked for, and a no stays here', async ({ open }) => {
    const { page, context } = await open(at(foreign))
    const sent = requestsTo(context, foreign)
    expect(await page.getByRole('dialog').innerText()).toContain(foreign)
    expect(await violations(page)).toEqual([])
    await picture(page, 'asks-first')
    await page.keyboard.press('Enter')
    await page.waitForURL((url) => !url.searchParams.has('endpoint'))
    await started(page)
    await press(page, camille)
    await counted(page, { accepted: 2 })
    expect(sent).toEqual([])
  })

  test('with a yes it is used', async ({ open }) => {
    const { page, context, collector, complaints } = await open(at(foreign))
    const sent = requestsTo(context, foreign)
    await press(page, 'Send there')
    await started(page)
    await press(page, camille)
    await until(() => sent.length, { message: 'a request' })
    expect(collector.requests).toEqual([])
    // It resolves to nothing here, which is no complaint.
    complaints.length = 0
  })

  test('one on this machine is not asked for', async ({ open }) => {
    const collector = await createCollector()
    onTestFinished(collector.close)
    const { page } = await open(at(collector.endpoint))
    await press(page, camille)
    await counted(page, { accepted: 2 })
    expect(await collector.hits({ count: 2 }, patienceMs)).toHaveLength(2)
    expect(await page.getByRole('radio', { name: '503' }).isDisabled()).toBe(true)
    await shows(page, '#state', `Sends to ${new URL(collector.origin).host}`)
  })

  test('Skalin’s own is not asked for', async ({ open }) => {
    const { page } = await open(at('https://collect.skalin.io/hit'))
    expect(await page.getByRole('dialog').isVisible()).toBe(false)
    await shows(page, '#state', 'Sends to collect.skalin.io')
  })

  test('what is no address is not used, and the page says so', async ({ open }) => {
    const { page } = await open(at('nonsense'))
    expect(await page.getByRole('alert').innerText()).toContain('local collector')
  })
})

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

async function violations(page: Page) {
  await page.evaluate(axe)
  const { violations: found } = await page.evaluate<AxeResults>('axe.run()')
  return found.map(({ id, nodes }) => [
    id,
    nodes.map(({ html, failureSummary }) => [html, failureSummary]),
  ])
}

describe.for([
  ['light', 1280],
  ['dark', 375],
] as const)('%s, %i pixels wide, the features', ([colorScheme, width]) => {
  test('are counted and marked, and paths can be tried', async ({ open }) => {
    const { page } = await open('', { colorScheme, viewport: { width, height: 800 } })
    await press(page, camille)
    await page.getByText('A call of your own').click()
    for (const event of ['Import', 'Viewed invoice 4711', 'Import']) {
      await page.getByLabel('Event', { exact: true }).fill(event)
      await press(page, 'Make this call')
    }
    await counted(page, { accepted: 5 })
    await page.getByText('Features', { exact: true }).click()
    await shows(page, '#feature-says', '2 features, of which 1 has an identifier')
    await shows(
      page,
      '#feature-list',
      /2\s+Import\s+1\s+Viewed invoice 4711\s+.*Viewed invoice :id/,
    )

    await page.getByLabel('Paths, one a line').fill('/users/jane%40example.com\n/blog/hello')
    await page.getByLabel('The setting paths').fill('/blog/[slug]\n/a(')
    expect(await page.locator('#path-names code').allInnerTexts()).toEqual([
      '/users/jane%40example.com',
      '/users/:id',
      '/blog/hello',
      '/blog/:slug',
    ])
    await shows(page, '#path-says', 'No route pattern: /a\\(')
    expect(await violations(page)).toEqual([])
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width)
    await picture(page, `features-${colorScheme}-${width}`)
  })
})

describe.for([
  ['light', 1280],
  ['dark', 1280],
  ['light', 375],
  ['dark', 375],
  ['light', 320],
] as const)('%s, %i pixels wide', ([colorScheme, width]) => {
  test('axe-core finds nothing, and nothing sticks out', async ({ open }) => {
    const { page } = await open('?consent=on', { colorScheme, viewport: { width, height: 800 } })
    await press(page, 'screen Home')
    await press(page, 'Yes')
    await press(page, camille)
    await counted(page, { accepted: 2 })
    await page.getByLabel('Feature to refuse').fill('Home')
    await fail(page, 'Refuses')
    await press(page, 'screen Home')
    await counted(page, { dropped: 1 })
    await fail(page, '503')
    await press(page, 'page Dashboard')
    await counted(page, { waiting: 1 })
    await page.getByText('A call of your own').click()
    await page.locator(newest).first().click()

    expect(await violations(page)).toEqual([])
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width)
    await picture(page, `${colorScheme}-${width}`)
    await page.evaluate(() => scrollTo(0, 0))
    await picture(page, `${colorScheme}-${width}-top`)
  })
})

describe('the server', () => {
  let demo: Demo
  beforeAll(async () => {
    demo = await startDemo({ port: 0 })
  })
  afterAll(() => demo.close())

  // Paths and hosts as they are: fetch would tidy them.
  const answer = async (...args: string[]) =>
    (await run('curl', ['-si', '--path-as-is', ...args])).stdout

  test('is for this machine’s own name only', async () => {
    const { port } = new URL(demo.origin)
    const redirected = await fetch(`http://localhost:${port}/?build=script`, { redirect: 'manual' })
    expect(redirected.headers.get('location')).toBe(`${demo.origin}/?build=script`)
    expect(await answer('-H', 'Host: evil.example', demo.origin)).toMatch(/^HTTP\/1.1 421/)
  })

  test.for(['/', '/index.html', '/?writeKey=1', '/index.html?endpoint=https://a.example'])(
    'gives no page without its policy: %s',
    async (path) => {
      expect(await answer(demo.origin + path)).toMatch(
        /^Content-Security-Policy: default-src 'none'/m,
      )
    },
  )

  test.for(['https://a;sandbox', 'https://a,sandbox', "https://a'self'", 'http://a b'])(
    'adds to its policy no more than an origin: %s',
    async (endpoint) => {
      const policy = async (query: object) => {
        const { headers } = await fetch(`${demo.origin}/?${new URLSearchParams({ ...query })}`)
        return headers.get('content-security-policy')
      }
      expect(await policy({ endpoint })).toBe(await policy({}))
      expect(await policy({ endpoint: 'https://[::1]:8443/hit' })).toContain(' https://[::1]:8443')
    },
  )

  test('is itself on the port that browsers leave out, too', async ({ skip }) => {
    // Where that port is for administrators only, or somebody else's, the collector's tests must do.
    const onPort80 = await startDemo({ port: 80 }).catch(() => undefined)
    if (!onPort80) return skip()
    onTestFinished(onPort80.close)
    expect(onPort80.origin).toBe('http://127.0.0.1')
    expect((await fetch(onPort80.origin)).status).toBe(200)
    expect((await fetch('http://localhost/')).url).toBe('http://127.0.0.1/')
  })

  test('only gives', async () => {
    expect(await answer('-X', 'POST', demo.origin)).toMatch(/^HTTP\/1.1 405/)
  })

  test.for(['/../package.json', '/assets/../../server.mjs', '/%2e%2e/server.mjs'])(
    'gives nothing from outside its folders: %s',
    async (path) => {
      expect(await answer(demo.origin + path)).toMatch(/^HTTP\/1.1 404/)
    },
  )
})

describe('npm start', () => {
  const options = (PORT: string) => ({ cwd: root, env: { ...process.env, PORT } })
  const script = ['scripts/start.mjs']
  const start = (port: string) =>
    spawnSync(process.execPath, script, { ...options(port), encoding: 'utf8' })

  /** Listens on a port; undefined where it is taken. */
  const take = (port: number) =>
    new Promise<Server | undefined>((resolve) => {
      const server = createServer()
      server.once('error', () => resolve(undefined))
      server.listen(port, '127.0.0.1', () => resolve(server))
    })
  /** Two neighbours that are free, where systems take none for connections that go out. */
  async function twoPorts(): Promise<[number, number]> {
    for (let port = 20_000 + (process.pid % 5000); port < 30_000; port += 2) {
      const servers = [await take(port), await take(port + 1)]
      for (const server of servers) server?.close()
      if (servers.every(Boolean)) return [port, port + 1]
    }
    throw new Error('No two ports are free')
  }

  test('builds, says where the demo is, and ends when told to', async () => {
    const [port] = await twoPorts()
    const origin = `http://127.0.0.1:${port}`
    const child = spawn(process.execPath, script, options(String(port)))
    onTestFinished(() => void child.kill('SIGKILL'))
    let said = ''
    child.stdout.on('data', (chunk) => (said += String(chunk)))
    child.stderr.on('data', (chunk) => (said += String(chunk)))
    await until(() => said.includes('Ctrl+C'), { message: 'the address', deadlineMs: 100_000 })
    expect(said).toBe(`Building.\nThe demo is at ${origin}, end it with Ctrl+C.\n`)
    expect((await fetch(origin)).status).toBe(200)
    const collector = await fetch(`http://127.0.0.1:${port + 1}/`)
    expect(await collector.text()).toContain('POST hits to')
    child.kill('SIGINT')
    expect(await once(child, 'exit')).toEqual([0, null])
  })

  test('a taken port is one sentence', async () => {
    const [below, port] = await twoPorts()
    const squatter = await take(port)
    onTestFinished(() => void squatter?.close())
    expect(start(String(port))).toMatchObject({
      status: 1,
      stdout: '',
      stderr: `Port ${port}, for the demo, is taken: stop what uses it, or choose another with \`PORT\`.\n`,
    })
    expect(start(String(below)).stderr).toMatch(/for the collector, is taken/)
  })

  test.for(['abc', '0', '65535', '80.5'])('PORT=%s is one sentence', (port) => {
    expect(start(port)).toMatchObject({
      status: 1,
      stdout: '',
      stderr: `\`PORT\` must be a number from 1 to 65534 (received: "${port}").\n`,
    })
  })
})
