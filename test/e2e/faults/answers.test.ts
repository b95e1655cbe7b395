import type { Page } from 'playwright-core'
import { describe, expect } from 'vitest'
import type { Fault } from '../../../src/testing/index.ts'
import { until } from '../../support/deadline.ts'
import {
  acceptedBy,
  arrived,
  featureOf,
  names,
  repeats,
  reports,
  track,
  writtenDown,
} from '../../support/fault-rig.ts'
import type { Rig } from '../../support/rig.ts'
import { test, withClock } from './fixture.ts'

const attempts = (rig: Rig, count: number, deadlineMs = 10_000) =>
  until(() => rig.collector.requests.length >= count, { message: `${count} requests`, deadlineMs })

/** Begins to listen for another tab's news of a `Retry-After`: a tab may take its own note for good for 5 s. */
async function listenForLimit(page: Page): Promise<() => Promise<void>> {
  await page.evaluate(() => {
    const heard = new Promise<void>((resolve) =>
      addEventListener('storage', ({ key, newValue }) => {
        if (!key?.startsWith('skalin:endpoint:')) return
        const note = JSON.parse(newValue ?? '{}') as { limitedUntil?: number }
        if (note.limitedUntil) resolve()
      }),
    )
    Object.assign(window, { heard })
  })
  return () => page.evaluate(() => (window as unknown as { heard: Promise<void> }).heard)
}

/** Waits until no request is in flight: a clock that jumps ahead would let it time out. */
const settled = (page: Page) => page.evaluate(() => window.plugin.flush())

const hour = 3_600_000

describe('an outage', () => {
  const faults: [string, Fault][] = [
    ['408', { kind: 'status', status: 408 }],
    ['425', { kind: 'status', status: 425 }],
    ['500', { kind: 'status', status: 500 }],
    ['a reset connection', { kind: 'reset' }],
    [
      'a 503 without CORS headers, after good answers',
      { kind: 'status', status: 503, cors: false },
    ],
  ]
  test.for(faults)('of %s loses nothing and ends by itself', async ([, fault], { open, rig }) => {
    const page = await open()
    await track(page, ['good'])
    await arrived(rig, ['good'])
    rig.collector.fault(fault)
    const calls = names(10)
    await track(page, calls)
    await attempts(rig, 3)
    expect(acceptedBy(rig)).toHaveLength(1)
    rig.collector.fault(undefined)
    await arrived(rig, calls)
    expect(repeats(rig)).toEqual([])
    await writtenDown(page, 0)
  })

  test('of refused connections loses nothing, and of one reload neither', async ({ open, rig }) => {
    const page = await open()
    await rig.collector.down()
    const calls = names(10)
    await track(page, calls)
    await writtenDown(page, 10)
    await page.reload()
    await rig.collector.up()
    await arrived(rig, calls, 30_000)
  })

  test('of three days of 503 loses nothing; the backoff doubles to five minutes', async ({
    open,
    rig,
  }) => {
    const page = await open(withClock)
    rig.collector.fault({ kind: 'status', status: 503 })
    const calls = names(5)
    await track(page, calls)
    await attempts(rig, 2)
    for (let hours = 0; hours < 72; hours += 1) {
      const before = rig.collector.requests.length
      await settled(page)
      await page.clock.fastForward(hour)
      await attempts(rig, before + 1)
    }
    rig.collector.fault(undefined)
    await until(
      async () => {
        await page.clock.fastForward(5 * 60_000)
        return new Set(acceptedBy(rig).map(({ hit }) => featureOf(hit))).size === 5
      },
      { message: 'all five' },
    )
    const waits = (await reports(page))
      .filter(({ reason }) => reason === 'status')
      .map(({ at, nextTryAt = 0 }) => Math.round((nextTryAt - at) / 1000))
    expect(Math.max(...waits)).toBeLessThanOrEqual(450)
    expect(Math.max(...waits)).toBeGreaterThan(200)
    expect(waits[0]).toBeLessThanOrEqual(1)
  })
})

describe('429 with Retry-After', () => {
  const waits: [string, () => Partial<Fault>][] = [
    ['in seconds', () => ({ retryAfter: 3 })],
    ['as a date', () => ({ retryAfter: new Date(Date.now() + 6000).toUTCString() })],
  ]
  test.for(waits)(
    '%s holds for three tabs and after a reload',
    async ([, retryAfter], { open, rig }) => {
      const tabs = [await open(), await open(), await open()]
      const [first, second, third] = tabs as [Page, Page, Page]
      const heard = [await listenForLimit(second), await listenForLimit(third)]
      rig.collector.fault({ kind: 'status', status: 429, ...retryAfter() } as Fault)
      await track(first, ['first'])
      await until(
        async () => (await reports(first)).some(({ reason }) => reason === 'rate-limited'),
        {
          message: 'the answer',
        },
      )
      const [told] = (await reports(first)).filter(({ reason }) => reason === 'rate-limited')
      const end = told?.nextTryAt ?? 0
      expect(end).toBeGreaterThan(told?.at ?? 0)
      rig.collector.fault(undefined)

      await Promise.all(heard.map((wait) => wait()))
      await track(second, names(5, 'second'))
      await track(third, names(5, 'third'))
      await second.reload()
      const calls = ['first', ...names(5, 'second'), ...names(5, 'third')]
      await arrived(rig, calls)
      const early = rig.collector.requests.filter(
        ({ at }) => at > (told?.at ?? 0) + 100 && at < end,
      )
      expect(early).toEqual([])
    },
  )

  test('that the page cannot read backs off as any 429', async ({ open, rig }) => {
    const page = await open()
    rig.collector.fault({ kind: 'status', status: 429, retryAfter: 60, exposeRetryAfter: false })
    await track(page, ['x'])
    await attempts(rig, 2)
    rig.collector.fault(undefined)
    await arrived(rig, ['x'])
  })
})

