import { setTimeout as sleep } from 'node:timers/promises'
import { type Browser, chromium } from 'playwright-core'
import { findBrowser, launchArgs } from '../scripts/browsers.mjs'
import { until } from '../test/support/deadline.ts'
import { acceptedBy, featureOf } from '../test/support/fault-rig.ts'
import { type Measure, createSamples } from './samples.ts'
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
    for (const variant of compared) {
      const result = await visit(browser, stage, variant, calls, pages)
      took[variant] = result.took
      requests[variant] = [result.requestsPerHit]
    }
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

async function visit(
  browser: Browser,
  { rig }: Stage,
  variant: Variant,
  calls: number,
  pages: number,
): Promise<{ took: number[]; requestsPerHit: number }> {
  rig.collector.clear()
  const address = rig.site.page(
    '/visit',
    `<!doctype html>
<script src="/bench.js"></script>
<a>Next</a>
<script>
  bench.arrive('${variant}', '${rig.collector.endpoint}')
  const link = document.querySelector('a')
  link.href = '?' + Math.random()
  link.addEventListener('click', () => bench.click(${calls}))
</script>`,
  )
  const firsts = () =>
    acceptedBy(rig)
      .map(({ at, hit }) => ({ at, call: featureOf(hit).split(' ') }))
      .filter(({ call: [name] }) => name === 'first')

  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto(address)
  for (let left = 0; left <= pages; left += 1) {
    const isThere = () => firsts().length > left
    await until(isThere, { message: `the first call of page ${left}`, deadlineMs })
    await sleep(stayMs)
    if (left < pages) await page.locator('a').click({ noWaitAfter: true })
  }
  const ids = () => new Set(acceptedBy(rig).map(({ hit }) => hit.event_id))
  const all = pages + 1 + pages * calls
  // The hand-written plugin loses what the leaving page has not been able to send.
  if (variant === 'ours') {
    await until(() => ids().size >= all, { message: `all ${all} calls`, deadlineMs })
  }
  await context.close()
  return {
    // The first page comes from nowhere.
    took: firsts()
      .slice(1)
      .map(({ at, call: [, madeAt] }) => at - Number(madeAt)),
    requestsPerHit: rig.collector.requests.length / ids().size,
  }
}
