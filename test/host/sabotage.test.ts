import type { Plugin } from '@segment/analytics-next'
import { describe, expect, onTestFinished } from 'vitest'
import type { SkalinPlugin } from '../../src/index.ts'
import { until } from '../support/deadline.ts'
import { type Host, test } from './host.ts'

const sabotage = () => {
  throw new Error('sabotaged')
}

/** What of the browser the plugin uses, and how to make it throw. */
const facilities: Record<string, [object, string]> = {
  indexedDB: [globalThis, 'indexedDB'],
  localStorage: [globalThis, 'localStorage'],
  BroadcastChannel: [globalThis, 'BroadcastChannel'],
  fetch: [globalThis, 'fetch'],
  requestIdleCallback: [globalThis, 'requestIdleCallback'],
  crypto: [globalThis, 'crypto'],
  'crypto.getRandomValues': [crypto, 'getRandomValues'],
  'window.addEventListener': [window, 'addEventListener'],
  'document.addEventListener': [document, 'addEventListener'],
  'document.visibilityState': [document, 'visibilityState'],
  'navigator.onLine': [navigator, 'onLine'],
  structuredClone: [globalThis, 'structuredClone'],
  URL: [globalThis, 'URL'],
  URLSearchParams: [globalThis, 'URLSearchParams'],
  TextEncoder: [globalThis, 'TextEncoder'],
  Request: [globalThis, 'Request'],
  AbortController: [globalThis, 'AbortController'],
  Map: [globalThis, 'Map'],
  Set: [globalThis, 'Set'],
}

/** What Segment does without here, so that it can stay broken while the plugin waits for something. */
const oursAlone = [
  'indexedDB',
  'fetch',
  'requestIdleCallback',
  'document.visibilityState',
  'structuredClone',
  'Request',
  'BroadcastChannel',
  'AbortController',
]

/** Whether a facility throws when it is read, as blocked storage does, or when it is used. */
const ways = {
  'cannot be read': { get: sabotage },
  throws: { value: sabotage },
  'is missing': { value: undefined },
}

/** Breaks facilities until the returned function is called. */
function breakAll(broken: [object, string][], way: PropertyDescriptor): () => void {
  const before = broken.map(
    ([owner, name]) => [owner, name, Object.getOwnPropertyDescriptor(owner, name)] as const,
  )
  for (const [owner, name] of broken) {
    Object.defineProperty(owner, name, { configurable: true, ...way })
  }
  return () => {
    for (const [owner, name, descriptor] of before) {
      if (descriptor) Object.defineProperty(owner, name, descriptor)
      else Reflect.deleteProperty(owner, name)
    }
  }
}

/** The plugin on a browser that is broken for it alone: Segment needs much of the same. */
function onBroken(
  make: () => SkalinPlugin,
  broken: [object, string][],
  way: PropertyDescriptor,
): Plugin {
  const repair = breakAll(broken, way)
  let plugin: SkalinPlugin
  try {
    plugin = make()
  } finally {
    repair()
  }
  const entries = Object.entries(plugin).map(([name, value]: [string, unknown]) => {
    if (typeof value !== 'function') return [name, value]
    return [
      name,
      (...given: unknown[]) => {
        const repair = breakAll(broken, way)
        try {
          return (value as (...given: unknown[]) => unknown)(...given)
        } finally {
          repair()
        }
      },
    ]
  })
  return Object.fromEntries(entries) as Plugin
}

/** A page's life with Segment, another destination and ours. */
async function live(host: Host, plugin: Plugin): Promise<void> {
  const unhandled: unknown[] = []
  const onUnhandled = (error: unknown) => unhandled.push(error)
  process.on('unhandledRejection', onUnhandled)
  onTestFinished(() => void process.off('unhandledRejection', onUnhandled))

  const witness = host.witness()
  const [analytics] = await host.load({ plugins: [plugin, witness.plugin] })
  await analytics.page('Start')
  await analytics.identify('alice', { email: 'alice@example.com' })
  await analytics.group('acme')
  await analytics.track('Used')
  await analytics.screen('Home')
  await analytics.alias('alicia')
  window.dispatchEvent(new Event('online'))
  document.dispatchEvent(new Event('visibilitychange'))
  window.dispatchEvent(new Event('pagehide'))
  window.dispatchEvent(new Event('pageshow'))
  analytics.reset()
  await analytics.ready()
  await analytics.deregister('Skalin')

  expect(witness.seen).toEqual(['page Start', 'identify', 'group', 'Used', 'screen Home', 'alias'])
  expect(analytics.queue.failedInitializations).toEqual([])
  expect(unhandled).toEqual([])
}

