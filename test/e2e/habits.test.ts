import { readFile } from 'node:fs/promises'
import { build } from 'esbuild'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Habit, habits } from '../fixtures/habits.ts'
import { type TestBrowser, launchBrowser } from '../support/browser.ts'
import { patienceMs, until } from '../support/deadline.ts'
import { type Build, builds, errorsOf } from '../support/rig.ts'
import { type Site, createSite } from '../support/site.ts'
import { type Collector, createCollector } from '../../src/testing/index.ts'

// What docs/compatibility.md says of libraries and habits of pages: each page is compared with a
// clean one.

let chromium: TestBrowser
let site: Site

const javascript = { 'content-type': 'text/javascript; charset=utf-8' }

beforeAll(async () => {
  chromium = await launchBrowser()
  site = await createSite()
  const files = new Set(habits.flatMap((habit) => habit.files ?? []))
  for (const file of files) site.page(`/foreign/${file}`, await foreign(file), javascript)
})
afterAll(async () => {
  await chromium.close()
  await site.close()
})

/** A file of a package, or all of the package as one global. */
async function foreign(file: string): Promise<string> {
  if (file.endsWith('.js')) return readFile(`node_modules/${file}`, 'utf8')
  const { outputFiles } = await build({
    entryPoints: [file],
    bundle: true,
    format: 'iife',
    globalName: 'Sentry',
    write: false,
  })
  return outputFiles[0]?.text ?? ''
}

/**
 * What the page does: some calls of a visitor who becomes known, at a fixed time and under fixed ids.
 * Not before the page has loaded: an `async` tag may come after Segment is ready, and misses what was
 * called before.
 */
const calls = `addEventListener('load', function () { analytics.ready(function () {
  const options = (messageId) => ({ messageId, timestamp: '2026-11-24T12:04:05.000Z' })
  if (!/again/.test(location.hash)) {
    analytics.setAnonymousId('browser-1')
    analytics.track('Before', {}, options('message-1'))
    analytics.identify('alice', { email: 'alice@example.com', plan: 'pro' }, options('message-2'))
    analytics.group('acme', {}, options('message-3'))
    analytics.track('Used', { list: ['a', 'b'] }, options('message-4'))
    analytics.page('Docs', 'Home', {}, options('message-5'))
  }
  window.call = (name, messageId) => { analytics.track(name, {}, options(messageId)) }
}) })`

/** Without Segment's own destination, whose queue some of these pages spoil. */
const loadOptions = { integrations: { 'Segment.io': false } }

function pageOf(which: Build, habit: Habit | undefined, collector: Collector): string {
  const { before = '', files = [], script = '' } = habit ?? {}
  const head = [
    `<script>window.told = []; ${before}</script>`,
    ...files.map((file) => `<script src="/foreign/${file}"></script>`),
    `<script>${script}</script>`,
  ].join('\n')
  const { endpoint } = collector
  const page =
    which === 'npm'
      ? site.npmPage({
          settings: `{ clientId: 'test-client', endpoint: '${endpoint}', traits: ['plan'],
            onDelivery: (report) => window.told.push(report) }`,
          loadOptions: JSON.stringify(loadOptions),
          body: `<script type="module">${calls}</script>`,
        })
      : site.scriptPage({
          attributes: {
            'data-client-id': 'test-client',
            'data-endpoint': endpoint,
            'data-traits': 'plan',
          },
          snippetOptions: { page: false, load: loadOptions },
          body: `<script>${calls}</script>`,
        })
  return page.replace('<!doctype html>', `<!doctype html>${head}`)
}

type Hits = Record<string, string | undefined>[]

/** What the collector got of the first page and of the one after it, and what the pages' visitor saw. */
type Seen = { first: Hits; again: Hits; errors: string[] }

/** Every report so far: its outcome and the id of its hit. */
const told = (page: Page) =>
  page.evaluate<[outcome: string, id: string | undefined][]>(
    'told.map(({ outcome, hit }) => [outcome, hit && hit.event_id])',
  )

/** What becomes of the calls on a page of a build, and on another one after it. */
async function visit(which: Build, habit?: Habit): Promise<Seen> {
  const collector = await createCollector()
  const context = await chromium.browser.newContext()
  try {
    return await see(which, habit, await context.newPage(), collector)
  } finally {
    await context.close()
    await collector.close()
  }
}

