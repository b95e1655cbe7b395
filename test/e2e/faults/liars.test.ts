import type { Page } from 'playwright-core'
import { describe, vi } from 'vitest'
import { type Habit, liars } from '../../fixtures/habits.ts'
import type { TestBrowser } from '../../support/browser.ts'
import { names } from '../../support/fault-rig.ts'
import { type Rig, errorsOf, ready } from '../../support/rig.ts'
import type { Fault } from '../../../src/testing/index.ts'
import { test } from './fixture.ts'

// A storage that keeps nothing must not make a page forget what the collector has told it.

const outages: [string, Fault][] = [
  ['503', { kind: 'status', status: 503 }],
  ['503 with `Retry-After`', { kind: 'status', status: 503, retryAfter: 60 }],
  ['429 with a `Retry-After` of a second', { kind: 'status', status: 429, retryAfter: 1 }],
  ['503 that no page may read', { kind: 'status', status: 503, cors: false }],
  ['no headers', { kind: 'hang', at: 'headers' }],
  ['half an answer', { kind: 'hang', at: 'body' }],
  ['a reset', { kind: 'reset' }],
  ['401', { kind: 'status', status: 401 }],
  ['404', { kind: 'status', status: 404 }],
  ['a redirect', { kind: 'status', status: 302, location: '/' }],
  ['400', { kind: 'status', status: 400 }],
  ['no CORS headers', { kind: 'no-cors' }],
]
const hits = 5
const seconds = 5

/** Three seeds in a row meet all pairs of the two: `npm run soak` does. */
const seed = Number(process.env.SEED ?? 1)
const cases = outages.map(
  ([name, fault], row) =>
    [name, fault, liars.filter((_, column) => (row + column + seed) % 3 === 0)] as const,
)

// Each is up to five pages.
vi.setConfig({ testTimeout: 600_000 })

/** Lets time go by, and waits for what that set off: a request of the page's own has ended then. */
async function pass(page: Page, ms: number): Promise<void> {
  await page.clock.runFor(ms)
  await page.evaluate(() => fetch('/favicon.ico'))
}

/** The requests that some calls make during an outage of {@link seconds}, by the page's own clock. */
async function requests(
  { browser }: TestBrowser,
  rig: Rig,
  fault: Fault,
  liar?: Habit,
): Promise<number> {
  const context = await browser.newContext()
  const page = await context.newPage()
  const errors = errorsOf(page)
  const seen = rig.collector.requests.length
  await page.clock.install()
  // Without jitter, so that two pages can be compared.
  await page.addInitScript(`Math.random = () => 0.5; ${liar?.script ?? ''}`)
  await page.goto(rig.serve('npm', '/app', "anonymous: 'send'"))
  await ready(page)
  rig.collector.fault(fault)
  for (const name of names(hits)) {
    await page.evaluate(`void analytics.track('${name}')`)
    await pass(page, 50)
  }
  for (let past = 0; past < seconds * 1000; past += 250) await pass(page, 250)
  const made = rig.collector.requests.length - seen
  rig.collector.fault(undefined)
  await context.close()
  return errors.length === 0 ? made : NaN
}

describe.concurrent('a storage that keeps nothing makes at most one request a hit more', () => {
  test.for(cases)('%s', async ([, fault, liars], { expect, shared, rig }) => {
    const most = (await requests(shared, rig, fault)) + hits
    for (const liar of liars) {
      await rig.renewCollector()
      const made = await requests(shared, rig, fault, liar)
      expect.soft(made, liar.name).toBeGreaterThan(0)
      expect.soft(made, liar.name).toBeLessThanOrEqual(most)
    }
  })
})