describe.for(Object.keys(ways) as (keyof typeof ways)[])(
  'Segment loads and the other destinations get everything though all of this %s',
  (way) => {
    test.for(Object.keys(facilities))('%s', async (name, { host }) => {
      const broken = [facilities[name] ?? [globalThis, name]] as [object, string][]
      await live(
        host,
        onBroken(() => host.plugin(), broken, ways[way]),
      )
    })

    test('all at once', async ({ host }) => {
      await live(
        host,
        onBroken(() => host.plugin(), Object.values(facilities), ways[way]),
      )
    })

    test.for(oursAlone)('%s, for good', async (name, { host }) => {
      onTestFinished(breakAll([facilities[name] ?? [globalThis, name]], ways[way]))
      await live(host, host.plugin())
    })

    test('all at once, with consent asked for', async ({ host }) => {
      const make = () => host.plugin({ consent: { categories: ['Analytics'] }, respectGpc: true })
      await live(host, onBroken(make, Object.values(facilities), ways[way]))
    })
  },
)

describe('hits go out all the same without', () => {
  const spare = [
    'indexedDB',
    'localStorage',
    'BroadcastChannel',
    'requestIdleCallback',
    'window.addEventListener',
    'document.addEventListener',
  ]
  const cases = Object.keys(ways).flatMap((way) => spare.map((name) => [name, way] as const))

  test.for(cases)('%s, which %s', async ([name, way], { host }) => {
    const broken = [facilities[name] ?? [globalThis, name]] as [object, string][]
    const plugin = host.plugin({ consent: { categories: ['Analytics'] }, anonymous: 'send' })
    const analytics = await host.analytics(
      {},
      onBroken(() => plugin, broken, ways[way as keyof typeof ways]),
    )
    const consent = { categoryPreferences: { Analytics: true } }
    await analytics.track('First', {}, { consent })
    await analytics.track('Second', {}, { consent })

    expect(await host.names(2)).toEqual(['First', 'Second'])
  })
})

test('an instance that nothing can be put on or listened to stops nobody', async ({ host }) => {
  const plugin = host.plugin()
  const instance = new Proxy({}, { get: sabotage, has: sabotage, ownKeys: sabotage })
  const log: unknown[] = []
  const ctx = { event: {}, log: (...line: unknown[]) => log.push(line) }

  await plugin.load(ctx, instance)
  await plugin.load(
    ctx,
    Object.freeze({
      user: sabotage,
      group: sabotage,
      on: sabotage,
      off: sabotage,
      register: sabotage,
    }),
  )
  expect(plugin.track(ctx)).toBe(ctx)
  await until(() => log.length > 0, { message: 'a word in the log' })
  await plugin.unload(ctx, instance)
})

test('a context that cannot log stops nobody', async ({ host }) => {
  const plugin = host.plugin()
  const ctx = { event: null as never, log: sabotage }
  await plugin.load(ctx, {})
  await host.analytics({}, plugin)
  expect(plugin.track(ctx)).toBe(ctx)
})

test.for([
  [['fetch', 'URL', 'crypto'], 'This page has no working fetch, URL, crypto: hits wait.'],
  // The others are made up for: hits go all the same.
  [['URL', 'crypto'], 'This page has no working URL, crypto.'],
] as const)(
  'what a page lacks is one message in the log: %j',
  async ([names, message], { host }) => {
    const analytics = await host.analytics()
    const said: string[] = []
    const ctx = { event: {}, log: (_: string, text: string) => said.push(text) }
    const mend = breakAll(
      names.map((name) => [globalThis, name]),
      { value: {} },
    )
    try {
      await host.plugin().load(ctx, analytics)
    } finally {
      mend()
    }
    expect(said).toEqual([`Skalin: ${message}`])
  },
)
