import type { Analytics } from '@segment/analytics-next'
import { expect, vi } from 'vitest'
import type { SkalinPlugin } from '../../src/index.ts'
import { type Host, forgetEverybody, test } from './host.ts'
import { setOnline } from './page.ts'

function cookieOf(target: object): PropertyDescriptor {
  const own = Object.getOwnPropertyDescriptor(target, 'cookie')
  return own ?? cookieOf(Object.getPrototypeOf(target) as object)
}

/** How often storage is read and written while `work` runs, the cookies apart. */
function accessDuring(work: () => void) {
  const counts = { reads: 0, writes: 0, cookieReads: 0, cookieWrites: 0 }
  const storage = localStorage
  vi.stubGlobal('localStorage', {
    getItem(key: string) {
      counts.reads += 1
      return storage.getItem(key)
    },
    setItem(key: string, value: string) {
      counts.writes += 1
      storage.setItem(key, value)
    },
    removeItem(key: string) {
      counts.writes += 1
      storage.removeItem(key)
    },
  })
  const cookie = cookieOf(document)
  Object.defineProperty(document, 'cookie', {
    configurable: true,
    get() {
      counts.cookieReads += 1
      return cookie.get?.call(document) as string
    },
    set(text: string) {
      counts.cookieWrites += 1
      cookie.set?.call(document, text)
    },
  })
  try {
    work()
  } finally {
    Reflect.deleteProperty(document, 'cookie')
    vi.unstubAllGlobals()
  }
  return counts
}

/** What 20 calls of a known user cost inside `track()` itself. */
async function costOf(host: Host, ...plugins: SkalinPlugin[]) {
  forgetEverybody()
  const analytics: Analytics = await host.analytics({}, ...plugins)
  await analytics.identify('alice', { email: 'alice@example.com' })
  await analytics.group('acme')
  await analytics.track('Before')
  return accessDuring(() => {
    for (let count = 0; count < 20; count += 1) void analytics.track('Used')
  })
}

test("inside `track()`, a glimpse at the stored traits and group is all that comes to Segment's own", async ({
  host,
}) => {
  setOnline(false)
  const alone = await costOf(host)
  const withPlugin = await costOf(host, host.plugin())

  expect(alone.cookieWrites).toBeGreaterThan(0)
  expect(withPlugin).toEqual({ ...alone, reads: alone.reads + 40 })
})

test('on a page without a group Segment is not asked for it: it would write that into all stores', async ({
  host,
}) => {
  const analytics = await host.analytics({}, host.plugin())
  const asked = vi.spyOn(analytics.group(), 'id')
  await analytics.identify('alice')
  await analytics.track('Used')
  expect(asked).not.toHaveBeenCalled()
  expect(await host.names(2)).toEqual(['Used', 'ui'])
})

test('an event that Segment restores asks it for nothing', async ({ host }) => {
  setOnline(false)
  const analytics = await host.analytics({}, host.plugin())
  await analytics.identify('alice')
  const { event } = await analytics.track('Used')
  const asked = vi.spyOn(analytics.user(), 'id')
  const plugin = analytics.queue.plugins[0]
  const restored = { ...event, messageId: 'restored', userId: 'bob', anonymousId: 'his' }
  void plugin?.track?.({ event: restored, log: () => undefined } as never)
  expect(asked).not.toHaveBeenCalled()
  await host.report({ messageId: 'restored' })
})
