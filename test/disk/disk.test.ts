import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { engines, launchEngine } from '../support/browser.ts'
import { until } from '../support/deadline.ts'
import type { EngineBrowser, Tab } from '../support/engine.ts'
import {
  acceptedBy,
  arrived,
  featureOf,
  names,
  stored,
  track,
  writtenDown,
} from '../support/fault-rig.ts'
import { type Rig, createRig, ready } from '../support/rig.ts'
import { type SmallDisk, createSmallDisk } from '../support/small-disk.ts'

// A disk that is really full: `npm run soak` runs it. What browsers refuse then, `test/delivery/storage`
// refuses in every combination.

const waiting = names(121, 'waiting')
const rest: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const end of rest.splice(0).reverse()) await end()
})

/** How often the collector was asked to take each feature. */
function timesSent(rig: Rig): [string, number][] {
  const times = new Map<string, number>()
  for (const { hit } of rig.collector.requests) {
    const name = featureOf(hit)
    times.set(name, (times.get(name) ?? 0) + 1)
  }
  return [...times]
}

async function setUp(): Promise<{ rig: Rig; disk: SmallDisk } | undefined> {
  const disk = createSmallDisk(256)
  if (disk === undefined) {
    const words = 'Full disk left out: it takes root on Linux, to mount a small disk.'
    if (process.env.CI) throw new Error(words)
    console.log(words)
    return undefined
  }
  rest.push(disk.remove)
  const rig = await createRig()
  rest.push(rig.close)
  return { rig, disk }
}

describe.each(engines.filter((engine) => engine !== 'webkit'))('%s, with a full disk', (engine) => {
  test('delivers all that waits and all that comes, each at most twice', async ({ skip }) => {
    const place = await setUp()
    if (place === undefined) return skip()
    const { rig, disk } = place
    const profile = join(disk.folder, 'profile')
    let browser: EngineBrowser | undefined

    async function open(): Promise<Tab> {
      browser = await launchEngine(engine, { profile })
      return browser.newPage()
    }
    rest.push(() => browser?.kill())
    const show = async () => {
      await tab.goto(rig.serve('npm', '/app', "anonymous: 'send'"))
      await ready(tab)
    }

    let tab = await open()
    await show()
    rig.collector.fault({ kind: 'status', status: 503 })
    await track(tab, waiting)
    await writtenDown(tab, waiting.length)

    disk.fill()
    rig.collector.clear()
    rig.collector.fault(undefined)
    const called: string[] = [...waiting]
    async function goOn(prefix: string): Promise<void> {
      const calls = names(10, prefix)
      called.push(...calls)
      for (const name of calls) await track(tab, [name])
      await arrived(rig, called, 60_000)
      // Nor is anything sent at this moment, of which a page that goes would not hear.
      await until(() => tab.evaluate(async () => (await window.plugin.pending()) === 0), {
        message: 'nothing to wait any more',
        deadlineMs: 60_000,
      })
    }
    await goOn('full')
    // What was accepted could not be deleted; Chromium may not even open a database without room.
    expect(await stored(tab).catch(() => waiting)).toHaveLength(waiting.length)
    await show()
    await goOn('next-page')
    expect(timesSent(rig).filter(([, times]) => times > 1)).toEqual([])

    await browser?.kill()
    browser = undefined
    // No browser starts without room; what it noted down while there was none is gone.
    disk.empty()
    tab = await open()
    disk.fill()
    await show()
    await goOn('restarted')

    disk.empty()
    await show()
    await goOn('room-again')
    expect(timesSent(rig).filter(([, times]) => times > 2)).toEqual([])
    const accepted = acceptedBy(rig).length
    console.log(
      `${engine}: ${rig.collector.requests.length} requests, ${accepted} accepted, of ${called.length} hits`,
    )
  })
})
