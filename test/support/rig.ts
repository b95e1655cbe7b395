import { runInNewContext } from 'node:vm'
import type { Page } from 'playwright-core'
import type { DeliveryReport } from '../../src/index.ts'
import { type Collector, createCollector } from '../../src/testing/index.ts'
import { type Site, type SiteOptions, createSite } from './site.ts'

export type Build = 'npm' | 'script'
export const builds: Build[] = ['npm', 'script']

/** A report, and when it came by the page's clock. */
export type Told = DeliveryReport & { at: number }

/** What a page under test has; both builds give the same. */
declare global {
  interface Window {
    /** Every report of `onDelivery`, on pages of the npm build. */
    reports: Told[]
  }
}

/** A page of any engine, of which something is asked. */
export type Evaluating = Pick<Page, 'evaluate'>

export type Rig = {
  readonly collector: Collector
  site: Site
  /** Serves a page of a build at `path`, with the settings (JavaScript) added to the usual ones. */
  serve: (build: Build, path: string, settings?: string, body?: string) => string
  /** Goes on with another collector: a page that was closed may send a hit once more on leaving. */
  renewCollector: () => Promise<void>
  close: () => Promise<void>
}

const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/** A site and a collector: two origins, so that CORS is real. */
export async function createRig(options?: SiteOptions): Promise<Rig> {
  let collector = await createCollector()
  const site = await createSite(options)

  return {
    get collector() {
      return collector
    },
    site,
    serve(build, path, settings = '', body = '') {
      const usual = `clientId: 'test-client', endpoint: '${collector.endpoint}'`
      if (build === 'npm') {
        const reporting = `onDelivery: (report) => window.reports.push({ ...report, at: Date.now() })`
        const list = '<script>window.reports = []</script>'
        return site.page(
          path,
          list + site.npmPage({ settings: `{ ${usual}, ${reporting}, ${settings} }`, body }),
        )
      }
      // Settings that a script tag can have are literals.
      const given = runInNewContext(`({ ${usual}, ${settings} })`) as Record<string, unknown>
      const attributes = Object.fromEntries(
        Object.entries(given).map(([name, value]) => [`data-${kebab(name)}`, String(value)]),
      )
      // Segment's snippet ends with a page() of its own, which the npm page does not make.
      return site.page(path, site.scriptPage({ attributes, body, snippetOptions: { page: false } }))
    },
    async renewCollector() {
      await collector.close()
      collector = await createCollector()
    },
    async close() {
      await site.close()
      await collector.close()
    },
  }
}

/** The errors and unhandled rejections that a page's visitor would cause somebody to see. */
export function errorsOf(page: Page): string[] {
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(String(error)))
  return errors
}

/** Waits until Segment has loaded: the page's calls go through without a buffer from then on. */
export async function ready(page: Evaluating): Promise<void> {
  await page.evaluate(() => new Promise<void>((resolve) => void window.analytics.ready(resolve)))
}