async function see(
  which: Build,
  habit: Habit | undefined,
  page: Page,
  collector: Collector,
): Promise<Seen> {
  const errors = errorsOf(page)
  const address = site.page(
    `/habits/${which}/${habit ? habits.indexOf(habit) : 'clean'}`,
    pageOf(which, habit, collector),
  )
  const accepted = async () =>
    (await told(page)).flatMap(([outcome, id]) => (outcome === 'accepted' ? [id] : []))
  const call = async (name: string, id: string) => {
    await page.waitForFunction('window.call')
    await page.evaluate(`window.call('${name}', '${id}')`)
  }

  let answered = 0
  page.on('requestfinished', (request) => {
    if (request.url() === collector.endpoint) answered += 1
  })

  if (habit?.hangs) await page.clock.install()
  await page.goto(address)
  if (habit?.result === 'waits') {
    await page.waitForFunction('window.met && window.call')
    if (habit.hangs) await page.clock.fastForward(11_000)
    if (which === 'npm')
      await until(async () => (await told(page)).some(([outcome]) => outcome === 'waiting'), {
        message: 'a hit that waits',
      })
    expect(collector.requests).toEqual([])
    if (which === 'npm') expect(await accepted()).toEqual([])
    await page.evaluate(
      'sessionStorage.lifted = 1; if (window.lift) lift(); dispatchEvent(new Event("online"))',
    )
    // In steps that leave the collector time to answer.
    const goOn = async () => {
      await page.clock.fastForward(500)
      return collector.requests.length >= 5
    }
    if (habit.hangs) await until(goOn, { message: 'the hits that hung' })
  }
  await collector.hits({ count: 5 }, patienceMs)
  await call('Later', 'message-6')
  await collector.hits({ count: 6 }, patienceMs)
  if (which === 'npm') {
    await until(async () => (await accepted()).length >= 6, { message: 'the reports' })
    const logged = collector.requests.filter((request) => request.accepted)
    expect((await accepted()).sort()).toEqual(logged.map(({ hit }) => hit.event_id).sort())
  }
  if (habit?.result !== 'alone') {
    // A page that goes before it has its answers leaves their hits to the next one.
    await until(() => answered >= 6, { message: 'the answers' })
    await page.goto('about:blank')
    await page.goto(`${address}#again`)
    await call('Again', 'message-7')
    await collector.hits({ count: 7 }, patienceMs)
  }

  const visits = [...new Set(collector.requests.map(({ hit }) => hit.visit_id))]
  const hits = collector.requests.map(({ hit }) => ({
    ...hit,
    // Only their like counts: they are random.
    visit_id: hit.visit_id?.replace(/^[\da-f]{16}$/, `visit ${visits.indexOf(hit.visit_id)}`),
    url: hit.url?.replace(/[^/]+$/, ''),
  }))
  const byId = (a: Hits[0], b: Hits[0]) => ((a.event_id ?? '') < (b.event_id ?? '') ? -1 : 1)
  return { first: hits.slice(0, 6).sort(byId), again: hits.slice(6), errors }
}

/** Two seeds in a row meet each habit with both builds: `npm run soak` does. */
const seed = Number(process.env.SEED ?? 1)
const habitsOf = (which: Build) =>
  habits.filter((_, index) => (index + builds.indexOf(which) + seed) % 2 === 0)

describe.concurrent.each(builds)('the %s build', (which) => {
  let clean: Seen

  beforeAll(async () => {
    clean = await visit(which)
  })

  test('a clean page has all hits once, in one visit', ({ expect }) => {
    const hits = [...clean.first, ...clean.again]
    const names = hits.map(
      ({ action, event }) => (JSON.parse(event ?? '{}') as { name?: string }).name ?? action,
    )
    expect(names.sort()).toEqual(['Again', 'Before', 'Docs Home', 'Later', 'Used', 'ui', 'ui'])
    expect(new Set(hits.map(({ visit_id }) => visit_id))).toEqual(new Set(['visit 0']))
    expect(clean.errors).toEqual([])
  })

  test.for(habitsOf(which))('$name', async (habit, { expect }) => {
    const seen = (hits: Hits) =>
      habit.result === 'nameless' ? hits.map((hit) => ({ ...hit, url: undefined })) : hits
    const again = habit.result === 'alone' ? [] : seen(clean.again)
    expect(await visit(which, habit)).toEqual({ errors: [], first: seen(clean.first), again })
  })
})

describe('a service worker that answers what has failed', () => {
  const answers = [
    ['with a page of its own', "new Response('You are offline')"],
    ['from its cache', "fetch('/offline')"],
    ['with an error of its own', "new Response('', { status: 500 })"],
  ] as const

  test.each(answers)('%s is not taken for the collector', async (_, answer) => {
    const worker = `
      addEventListener('install', () => skipWaiting())
      addEventListener('activate', (event) => event.waitUntil(clients.claim()))
      addEventListener('fetch', (event) => event.respondWith(fetch(event.request).catch(() => ${answer})))`
    site.page('/worker.js', worker, javascript)
    site.page('/offline', 'You are offline')
    const collector = await createCollector()
    const context = await chromium.browser.newContext()
    const page = await context.newPage()
    const errors = errorsOf(page)
    try {
      await page.goto(site.page('/controlled', ''))
      await page.evaluate(async () => {
        const { serviceWorker } = navigator
        await serviceWorker.register('/worker.js')
        if (!serviceWorker.controller)
          await new Promise((resolve) =>
            serviceWorker.addEventListener('controllerchange', resolve),
          )
      })
      await collector.down()
      await page.goto(site.page('/controlled/app', pageOf('npm', undefined, collector)))
      await until(async () => (await told(page)).some(([outcome]) => outcome === 'waiting'), {
        message: 'a hit that waits',
      })
      expect((await told(page)).map(([outcome]) => outcome)).not.toContain('accepted')
      await collector.up()
      await page.evaluate('dispatchEvent(new Event("online"))')
      await collector.hits({ count: 5 }, patienceMs)
      expect(errors).toEqual([])
    } finally {
      await context.close()
      await collector.close()
    }
  })
})
