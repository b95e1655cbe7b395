import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { timeoutMs } from '../../../src/delivery/limits.ts'
import { isChromium } from '../../support/browser.ts'
import { until } from '../../support/deadline.ts'
import { arrived, names, repeats, track } from '../../support/fault-rig.ts'
import { ready } from '../../support/rig.ts'
import { test } from './fixture.ts'

/** A small seeded generator: a run can be done again. https://prng.di.unimi.it/splitmix32.c */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x9e3779b9) | 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
    return ((z ^ (z >>> 16)) >>> 0) / 2 ** 32
  }
}

/** Of the run: `npm run soak` takes twenty. */
const seed = Number(process.env.SEED ?? 1)

test('eight tabs, closing, reloading and crashing, with a flapping collector, lose nothing', async ({
  browser,
  rig,
}) => {
  const random = seeded(seed)
  const tabs = await Promise.all(names(8, 'tab').map((name) => browser.open({ path: `/${name}` })))
  const made: string[] = []
  const rounds = 10
  for (let round = 0; round < rounds; round += 1) {
    rig.collector.fault(random() < 0.4 ? { kind: 'status', status: 503 } : undefined)
    for (const [index, tab] of tabs.entries()) {
      const calls = names(20, `t${index}-r${round}`)
      made.push(...calls)
      await track(tab, calls)
    }
    const victim = Math.floor(random() * tabs.length)
    const tab = tabs[victim] as Page
    const fate = random()
    // The calls have reached the outbox before their tab dies: the rest is for other tests.
    await until(() => tab.evaluate(() => window.reports.length > 0), {
      message: 'the calls to be taken',
    })
    if (fate < 0.3) await tab.close()
    else if (fate < 0.6) await tab.reload()
    else if (fate < 0.75) {
      await tab.evaluate(() => window.plugin.pending())
      if (isChromium) await tab.goto('chrome://crash', { timeout: 5000 }).catch(() => undefined)
      await tab.close()
    }
    if (tab.isClosed()) tabs[victim] = await browser.open({ path: `/tab-${victim}` })
    else await ready(tab)
  }
  rig.collector.fault(undefined)
  await arrived(rig, made, 90_000)
  // What a tab sent as it went or died, whose answer nobody heard, goes once more, but not before its
  // lease is over, which lasts for a request's time at least when it is sent. Anything sooner is a hit
  // that two tabs sent.
  const sooner = repeats(rig).filter((ms) => ms < timeoutMs - 1000)
  const later = repeats(rig).length - sooner.length
  console.log(
    `Eight tabs, seed ${seed}: of ${made.length} hits ${sooner.length} were sent by two tabs, ` +
      `${later} once more after their tab had gone`,
  )
  expect(made).toHaveLength(8 * 20 * rounds)
  expect(sooner.length / made.length).toBeLessThanOrEqual(0.02)
}, 180_000)
