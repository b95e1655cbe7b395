import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { AxeResults } from 'axe-core'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { type TestBrowser, launchBrowser } from '../support/browser.ts'
import { until } from '../support/deadline.ts'
import { type Site, createSite } from '../support/site.ts'
import { featureHit } from '../testing/support.ts'
import { type Workplace, createWorkplace, filesIn, read, root, run } from './install.ts'

const pictures = join(root, '.artifacts/inspector')

let workplace: Workplace
/** An application with the package as a user has it. */
let app: string
let chromium: TestBrowser

beforeAll(async () => {
  mkdirSync(pictures, { recursive: true })
  workplace = await createWorkplace()
  const packages = ['@segment/analytics-next', 'react', 'react-dom', 'vite']
  app = await workplace.app('react', packages, join(root, 'test/fixtures/apps/react'))
  chromium = await launchBrowser()
})
afterAll(async () => {
  await chromium.close()
  await workplace.close()
})

/** Starts a program of the application; resolves to it and the first line that `says` so. */
async function start(
  file: string,
  args: string[],
  says: RegExp,
  env: Record<string, string> = {},
): Promise<[ChildProcess, string]> {
  const child = spawn(process.execPath, [file, ...args], {
    cwd: app,
    env: { ...process.env, ...env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const gone = once(child, 'exit')
  onTestFinished(async () => {
    if (child.exitCode === null) child.kill()
    await gone
  })
  const found = await new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [, match] = says.exec(line) ?? []
      if (match !== undefined) resolve(match)
    })
  })
  return [child, found]
}

type Inspection = {
  collector: ChildProcess
  endpoint: string
  page: Page
  context: BrowserContext
  complaints: string[]
}

const startCollector = (port: string) => {
  const cli = join('node_modules', packageJson.name, packageJson.bin['skalin-analytics-plugin'])
  return start(cli, ['collector', '--port', port], /live at (http\S+)/)
}

/** `npx skalin-analytics-plugin collector`, and its inspector in a browser. */
async function inspect(options = {}): Promise<Inspection> {
  const [collector, address] = await startCollector('0')
  const context = await chromium.browser.newContext({
    viewport: { width: 1280, height: 800 },
    permissions: ['clipboard-read', 'clipboard-write'],
    ...options,
  })
  onTestFinished(() => context.close())
  const complaints: string[] = []
  context.on('weberror', (error) => complaints.push(String(error.error())))
  const page = await context.newPage()
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  await page.goto(address)
  await says(page, '#state', 'Collector healthy')
  const endpoint = `${address.replace('localhost', '127.0.0.1')}hit`
  return { collector, endpoint, page, context, complaints }
}

const says = (page: Page, selector: string, text: RegExp | string, deadlineMs = 15_000) =>
  until(async () => RegExp(text).test(await page.locator(selector).first().innerText()), {
    message: `${selector} to say ${String(text)}`,
    deadlineMs,
  })

const row = '#rows .row'
const press = (page: Page, name: string) =>
  page.getByRole('button', { name, exact: true }).first().click()
const fail = (page: Page, name: string) =>
  page.getByRole('radio', { name, exact: true }).check({ force: true })

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

async function violations(page: Page) {
  // Its own policy lets no other script in.
  const session = await page.context().newCDPSession(page)
  await session.send('Runtime.evaluate', { expression: axe })
  const { result } = await session.send('Runtime.evaluate', {
    expression: 'axe.run().then((results) => JSON.stringify(results))',
    awaitPromise: true,
  })
  const { violations: found } = JSON.parse(String(result.value)) as AxeResults
  return found.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])
}

/** What both applications have to show in the inspector. */
async function showAll(shop: Page, { page, complaints }: Inspection, name: string): Promise<void> {
  await press(shop, 'Log in')
  await says(page, row, /Accepted\s+identify\s+alice\s+alice\s+acme/)
  await press(shop, 'Rename')
  await says(page, row, /Skipped\s+alias[^]*Skalin knows no such call/)
  await press(shop, 'Order')
  await says(page, row, /Accepted\s+track\s+Ordered 1\s+alice\s+acme/)

  await fail(page, '503')
  await says(page, '#state', 'Collector answers 503')
  await press(shop, 'Order')
  await says(page, row, /Waiting\s+track\s+Ordered 2[^]*next try in \d+ s/)
  await page.screenshot({ path: join(pictures, `${name}-503.png`) })
  await fail(page, 'Healthy')
  await says(page, row, /Accepted\s+track\s+Ordered 2[^]*after \d+ attempts/)

  await page.locator(row).first().click()
  await page.screenshot({ path: join(pictures, `${name}-open.png`) })
  expect(await violations(page)).toEqual([])
  await press(page, 'Copy as test')
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(
    `await collector.hits({ where: (hit) => hit.action === 'ev' && hit.event === '{"name":"Ordered 2","event_name":"feature"}' && hit.identity === '{"id":"alice"}' && hit.customer_id === 'acme' })`,
  )
  expect(complaints).toEqual([])
}

