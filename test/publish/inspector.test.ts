import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { runInNewContext } from 'node:vm'
import type { AxeResults } from 'axe-core'
import { build } from 'esbuild'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import webpack from 'webpack'
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
  /** Ends the collector. */
  stop: () => Promise<void>
  endpoint: string
  page: Page
  context: BrowserContext
  complaints: string[]
}

const startCollector = (port: string) => {
  const cli = join('node_modules', packageJson.name, packageJson.bin['skalin-analytics-plugin'])
  return start(cli, ['collector', '--port', port], /live at (http\S+)/)
}

/** `npx skalin-analytics-plugin collector`, and its inspector in a browser, once it was made `ready`. */
async function inspect(
  options = {},
  ready: (page: Page) => Promise<unknown> = () => Promise.resolve(),
): Promise<Inspection> {
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
  await ready(page)
  await page.goto(address)
  await says(page, '#state', 'Collector healthy')
  const endpoint = `${address.replace('localhost', '127.0.0.1')}hit`
  const stop = async () => {
    const gone = once(collector, 'exit')
    collector.kill()
    await gone
  }
  return { stop, endpoint, page, context, complaints }
}

const says = (page: Page, selector: string, text: RegExp | string, deadlineMs = 15_000) =>
  until(async () => RegExp(text).test(await page.locator(selector).first().innerText()), {
    message: `${selector} to say ${String(text)}`,
    deadlineMs,
  })

/** The tries of a hit are up to 16 s apart by the time that a test heals the collector. */
const backoffMs = 40_000
const longMs = 150_000

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
  await says(page, row, /Accepted\s+track\s+Ordered 2[^]*after \d+ attempts/, backoffMs)

  await page.locator(row).first().click()
  await page.screenshot({ path: join(pictures, `${name}-open.png`) })
  expect(await violations(page)).toEqual([])
  await press(page, 'Copy as test')
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(
    `await collector.hits({ where: (hit) => hit.action === 'ev' && hit.event === '{"name":"Ordered 2","event_name":"feature"}' && hit.identity === '{"id":"alice"}' && hit.customer_id === 'acme' })`,
  )
  expect(complaints).toEqual([])
}

test(
  'an application of Vite and React shows its hits, skipped calls and recovery',
  { timeout: longMs },
  async () => {
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
  },
)

test(
  'a plain page shows its own, too, by the code that the inspector gives',
  { timeout: longMs },
  async () => {
    const inspection = await inspect()
    const site: Site = await createSite()
    onTestFinished(site.close)
    const script = await read(app, 'node_modules', packageJson.name, 'dist/skalin.min.js')
    site.page('/packed.js', script, { 'content-type': 'text/javascript' })
    const code = await inspection.page.locator('pre[aria-label="On a plain page"]').textContent()
    const body = `
<button onclick="analytics.identify('alice', { groupId: 'acme' })">Log in</button>
<button onclick="analytics.track('Ordered ' + (window.orders = (window.orders ?? 0) + 1))">Order</button>
<button onclick="analytics.alias('bob')">Rename</button>
${code ?? ''}`
    const attributes = { async: false, src: '/packed.js' }
    const page = site.scriptPage({ attributes, snippetOptions: { page: false }, body })
    const { origin } = new URL(inspection.endpoint)
    // What the README says that it needs, and the page's own scripts.
    const policy = `script-src 'self' 'unsafe-inline' ${origin}; connect-src 'self' ${origin}`
    const shop = await inspection.context.newPage()
    // Not by `waitForFunction`: what it asks for a second time, this policy forbids.
    const isRegistered = () =>
      until(
        () =>
          shop.evaluate<boolean>(
            'analytics.queue?.plugins.some(({ name }) => name === "Skalin") === true',
          ),
        { message: 'the plugin to be registered' },
      )
    await shop.goto(site.page('/', page, { 'content-security-policy': policy }))
    await isRegistered()
    await inspection.page.bringToFront()
    await showAll(shop, inspection, 'plain')

    // Without a collector there is no `inspect()`, and nothing is lost for that.
    await inspection.stop()
    await shop.reload()
    await isRegistered()
    await press(shop, 'Order')
    await startCollector(new URL(inspection.endpoint).port)
    await says(inspection.page, row, /Accepted\s+ev\s+Ordered 1\s+alice\s+acme/, backoffMs)
  },
)

