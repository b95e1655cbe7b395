import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { test as base } from 'vitest'
import { type TestBrowser, launchBrowser } from '../../support/browser.ts'
import { expectSound } from '../../support/fault-rig.ts'
import { type Rig, createRig, ready } from '../../support/rig.ts'

type PageOptions = {
  path?: string
  settings?: string
  /** Done to the page before it loads anything. */
  before?: (page: Page) => Promise<unknown>
}

/** Opens a page of the npm build that sends unknown visitors' features at once, and waits for Segment. */
export type Open = (options?: PageOptions) => Promise<Page>

/** A browser with a profile, which can be killed and started again. */
export type OwnBrowser = {
  readonly context: BrowserContext
  open: Open
  /** Ends every process of it at once. */
  kill: () => Promise<void>
  start: () => Promise<void>
}

/** A test gets of these what it names, and what that needs. */
type Fixtures = {
  /** One for all tests of a file. */
  shared: TestBrowser
  /** A site and a collector of each test's own: what a page sends as it goes would reach the next test. */
  rig: Rig
  /** Of the shared browser, without anything of another test. At its end all must be sound. */
  context: BrowserContext
  /** In that context. */
  open: Open
  /** Of the test's own. At its end all must be sound. */
  browser: OwnBrowser
}

/** A page whose clock is the test's. */
export const withClock: PageOptions = { before: (page) => page.clock.install() }

const openIn =
  (context: () => BrowserContext, rig: Rig): Open =>
  async ({ path = '/app', settings = '', before } = {}) => {
    const page = await context().newPage()
    await before?.(page)
    await page.goto(rig.serve('npm', path, `anonymous: 'send', ${settings}`))
    await ready(page)
    return page
  }

/** Collects what the visitors of all its pages would cause somebody to see. */
const collectErrors = (context: BrowserContext, errors: string[]) =>
  context.on('weberror', (web) => {
    const error = String(web.error())
    // What Firefox's console says of a policy: its driver takes it for an error, and the page hears of none.
    if (!error.includes('Content-Security-Policy:')) errors.push(error)
  })

export const test = base.extend<Fixtures>({
  shared: [
    // eslint-disable-next-line no-empty-pattern -- vitest reads the names off a pattern
    async ({}, use) => {
      const browser = await launchBrowser()
      await use(browser)
      await browser.close()
    },
    { scope: 'file' },
  ],

  // eslint-disable-next-line no-empty-pattern -- vitest reads the names off a pattern
  rig: async ({}, use) => {
    const rig = await createRig()
    await use(rig)
    await rig.close()
  },

  context: async ({ shared, rig }, use) => {
    const errors: string[] = []
    const context = await shared.browser.newContext()
    collectErrors(context, errors)
    await use(context)
    try {
      expectSound(rig, errors)
    } finally {
      await context.close()
    }
  },

  open: ({ context, rig }, use) => use(openIn(() => context, rig)),

  browser: async ({ rig }, use) => {
    const errors: string[] = []
    const profile = await mkdtemp(join(tmpdir(), 'skalin-profile-'))
    const launch = async () => {
      const launched = await launchBrowser({ profile })
      collectErrors(launched.context, errors)
      return launched
    }
    let running = await launch()
    await use({
      get context() {
        return running.context
      },
      open: openIn(() => running.context, rig),
      kill: () => running.kill(),
      async start() {
        running = await launch()
      },
    })
    try {
      expectSound(rig, errors)
    } finally {
      await running.kill()
      await rm(profile, { recursive: true, force: true })
    }
  },
})
