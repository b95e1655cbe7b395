import type { Page } from 'playwright-core'
import { describe, expect } from 'vitest'
import { isChromium } from '../../support/browser.ts'
import { until } from '../../support/deadline.ts'
import {
  acceptedBy,
  arrived,
  featureOf,
  leaveBehind,
  names,
  reports,
  stored,
  track,
  writtenDown,
} from '../../support/fault-rig.ts'
import { ready } from '../../support/rig.ts'
import { test, withClock } from './fixture.ts'

describe('IndexedDB', () => {
  const sabotages: [string, () => void][] = [
    [
      'that throws when it is touched',
      () => {
        Object.defineProperty(window, 'indexedDB', {
          get() {
            throw new DOMException('Not allowed', 'SecurityError')
          },
        })
      },
    ],
    ['that is missing', () => Object.defineProperty(window, 'indexedDB', { value: undefined })],
    [
      'that never opens',
      () => {
        // A real request whose events nobody hears of.
        const open = IDBFactory.prototype.open.bind(indexedDB)
        IDBFactory.prototype.open = (name) => {
          const request = open(`${name}-elsewhere`)
          request.addEventListener = () => undefined
          return request
        }
      },
    ],
    [
      'whose every transaction aborts',
      () => {
        // eslint-disable-next-line @typescript-eslint/unbound-method -- it is applied to what it is called on
        const { put } = IDBObjectStore.prototype
        IDBObjectStore.prototype.put = function (...args) {
          const request = put.apply(this, args)
          this.transaction.abort()
          return request
        }
      },
    ],
    [
      'whose connection dies without a word',
      () => {
        const transaction = Reflect.get(IDBDatabase.prototype, 'transaction') as (
          ...args: unknown[]
        ) => IDBTransaction
        let times = 0
        IDBDatabase.prototype.transaction = function (this: IDBDatabase, ...args: unknown[]) {
          times += 1
          if (times % 2 === 0) this.close()
          return transaction.apply(this, args)
        } as IDBDatabase['transaction']
      },
    ],
  ]

  test.for(sabotages)(
    '%s costs nothing while online, also through an outage',
    async ([, sabotage], { open, rig }) => {
      const page = await open({ before: (page) => page.addInitScript(sabotage) })
      await track(page, names(10, 'well'))
      await arrived(rig, names(10, 'well'))
      rig.collector.fault({ kind: 'status', status: 503, times: 3 })
      await track(page, names(10, 'outage'))
      await arrived(rig, names(10, 'outage'), 40_000)
    },
  )

  test.runIf(isChromium)(
    'that is out of quota costs nothing while online',
    async ({ context, rig }) => {
      const page = await context.newPage()
      const devtools = await context.newCDPSession(page)
      await devtools.send('Storage.overrideQuotaForOrigin', {
        origin: rig.site.origin,
        quotaSize: 1,
      })
      await page.goto(rig.serve('npm', '/app', "anonymous: 'send'"))
      await ready(page)
      rig.collector.fault({ kind: 'status', status: 503, times: 3 })
      await track(page, names(30))
      await arrived(rig, names(30), 40_000)
      await devtools.send('Storage.overrideQuotaForOrigin', { origin: rig.site.origin })
    },
  )

  test('is not touched where the application keeps Segment from storing', async ({
    context,
    rig,
  }) => {
    const page = await context.newPage()
    const html = rig.site.npmPage({
      settings: `{ clientId: 'test-client', endpoint: '${rig.collector.endpoint}', anonymous: 'send' }`,
      loadOptions: '{ disableClientPersistence: true }',
    })
    await page.goto(rig.site.page('/memory', html))
    await ready(page)
    rig.collector.fault({ kind: 'status', status: 503, times: 2 })
    await track(page, names(5))
    await arrived(rig, names(5))
    expect(await page.evaluate(() => indexedDB.databases())).toEqual([])
    expect(
      await page.evaluate(() => Object.keys(localStorage).filter((key) => /skalin/.test(key))),
    ).toEqual([])
  })
})

