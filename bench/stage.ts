import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Browser, CDPSession, Page } from 'playwright-core'
import { launchBrowser } from '../test/support/browser.ts'
import { until } from '../test/support/deadline.ts'
import { leaveBehind, names, stored } from '../test/support/fault-rig.ts'
import { type Rig, createRig } from '../test/support/rig.ts'
import type { Variant } from './variants.ts'

/** A page with one destination, in a browser profile and so in a process of its own. */
export type Guest = {
  variant: Variant
  page: Page
  cdp: CDPSession
  /** What Chromium has counted of the page. */
  metrics: () => Promise<Metrics>
  close: () => Promise<void>
}

/** Times in seconds, sizes in bytes. */
export type Metrics = { ThreadTime: number; ProcessTime: number; JSHeapUsedSize: number }

type VisitOptions = {
  /** Runs before the page's own scripts. */
  script?: () => void
  /** Is done with another page of the same origin. */
  before?: (page: Page) => Promise<unknown>
}

/** What the measurements share. */
export type Stage = {
  browser: Browser
  rig: Rig
  /** Opens a page, without a destination. */
  visit: (variant: Variant, options?: VisitOptions) => Promise<Guest>
  /** Opens a page and starts its destination, with so many hits of former pages waiting. */
  open: (variant: Variant, options?: VisitOptions & { waiting?: number }) => Promise<Guest>
  close: () => Promise<void>
}

// With these a page's clock ticks every 5 µs, not every 100.
// https://w3c.github.io/hr-time/#dfn-coarsen-time
const isolated = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
}

export async function createStage({ minify = true } = {}): Promise<Stage> {
  const [rig, script, { browser, close }] = await Promise.all([
    createRig(),
    bundle(minify),
    launchBrowser(),
  ])
  rig.site.page('/bench.js', script, { 'Content-Type': 'text/javascript' })
  const empty = rig.site.page('/empty', '<!doctype html>', isolated)
  const app = rig.site.page('/app', '<!doctype html><script src="/bench.js"></script>', isolated)

  const visit: Stage['visit'] = async (variant, { script, before } = {}) => {
    const context = await browser.newContext()
    const page = await context.newPage()
    const cdp = await context.newCDPSession(page)
    if (script) await page.addInitScript(script)
    if (before) {
      await page.goto(empty)
      await before(page)
    }
    await page.goto(app)
    await cdp.send('Performance.enable')
    const metrics = async () => {
      const { metrics } = await cdp.send('Performance.getMetrics')
      return Object.fromEntries(metrics.map(({ name, value }) => [name, value])) as Metrics
    }
    return { variant, page, cdp, metrics, close: () => context.close() }
  }

  const start = async ({ variant, page }: Guest) => {
    await page.evaluate(([variant, endpoint]) => window.bench.start(variant, endpoint), [
      variant,
      rig.collector.endpoint,
    ] as const)
    // What a page does once, when it is loaded, is not what a call costs.
    await sleep(500)
  }

  return {
    browser,
    rig,
    visit,
    async open(variant, { waiting = 0, ...options } = {}) {
      const guest = await visit(variant, options)
      await start(guest)
      if (variant === 'ours' && waiting > 0) {
        await leaveBehind(guest.page, rig, names(waiting))
        await guest.page.goto(app)
        await start(guest)
        const areThere = async () => (await stored(guest.page)).length >= waiting
        await until(areThere, { message: `${waiting} hits that wait`, deadlineMs: 30_000 })
      }
      return guest
    },
    async close() {
      await close()
      await rig.close()
    },
  }
}

async function bundle(minify: boolean): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('page.ts', import.meta.url))],
    bundle: true,
    minify,
    format: 'iife',
    target: 'es2022',
    write: false,
    define: { 'process.env.NODE_ENV': '"production"' },
    // No `paths`: the package is what its `exports` say, the build.
    tsconfigRaw: {},
  })
  return outputFiles[0]?.text ?? ''
}