test('an application of Vite and React shows its hits, skipped calls and recovery', async () => {
  const inspection = await inspect()
  const [, address] = await start(
    join(root, 'node_modules/vite/bin/vite.js'),
    ['--port', '0', '--host', '127.0.0.1'],
    /Local:\s+(http\S+)/,
    { VITE_ENDPOINT: inspection.endpoint },
  )
  const shop = await inspection.context.newPage()
  await shop.goto(address)
  await shop.getByRole('button', { name: 'Log in' }).waitFor()
  await inspection.page.bringToFront()
  await showAll(shop, inspection, 'react')
})

test('a plain page with the script tag shows its own, too', async () => {
  const inspection = await inspect()
  const site: Site = await createSite()
  onTestFinished(site.close)
  const script = await read(app, 'node_modules', packageJson.name, 'dist/skalin.min.js')
  site.page('/packed.js', script, { 'content-type': 'text/javascript' })
  const { origin } = new URL(inspection.endpoint)
  const body = `
<button onclick="analytics.identify('alice', { groupId: 'acme' })">Log in</button>
<button onclick="analytics.track('Ordered ' + (window.orders = (window.orders ?? 0) + 1))">Order</button>
<button onclick="analytics.alias('bob')">Rename</button>
<script type="module">
  import { inspect } from '${origin}/inspect.js'
  const settings = { clientId: 'plain-page', endpoint: '${inspection.endpoint}' }
  analytics.register(skalinPlugin(inspect(settings, { analytics })))
</script>`
  const attributes = { async: false, src: '/packed.js' }
  const page = site.scriptPage({ attributes, snippetOptions: { page: false }, body })
  const shop = await inspection.context.newPage()
  await shop.goto(site.page('/', page))
  await inspection.page.bringToFront()
  await showAll(shop, inspection, 'plain')
})

test('what is built for production has nothing of it', async () => {
  await run(app, ['vite/bin/vite.js', 'build', '--logLevel=warn'], {
    VITE_ENDPOINT: 'https://a.example/hit',
  })
  const scripts = (await filesIn(join(app, 'dist'))).filter((file) => file.endsWith('.js'))
  expect(scripts).not.toEqual([])
  for (const file of scripts) expect(await read(app, 'dist', file)).not.toContain('127.0.0.1:4747')
})

