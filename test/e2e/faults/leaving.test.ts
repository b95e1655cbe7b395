import { describe, expect } from 'vitest'
import { isChromium } from '../../support/browser.ts'
import { until } from '../../support/deadline.ts'
import { acceptedBy, arrived, healthOf, names, track } from '../../support/fault-rig.ts'
import { ready } from '../../support/rig.ts'
import { test } from './fixture.ts'

// That leaving is none, by whatever way, is a promise of every engine: test/engines.
test('an outage that begins while pages change is one', async ({ open, rig }) => {
  const page = await open()
  await rig.collector.down()
  await track(page, ['on the first page'])
  await page.goto(rig.serve('npm', '/next', "anonymous: 'send'"))
  await ready(page)
  await track(page, ['on the second page'])
  await until(async () => (await healthOf(page)).step > 0, { message: 'a backoff' })
  await rig.collector.up()
  await arrived(rig, ['on the first page', 'on the second page'], 40_000)
})

describe('a hidden tab', () => {
  test.runIf(isChromium)('backs off in an outage as a visible one does', async ({ open, rig }) => {
    const page = await open()
    await page.clock.install()
    rig.collector.fault({ kind: 'status', status: 503 })
    await page.evaluate(() => {
      Object.defineProperty(document, 'visibilityState', { value: 'hidden', configurable: true })
      document.dispatchEvent(new Event('visibilitychange'))
    })
    for (const name of names(31)) {
      await track(page, [name])
      await page.clock.runFor(1000)
    }
    // A visible one tries after 1, 2, 4, 8 and 16 seconds.
    expect(rig.collector.requests.length).toBeGreaterThan(1)
    expect(rig.collector.requests.length).toBeLessThanOrEqual(8)
    rig.collector.fault(undefined)
    await page.evaluate(() => {
      Object.defineProperty(document, 'visibilityState', { value: 'visible', configurable: true })
      document.dispatchEvent(new Event('visibilitychange'))
    })
    await until(
      async () => {
        await page.clock.runFor(5000)
        return new Set(acceptedBy(rig).map(({ hit }) => hit.event_id)).size === 31
      },
      { message: 'all of them' },
    )
  })
})