describe('a redirect', () => {
  test.for([301, 302, 307])(
    '%i, to a page that answers 200, is not taken for an answer',
    async (status, { open, rig }) => {
      const page = await open(withClock)
      const location = rig.site.page('/login', '<title>Please log in</title>')
      rig.collector.fault({ kind: 'status', status, location })
      await track(page, ['x'])
      await until(async () => (await reports(page)).some(({ reason }) => reason === 'status'), {
        message: 'the redirect',
      })
      await writtenDown(page, 1)
      rig.collector.fault(undefined)
      await page.clock.fastForward(5 * 60_000)
      await arrived(rig, ['x'])
    },
  )
})

describe('a hit that the collector does not want', () => {
  test('(400) in front of others is dropped and reported; the others flow', async ({
    open,
    rig,
  }) => {
    const page = await open()
    rig.collector.fault({
      kind: 'status',
      status: 400,
      where: (hit) => featureOf(hit) === 'poison',
    })
    await track(page, ['poison', ...names(5)])
    await arrived(rig, names(5))
    const dropped = (await reports(page)).filter(({ outcome }) => outcome === 'dropped')
    expect(
      dropped.map(({ reason, status, hit }) => [reason, status, featureOf(hit ?? {})]),
    ).toEqual([['refused', 400, 'poison']])
    await writtenDown(page, 0)
  })

  test('yet (401 for an hour) is deferred; the others flow', async ({ open, rig }) => {
    const page = await open(withClock)
    rig.collector.fault({ kind: 'status', status: 401, where: (hit) => featureOf(hit) === 'later' })
    await track(page, ['later', ...names(5)])
    await arrived(rig, names(5))
    const asked = () => rig.collector.requests.length - 5
    for (let minutes = 0; minutes < 60; minutes += 5) {
      await settled(page)
      await page.clock.fastForward(5 * 60_000)
    }
    await settled(page)
    expect(asked()).toBeGreaterThan(1)
    expect(asked()).toBeLessThanOrEqual(8)
    rig.collector.fault(undefined)
    await until(
      async () => {
        await page.clock.fastForward(5 * 60_000)
        return acceptedBy(rig).some(({ hit }) => featureOf(hit) === 'later')
      },
      { message: 'the 401 hit' },
    )
  })
})

describe('a collector that hangs', () => {
  test.for(['headers', 'body'] as const)(
    'in the %s for 12 s holds two sockets, and delivers within 15 s of healing',
    async (at, { open, rig }) => {
      const page = await open()
      rig.collector.fault({ kind: 'hang', at })
      const calls = names(20)
      await track(page, calls)
      await attempts(rig, 2)
      // A fetch of the page's own to the same host goes through meanwhile.
      const status = await page.evaluate(
        async (url) => (await fetch(url, { mode: 'no-cors' })).type,
        rig.collector.origin,
      )
      expect(status).toBe('opaque')
      expect(rig.collector.requests).toHaveLength(2)
      await attempts(rig, 3, 15_000)
      rig.collector.fault(undefined)
      const healed = Date.now()
      await arrived(rig, calls, 15_000)
      expect(Date.now() - healed).toBeLessThan(15_000)
    },
  )
})

describe('a collector without CORS headers from the first request on', () => {
  test('gets every hit, none more than four times, and they count as accepted after an hour', async ({
    open,
    rig,
  }) => {
    const page = await open(withClock)
    rig.collector.fault({ kind: 'no-cors' })
    const calls = names(6)
    await track(page, calls)
    await arrived(rig, calls)
    await until(
      async () => (await reports(page)).filter(({ reason }) => reason === 'network').length === 6,
      { message: 'the hits to be told unconfirmed' },
    )
    const accepted = async () =>
      (await reports(page))
        .filter(({ outcome }) => outcome === 'accepted')
        .map(({ reason }) => reason)
    expect(await accepted()).toEqual([])
    await writtenDown(page, 6)
    await page.clock.fastForward(hour + 1000)
    await until(async () => (await accepted()).length === 6, { message: 'six accepted hits' })
    expect(await accepted()).toEqual(Array(6).fill('unconfirmed'))

    const times = calls.map(
      (name) => rig.collector.requests.filter(({ hit }) => featureOf(hit) === name).length,
    )
    expect(Math.max(...times)).toBeLessThanOrEqual(4)
    await writtenDown(page, 0)

    await track(page, ['afterwards'])
    await arrived(rig, ['afterwards'])
    const after = rig.collector.requests.filter(({ hit }) => featureOf(hit) === 'afterwards')
    expect(after).toHaveLength(1)
  })
})
