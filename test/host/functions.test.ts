import type { Analytics, Context } from '@segment/analytics-next'
import { describe, expect, onTestFinished } from 'vitest'
import type { DeliveryReport, SkalinSettings } from '../../src/index.ts'
import { type Host, nameOf, test } from './host.ts'

const sabotaged = () => new Error('sabotaged')

/** Ways in which a function of the user's goes wrong. */
const ways: Record<string, () => unknown> = {
  throws: () => {
    throw sabotaged()
  },
  rejects: () => Promise.reject(sabotaged()),
  'rejects later': async () => {
    await Promise.resolve()
    throw sabotaged()
  },
  'never settles': () => new Promise(() => undefined),
  'gives a thenable that throws': () => ({
    then() {
      throw sabotaged()
    },
  }),
}

/** Rejections that nobody has handled. */
function watchRejections(): unknown[] {
  const rejections: unknown[] = []
  const listener = (reason: unknown) => rejections.push(reason)
  process.on('unhandledRejection', listener)
  onTestFinished(() => void process.off('unhandledRejection', listener))
  return rejections
}

const names = ['onDelivery', 'featureName', 'customerId', 'url'] as const

describe.for(names)('`%s`', (name) => {
  test.for(Object.keys(ways))(
    'that %s reaches neither the page nor a hit',
    async (way, { host }) => {
      const rejections = watchRejections()
      const settings: Partial<SkalinSettings> = { anonymous: 'send', [name]: ways[way] }
      const analytics = await host.analytics({}, host.plugin(settings))
      await analytics.track('First')
      await analytics.track('Second')

      expect(await host.names(2)).toEqual(['First', 'Second'])
      await new Promise(setImmediate)
      expect(rejections).toEqual([])
      expect(host.said).toEqual([])
    },
  )

  test('may call the plugin and Segment', async ({ host }) => {
    let calls = 0
    const plugin = host.plugin({
      anonymous: 'send',
      [name]: () => {
        calls += 1
        if (calls > 1) return
        void plugin.pending()
        void analytics.track('From within')
      },
    })
    const analytics: Analytics = await host.analytics({}, plugin)
    await analytics.track('Used')
    expect(await host.names(2)).toEqual(['From within', 'Used'])
  })
})

describe('`customerId` as a function', () => {
  /** An application with one workspace after the other, and none after the logout. */
  async function switchWorkspaces(host: Host, ready?: (analytics: Analytics) => unknown) {
    const store: { workspace?: { id: string } } = { workspace: { id: 'acme' } }
    const customerId = () => store.workspace?.id
    const analytics = await host.analytics({}, host.plugin({ customerId, anonymous: 'send' }))
    await ready?.(analytics)
    await analytics.identify('alice')
    void analytics.track('Left')
    store.workspace = { id: 'globex' }
    await analytics.track('Entered')
    void analytics.track('Logged out')
    delete store.workspace
    const hits = await host.hits(4)
    return Object.fromEntries(hits.map((hit) => [nameOf(hit), hit.customer_id]))
  }
  const expected = { ui: 'acme', Left: 'acme', Entered: 'globex', 'Logged out': 'globex' }

  test('is asked when the call is made', async ({ host }) => {
    expect(await switchWorkspaces(host)).toEqual(expected)
  })

  test('also if there is no customer then', async ({ host }) => {
    const store: { workspace?: string } = {}
    const customerId = () => store.workspace
    const analytics = await host.analytics({}, host.plugin({ customerId, anonymous: 'send' }))
    void analytics.track('Picking')
    store.workspace = 'globex'
    expect((await host.hits(1))[0]?.customer_id).toBeUndefined()
  })

  test('is asked again of the event that arrives, if it throws', async ({ host }) => {
    let isFirst = true
    const customerId = () => {
      if (!isFirst) return 'acme'
      isFirst = false
      throw sabotaged()
    }
    const analytics = await host.analytics({}, host.plugin({ customerId, anonymous: 'send' }))
    const ctx = await analytics.track('Used')
    expect((await host.hits(1))[0]?.customer_id).toBe('acme')
    expect(warningsOf([ctx])).toEqual([])
  })

  test('also where consent is stamped on events', async ({ host }) => {
    const told = await switchWorkspaces(host, (analytics) =>
      analytics.addSourceMiddleware(({ payload, next }) => {
        payload.obj.context = { ...payload.obj.context, consent: { categoryPreferences: {} } }
        next(payload)
      }),
    )
    expect(told).toEqual(expected)
  })

  test('says of an event what a middleware has made of it', async ({ host }) => {
    const customerId = ({ properties }: { properties?: unknown }) =>
      (properties as Record<string, string>)['workspace']
    const analytics = await host.analytics({}, host.plugin({ customerId, anonymous: 'send' }))
    await analytics.addSourceMiddleware(({ payload, next }) => {
      delete payload.obj.properties?.['workspace']
      next(payload)
    })
    await analytics.track('Used', { workspace: 'acme' })
    expect((await host.hits(1))[0]?.customer_id).toBeUndefined()
  })
})

const warningsOf = (calls: Context[]) =>
  calls
    .flatMap((ctx) => ctx.logs().filter(({ level }) => level === 'warn'))
    .map(({ message }) => message)

test('an `onDelivery` that tracks without end is said once', async ({ host }) => {
  const calls: Context[] = []
  let made = 0
  const onDelivery = () => {
    made += 1
    if (made < 60) void analytics.track('Delivered').then((ctx) => calls.push(ctx))
  }
  const analytics: Analytics = await host.analytics(
    {},
    host.plugin({ anonymous: 'send', onDelivery }),
  )
  calls.push(await analytics.track('Used'))
  await host.collector.hits({ count: 30 })
  expect(warningsOf(calls)).toEqual([expect.stringContaining('`onDelivery`')])
})

test('an `onDelivery` that makes a call now and then is not', async ({ host }) => {
  const calls: Context[] = []
  const onDelivery = ({ hit }: DeliveryReport) => {
    if (hit?.event?.includes('Used') === true) void analytics.track('Delivered')
  }
  const analytics: Analytics = await host.analytics(
    {},
    host.plugin({ anonymous: 'send', onDelivery }),
  )
  for (let count = 0; count < 20; count += 1) calls.push(await analytics.track(`Used ${count}`))
  await host.hits(40)
  expect(warningsOf(calls)).toEqual([])
})
