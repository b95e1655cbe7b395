import type { Analytics, InitOptions } from '@segment/analytics-next'
import fc from 'fast-check'
import { expect, vi } from 'vitest'
import { visitorOf } from '../../src/hit/map-event.ts'
import type { DeliveryReport } from '../../src/index.ts'
import { type Host, forgetEverybody, identityOf, test } from './host.ts'
import { setOnline } from './page.ts'

type Tab = { analytics: Analytics; onStorage: (event: StorageEvent) => void }

/** What a hit says of a person. */
type Said = { identity: unknown; customer: string | undefined; visitor: string | undefined }

/** What a hit says if Segment is asked for its user and its group at each call. */
function asking(
  analytics: Analytics,
  { type, userId, traits, groupId }: Record<string, unknown>,
): Said {
  const told = (type === 'identify' ? traits : analytics.user().traits()) as Record<string, string>
  const identity = {
    ...(userId ? { id: userId } : {}),
    ...(told['email'] ? { email: told['email'] } : {}),
  }
  const group = type === 'group' ? groupId : analytics.group().id()
  return {
    identity: Object.keys(identity).length > 0 ? identity : null,
    customer: told['groupId'] ?? (group as string | null) ?? undefined,
    visitor: visitorOf({ anonymousId: analytics.user().anonymousId() }, ''),
  }
}

const id = fc.constantFrom('alice', 'bob')
const traits = fc.record(
  {
    email: fc.constantFrom('a@example.com', 'b@example.com'),
    groupId: fc.constantFrom('acme', 'globex'),
    plan: fc.constantFrom('free', 'gold'),
  },
  { requiredKeys: [] },
)
const group = fc.constantFrom('one', 'two')

const calls = fc.oneof(
  { weight: 4, arbitrary: fc.constant(['track', 'Used']) },
  fc.tuple(fc.constant('identify'), id, traits),
  fc.tuple(fc.constant('identify'), traits),
  { weight: 3, arbitrary: fc.tuple(fc.constant('group'), group) },
  fc.tuple(fc.constant('alias'), id),
  fc.constant(['reset']),
  fc.tuple(fc.constant('setAnonymousId'), fc.constantFrom('visitor-1', 'visitor-2')),
)
const steps = fc.array(
  fc.record({ tab: fc.constantFrom(0 as const, 1 as const), waits: fc.boolean(), call: calls }),
  { minLength: 2, maxLength: 25 },
)

/** Two tabs of one origin: what one of them stores, the other is told of, and it alone. */
async function openTabs(
  host: Host,
  options: InitOptions,
  reports: DeliveryReport[],
): Promise<[Tab, Tab]> {
  const open = async () => {
    const listen = vi.spyOn(globalThis, 'addEventListener')
    const plugin = host.plugin({ anonymous: 'send', onDelivery: (report) => reports.push(report) })
    const analytics = await host.analytics(options, plugin)
    const listener = listen.mock.calls.find(([name]) => name === 'storage')?.[1]
    listen.mockRestore()
    return { analytics, onStorage: listener as Tab['onStorage'] }
  }
  return [await open(), await open()]
}

function contents(): Map<string, string | null> {
  return new Map(Object.keys(localStorage).map((key) => [key, localStorage.getItem(key)]))
}

const stores: [string, InitOptions][] = [
  ['by default', {}],
  ['in cookies only', { storage: { stores: ['cookie'] } }],
  ['in cookies, and in memory', { storage: { stores: ['cookie', 'memory'] } }],
  ['in localStorage only', { storage: { stores: ['localStorage'] } }],
]