describe('the inspector', () => {
  const send = (endpoint: string, hit: Record<string, string>) =>
    fetch(endpoint, { method: 'POST', body: new URLSearchParams(hit) })
  const numbered = (index: number, more: Record<string, string> = {}) =>
    featureHit({
      event_id: String(index).padStart(16, '0'),
      identity: `{"id":"user-${index % 3}"}`,
      ...more,
    })

  test('says why a request was refused, and marks what came twice', async () => {
    const { endpoint, page } = await inspect()
    await send(endpoint, numbered(1))
    await says(page, row, /Accepted\s+ev\s+Import\s+user-1/)
    await send(endpoint, numbered(1))
    await says(page, row, 'duplicate: taken 2 times')
    await send(endpoint, numbered(2, { rec: '2' }))
    await says(page, row, /Refused\s+ev\s+Import[^]*`rec` must be `1`/)
    await fetch(endpoint, { method: 'OPTIONS' })
    await says(page, row, /Refused\s+request\s+OPTIONS \/hit[^]*A preflight came/)
    await page.screenshot({ path: join(pictures, 'refused.png') })
  })

  test('shows markup as text', async () => {
    const { endpoint, page, complaints } = await inspect()
    const event = JSON.stringify({ name: '<img src=x onerror=alert(1)>', event_name: 'feature' })
    await send(endpoint, numbered(1, { event, customer_id: '<script>alert(1)</script>' }))
    await says(page, row, '<img src=x onerror=alert\\(1\\)>')
    await page.locator(row).first().click()
    expect(await page.locator('#rows :is(img, script)').count()).toBe(0)
    expect(complaints).toEqual([])
  })

  test('is chosen from, downloaded and cleared', async () => {
    const { endpoint, page } = await inspect()
    for (const index of [0, 1, 2, 3]) await send(endpoint, numbered(index))
    await says(page, '#counters', /^4\s+Calls/)
    await page.getByLabel('Filter by person').selectOption('user-0 (2)')
    await until(async () => (await page.locator(row).count()) === 2, { message: 'two rows' })

    const [download] = await Promise.all([page.waitForEvent('download'), press(page, 'Download')])
    const lines = (await readFile(await download.path(), 'utf8')).trimEnd().split('\n')
    expect(lines.map((line) => (JSON.parse(line) as { hit: object }).hit)).toEqual(
      [0, 1, 2, 3].map((index) => numbered(index)),
    )
    await press(page, 'Clear')
    await says(page, '#empty', 'No calls yet')
    await page.reload()
    await says(page, '#empty', 'No calls yet')
  })

  test('sets each fault, which a second inspector shows as well', async () => {
    const { page, context } = await inspect()
    const second = await context.newPage()
    await second.goto(page.url())
    for (const [name, state] of [
      ['Slow, 2 s', 'Collector slow'],
      ['503', 'Collector answers 503'],
      ['429, 10 s', 'Collector answers 429'],
      ['Hanging', 'Collector hangs'],
      ['Unreachable', 'Collector unreachable'],
      ['Refuses', 'Collector refuses a feature'],
      ['Healthy', 'Collector healthy'],
    ] as const) {
      await fail(page, name)
      await says(second, '#state', state)
      expect(await second.getByRole('radio', { name, exact: true }).isChecked()).toBe(true)
    }
  })

  test('comes again to a collector that was started again, which knows nothing of before', async () => {
    const { collector, endpoint, page } = await inspect()
    await send(endpoint, numbered(1))
    await send(endpoint, numbered(2))
    await says(page, '#counters', /^2\s+Calls/)
    const gone = once(collector, 'exit')
    collector.kill()
    await gone
    await says(page, '#state', 'The collector is gone')
    await startCollector(new URL(endpoint).port)
    await says(page, '#state', 'Collector healthy', 20_000)
    await send(endpoint, numbered(3))
    await says(page, '#counters', /^1\s+Calls/)
  })

  test('draws of 10,000 hits only those that are seen, by keyboard too', async () => {
    const { endpoint, page } = await inspect()
    const count = 10_000
    for (let first = 0; first < count; first += 100) {
      await Promise.all(
        Array.from({ length: 100 }, async (_, index) => {
          await (await send(endpoint, numbered(first + index))).text()
        }),
      )
    }
    await says(page, '#counters', /^10000\s+Calls/, 30_000)
    expect(await page.locator(row).count()).toBeLessThan(60)
    await page.locator(row).first().focus()
    await page.keyboard.press('End')
    const last = page.locator(':focus').locator('..')
    expect(await last.getAttribute('aria-posinset')).toBe('10000')
    expect(await page.locator(row).count()).toBeLessThan(60)
    await page.keyboard.press('Enter')
    await until(() => page.getByRole('table', { name: 'Fields of the hit' }).count(), {
      message: 'the fields',
    })
    await page.reload()
    await says(page, '#counters', /^10000\s+Calls/, 30_000)
  })

  test.each([
    ['light', 375],
    ['dark', 1440],
  ] as const)('is well in %s, %i pixels wide', async (colorScheme, width) => {
    const { endpoint, page } = await inspect({ colorScheme, viewport: { width, height: 800 } })
    for (const index of [1, 1, 2, 3]) await send(endpoint, numbered(index))
    await says(page, row, 'Accepted|Import')
    await page.getByText('With a bundler').click()
    await page.screenshot({ path: join(pictures, `${colorScheme}-${width}-top.png`) })
    await page.locator(row).first().click()
    expect(await violations(page)).toEqual([])
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width)
    await page.screenshot({ path: join(pictures, `${colorScheme}-${width}.png`) })
  })
})
