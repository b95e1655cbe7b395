import { setTimeout as sleep } from 'node:timers/promises'
import { type Browser, chromium } from 'playwright-core'
import { findBrowser, launchArgs } from '../scripts/browsers.mjs'
import { until } from '../test/support/deadline.ts'
import { acceptedBy, featureOf } from '../test/support/fault-rig.ts'
import { type Measure, createSamples, rounds } from './samples.ts'
import type { Stage } from './stage.ts'
import type { Variant } from './variants.ts'

/** What the click on a link does, and how long the collector takes to answer. */
const visits: { calls: number; answerMs: number }[] = [
  { calls: 3, answerMs: 150 },
  { calls: 6, answerMs: 5 },
  { calls: 1, answerMs: 150 },
]
const compared: Variant[] = ['handWritten', 'ours']
/** So long somebody stays on a page. */
const stayMs = 600
const deadlineMs = 20_000

/**
 * From page to page of an application: each makes a call as soon as it can, and some more in the
 * click on the link to the next. How long does the first call of a page take to the collector?
 */
export async function measurePageToPage(stage: Stage, pages: number): Promise<Measure[]> {
  // Playwright's own choice of arguments has Chromium forget each page that is left.
  const forgetful = await chromium.launch({
    executablePath: findBrowser('chromium') ?? '',
    args: launchArgs(),
  })
  try {
    const measures = [
      await measureIn(forgetful, 'page not kept', stage, pages),
      await measureIn(stage.browser, 'page kept in the back/forward cache', stage, pages),
    ].flat()
    const isTime = ({ unit }: Measure) => unit === 'ms'
    return [...measures.filter(isTime), ...measures.filter((measure) => !isTime(measure))]
  } finally {
    await forgetful.close()
    stage.rig.collector.fault(undefined)
    stage.rig.collector.clear()
  }
}

async function measureIn(
  browser: Browser,
  which: string,
  stage: Stage,
  pages: number,
): Promise<Measure[]> {
  const measures: Measure[] = []
  for (const { calls, answerMs } of visits) {
    const [took, requests] = [createSamples(), createSamples()]
    stage.rig.collector.fault({ kind: 'slow', ms: answerMs })
    const visitors: Visitor[] = []
    for (const variant of compared) visitors.push(await enter(browser, stage, variant, calls))
    const plan = { until: 0, atLeast: pages, atMost: pages }
    await rounds(visitors, plan, async ({ variant, goOn }) => {
      took[variant].push(await goOn())
    })
    for (const { variant, leave } of visitors) requests[variant] = [await leave()]
    stage.rig.collector.clear()
    const when = `${calls} ${calls === 1 ? 'call' : 'calls'} in the click, answers in ${answerMs} ms, ${which}`
    measures.push(
      {
        what: "A new page's first call accepted",
        when,
        unit: 'ms',
        samples: took,
        goal: { atMost: 1.2, times: 'handWritten' },
      },
      { what: 'Requests for a hit', when, unit: 'requests', samples: requests },
    )
  }
  return measures
}

/** Somebody who goes from page to page. */
type Visitor = {
  variant: Variant
  /** To the next page, and stays there; how long its first call took, in milliseconds. */
  goOn: () => Promise<number>
  /** For good; how many requests a hit took. */
  leave: () => Promise<number>
}

async function enter(
  browser: Browser,
  { rig }: Stage,
  variant: Variant,
  calls: number,
): Promise<Visitor> {
  const address = rig.site.page(
    `/visit-${variant}`,
    `<!doctype html>
<script src="/bench.js"></script>
<a>Next</a>
<script>
  bench.arrive('${variant}', '${rig.collector.endpoint}')
  const link = document.querySelector('a')
  link.href = '?' + Math.random()
  link.addEventListener('click', () => bench.click('${variant}', ${calls}))
</script>`,
  )
  /** What the collector has of its calls, whose names tell whose they are, and when a page began. */
  const heard = () =>
    acceptedBy(rig)
      .map(({ at, hit }) => ({ at, id: hit.event_id, call: featureOf(hit).split(' ') }))
      .filter(({ call: [by] }) => by === variant)
  const firsts = () => heard().filter(({ call: [, which] }) => which === 'first')
  let pages = 0

  const context = await browser.newContext()
  const page = await context.newPage()

  async function stay(): Promise<number> {
    pages += 1
    const isThere = () => firsts().length >= pages
    await until(isThere, { message: `the first call of page ${pages}`, deadlineMs })
    await sleep(stayMs)
    const { at = NaN, call: [, , madeAt] = [] } = firsts().at(-1) ?? {}
    return at - Number(madeAt)
  }

  await page.goto(address)
  // This one comes from nowhere.
  await stay()
  return {
    variant,
    async goOn() {
      await page.locator('a').click({ noWaitAfter: true })
      return stay()
    },
    async leave() {
      const ids = () => new Set(heard().map(({ id }) => id))
      const all = pages + (pages - 1) * calls
      // The hand-written plugin loses what the leaving page has not been able to send.
      if (variant === 'ours') {
        await until(() => ids().size >= all, { message: `all ${all} calls`, deadlineMs })
      }
      await context.close()
      return heard().length / ids().size
    },
  }
}