test.for(stores)(
  'calls in two tabs say of a person what Segment says if it is asked each time: %s',
  { timeout: 60_000 },
  async ([, options], { host }) => {
    setOnline(false)
    const property = fc.asyncProperty(steps, fc.boolean(), async (taken, isTold) => {
      forgetEverybody()
      const reports: DeliveryReport[] = []
      const tabs = await openTabs(host, options, reports)
      const expected = new Map<string, Said & { action: string }>()
      for (const { analytics } of tabs) {
        analytics.on('dispatch_start', ({ event }: { event: Record<string, unknown> }) => {
          const action = event.type === 'track' ? 'ev' : 'ui'
          expected.set(String(event.messageId), { action, ...asking(analytics, event) })
        })
      }
      let before = contents()
      const tellOthers = (tab: number) => {
        const after = contents()
        for (const key of new Set([...before.keys(), ...after.keys()])) {
          const isChanged = before.get(key) !== after.get(key)
          // A second instance on the page is told nothing.
          if (isChanged && isTold) tabs[1 - tab]?.onStorage({ key } as StorageEvent)
        }
        before = after
      }
      const pending: unknown[] = []
      for (const { tab, waits, call } of taken) {
        const [method, ...given] = call
        const make = Reflect.get(tabs[tab].analytics, method) as (...given: unknown[]) => unknown
        const done = make(...given)
        tellOthers(tab)
        if (waits) await done
        else pending.push(done)
        tellOthers(tab)
      }
      await Promise.all(pending)

      const saidOf = ({ hit }: DeliveryReport): Said => ({
        identity: identityOf(hit as never),
        customer: hit?.customer_id,
        visitor: hit?.visitor_id,
      })
      const said = reports.filter(
        ({ hit, messageId }) => hit?.action === expected.get(messageId ?? '')?.action,
      )
      expect(said.length).toBeGreaterThanOrEqual(
        taken.filter(({ call }) => call[0] === 'track').length,
      )
      for (const report of said) {
        expect({ action: report.hit?.action, ...saidOf(report) }).toEqual(
          expected.get(report.messageId ?? ''),
        )
      }
      await Promise.all(tabs.map(({ analytics }) => analytics.deregister('Skalin')))
    })
    await fc.assert(property, { numRuns: 100 })
  },
)

/** Two tabs, and what is done in one of them, of which the other is told as it happens. */
async function openTold(host: Host) {
  const tabs = await openTabs(host, {}, [])
  let before = contents()
  const tellOthers = (tab: 0 | 1) => {
    const after = contents()
    for (const key of new Set([...before.keys(), ...after.keys()])) {
      if (before.get(key) !== after.get(key)) tabs[1 - tab]?.onStorage({ key } as StorageEvent)
    }
    before = after
  }
  async function act(tab: 0 | 1, work: (analytics: Analytics) => unknown): Promise<void> {
    const done = work(tabs[tab].analytics)
    tellOthers(tab)
    await done
    tellOthers(tab)
  }
  return { tabs, act }
}

const said = { email: 'a@example.com', groupId: 'acme' }

test('what another tab keeps from Skalin costs this one nothing that was said', async ({
  host,
}) => {
  const { act } = await openTold(host)
  await act(0, (analytics) => analytics.identify('alice', said))
  const off = { integrations: { Skalin: false } }
  await act(1, (analytics) => analytics.identify('alice', { plan: 'gold' }, off))
  await act(0, (analytics) => analytics.track('Used'))
  const hits = await host.hits(2)
  expect(hits.map(({ customer_id }) => customer_id)).toEqual(['acme', 'acme'])
})

test('nor does what it said and was closed before it arrived', async ({ host }) => {
  const { tabs, act } = await openTold(host)
  const never = new Promise<void>(() => undefined)
  await tabs[1].analytics.addSourceMiddleware(async ({ payload, next }) => {
    await never
    next(payload)
  })
  await act(0, (analytics) => analytics.identify('alice', said))
  await act(1, async (analytics) => {
    void analytics.identify('alice', { ...said, plan: 'gold' })
    await analytics.deregister('Skalin')
  })
  await act(0, (analytics) => analytics.track('Used'))
  const hits = await host.hits(2)
  expect(hits.map(({ customer_id }) => customer_id)).toEqual(['acme', 'acme'])
})