describe('what is built for production', () => {
  const address = '127.0.0.1:4747'
  const main = () => join(app, 'production.js')
  beforeAll(() =>
    writeFile(
      main(),
      `import { inspect } from 'skalin-analytics-plugin/inspect'
      const settings = { clientId: 'c' }
      globalThis.isPlain = inspect(settings) === settings`,
    ),
  )
  /** Whether the code, where a page would run it, leaves the settings as they are. */
  const leavesSettings = (code: string) => {
    const page: { isPlain?: boolean } = {}
    runInNewContext(code, page)
    return page.isPlain
  }
  const bundle = async (options: object) => {
    const given = { entryPoints: [main()], bundle: true, write: false as const, ...options }
    return (await build(given)).outputFiles[0]?.text ?? ''
  }

  test('by Vite has nothing of it', async () => {
    await run(app, ['vite/bin/vite.js', 'build', '--logLevel=warn'], {
      VITE_ENDPOINT: 'https://a.example/hit',
    })
    const scripts = (await filesIn(join(app, 'dist'))).filter((file) => file.endsWith('.js'))
    expect(scripts).not.toEqual([])
    for (const file of scripts) expect(await read(app, 'dist', file)).not.toContain(address)
  })

  test('by webpack has nothing of it', async () => {
    const output = { path: join(app, 'packed'), filename: 'main.js' }
    const stats = await new Promise<webpack.Stats | undefined>((resolve, reject) => {
      webpack({ mode: 'production', context: app, entry: main(), output }, (error, result) =>
        error ? reject(error) : resolve(result),
      )
    })
    expect(stats?.toJson({ all: false, errors: true })).toMatchObject({ errors: [] })
    const code = await read(app, 'packed/main.js')
    expect(code).not.toContain(address)
    expect(leavesSettings(code)).toBe(true)
  })

  test('by esbuild has nothing of it, if that is told', async () => {
    const code = await bundle({ minify: true, conditions: ['production'] })
    expect(code).not.toContain(address)
    expect(leavesSettings(code)).toBe(true)
  })

  test.each<[string, boolean, object]>([
    ['minified by esbuild is idle', true, { minify: true }],
    [
      'by a bundler that only fills in NODE_ENV is idle',
      true,
      { define: { 'process.env.NODE_ENV': '"production"' } },
    ],
    ['for development is not', false, {}],
  ])('%s', async (_, isIdle, options) => {
    const code = await bundle(options)
    expect(code).toContain(address)
    expect(leavesSettings(code)).toBe(isIdle)
  })
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
    const { stop, endpoint, page } = await inspect()
    await send(endpoint, numbered(1))
    await send(endpoint, numbered(2))
    await says(page, '#counters', /^2\s+Calls/)
    await stop()
    await says(page, '#state', 'The collector is gone')
    await startCollector(new URL(endpoint).port)
    await says(page, '#state', 'Collector healthy', backoffMs)
    await send(endpoint, numbered(3))
    await says(page, '#counters', /^1\s+Calls/)
  })

  test.each([
    ['by its next timer', () => undefined],
    ['when it is seen', () => void document.dispatchEvent(new Event('visibilitychange'))],
    ['when the network is back', () => void window.dispatchEvent(new Event('online'))],
  ])('comes again %s after the machine slept, and misses nothing', async (when, wake) => {
    const { endpoint, page } = await inspect({}, (made) => made.clock.install())
    const again: string[] = []
    page.on('request', (request) => {
      const [, after] = /\/control\/events\?after=(.+)/.exec(request.url()) ?? []
      if (after) again.push(after)
    })
    await send(endpoint, numbered(1))
    await send(endpoint, numbered(2))
    await says(page, '#counters', /^2\s+Calls/)
    const hasTimers = when === 'by its next timer'
    if (!hasTimers) await page.clock.pauseAt((await page.evaluate(() => Date.now())) + 10_000)
    // Once may not do: the collector speaks every 15 s, which may be just then.
    await until(
      async () => {
        if (hasTimers) await page.clock.fastForward(45_000)
        else await page.clock.setSystemTime((await page.evaluate(() => Date.now())) + 45_000)
        await page.evaluate(wake)
        return again.length > 0
      },
      { message: 'the page to come again' },
    )
    if (!hasTimers) await page.clock.resume()
    // It says up to where it has heard, and keeps what it knew.
    expect(again[0]).toMatch(/-2$/)
    await send(endpoint, numbered(3))
    await says(page, '#counters', /^3\s+Calls/)
  })

  test('can ask nobody but its collector', async () => {
    const { endpoint, page } = await inspect()
    const refused = page.evaluate(
      (url) =>
        new Promise((resolve) => {
          document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) =>
            resolve(effectiveDirective),
          )
          fetch(url).then(
            () => resolve('answered'),
            () => undefined,
          )
        }),
      endpoint,
    )
    expect(await refused).toBe('connect-src')
  })

  test(
    'draws of 10,000 hits only those that are seen, by keyboard too',
    { timeout: longMs },
    async () => {
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
    },
  )

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