describe('many hits', () => {
  test('5,000 waiting ones are all delivered in the end, oldest first', async ({ open, rig }) => {
    const page = await open()
    await until(() => stored(page), { message: 'the outbox' })
    const calls = names(5000)
    await leaveBehind(page, rig, calls)
    await page.reload()
    await arrived(rig, calls, 120_000)
    const order = acceptedBy(rig).map(({ hit }) => calls.indexOf(featureOf(hit)))
    // Four are in flight at a time, so that neighbours may change places.
    const late = order.filter((place, index) => place < (order[index - 1] ?? 0) - 4)
    expect(late).toEqual([])
    await writtenDown(page, 0)
  }, 180_000)

  test('more than 5,000 lose the oldest, each reported as evicted', async ({ open, rig }) => {
    rig.collector.fault({ kind: 'status', status: 503 })
    const page = await open()
    await until(() => stored(page), { message: 'the outbox' })
    const before = names(4990, 'before')
    await leaveBehind(page, rig, before)
    await track(page, names(110))
    const evicted = async () => (await reports(page)).filter(({ reason }) => reason === 'evicted')
    await until(async () => (await evicted()).length === 100, { message: '100 evicted hits' })
    const gone = (await evicted()).map(({ hit }) => featureOf(hit ?? {}))
    expect(gone).toEqual(before.slice(0, 100))
    expect(await stored(page)).toHaveLength(5000)
  })
})

describe('hits that may not go', () => {
  test('because they are older than seven days are gone and reported', async ({ open, rig }) => {
    const page = await open(withClock)
    rig.collector.fault({ kind: 'status', status: 503 })
    await track(page, ['old'])
    await until(() => rig.collector.requests.length > 0, { message: 'an attempt' })
    await writtenDown(page, 1)
    await page.clock.fastForward(7 * 24 * 3_600_000 + 60_000)
    rig.collector.fault(undefined)
    await track(page, ['new'])
    await arrived(rig, ['new'])
    await until(async () => (await reports(page)).some(({ reason }) => reason === 'too-old'), {
      message: 'the report',
    })
    expect(acceptedBy(rig).map(({ hit }) => featureOf(hit))).toEqual(['new'])
    await writtenDown(page, 0)
  })

  test('because consent was withdrawn are deleted, in all tabs, and reported', async ({
    open,
    rig,
  }) => {
    const consenting = `consent: { categories: ['Analytics'] }`
    const stamp = (page: Page, given: boolean) =>
      page.evaluate((yes) => {
        void window.analytics.track(
          yes ? 'yes' : 'no',
          {},
          {
            consent: { categoryPreferences: { Analytics: yes } },
          },
        )
      }, given)
    rig.collector.fault({ kind: 'status', status: 503 })
    const page = await open({ settings: consenting })
    const other = await open({ settings: consenting })
    await stamp(page, true)
    await stamp(other, true)
    await writtenDown(page, 2)
    await stamp(page, false)
    await writtenDown(page, 0)
    const told = (await reports(page)).map(({ outcome, reason }) => `${outcome} ${reason}`)
    expect(told.filter((text) => text === 'dropped consent')).toHaveLength(2)
    expect(told).toContain('skipped consent')

    rig.collector.clear()
    rig.collector.fault(undefined)
    // Nor when the other tab goes, which still had it in memory.
    await other.goto('about:blank')
    await page.evaluate(() => window.plugin.flush())
    await stamp(page, true)
    await arrived(rig, ['yes'])
    expect(rig.collector.requests).toHaveLength(1)
  })
})

describe('clear()', () => {
  test('forgets what waits and the visit; flush() and pending() tell', async ({ open, rig }) => {
    const page = await open()
    rig.collector.fault({ kind: 'status', status: 503 })
    await track(page, names(3))
    await writtenDown(page, 3)
    expect(await page.evaluate(() => window.plugin.pending())).toBe(3)
    await page.evaluate(() => window.plugin.clear())
    expect(await page.evaluate(() => window.plugin.pending())).toBe(0)
    expect(await stored(page)).toEqual([])
    expect(await page.evaluate(() => localStorage.getItem('skalin:visit'))).toBeNull()
    rig.collector.fault(undefined)
    await track(page, ['after'])
    await arrived(rig, ['after'])
    await page.evaluate(() => window.plugin.flush())
    expect(acceptedBy(rig).map(({ hit }) => featureOf(hit))).toEqual(['after'])
  })

  test('of a plugin that is switched off forgets what an earlier page left', async ({
    open,
    rig,
  }) => {
    rig.collector.fault({ kind: 'status', status: 503 })
    const page = await open()
    await track(page, names(3))
    await writtenDown(page, 3)
    await page.goto(rig.serve('npm', '/off', 'enabled: false'))
    await ready(page)
    await track(page, ['unsent'])
    await page.evaluate(() => window.plugin.clear())
    expect(await stored(page)).toEqual([])

    rig.collector.clear()
    rig.collector.fault(undefined)
    await page.goto(rig.serve('npm', '/on', `anonymous: 'send'`))
    await track(page, ['after'])
    await arrived(rig, ['after'])
    await page.evaluate(() => window.plugin.flush())
    expect(acceptedBy(rig).map(({ hit }) => featureOf(hit))).toEqual(['after'])
  })
})
