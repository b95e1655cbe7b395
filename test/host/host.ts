import happyDomsConsole from 'node:console'
import { Analytics, AnalyticsBrowser } from '@segment/analytics-next'
import type { AnalyticsBrowserSettings, InitOptions, Plugin } from '@segment/analytics-next'
import { test as base, vi } from 'vitest'
import type { DeliveryReport, SkalinPlugin, SkalinSettings } from '../../src/index.ts'
import { skalin } from '../../src/index.ts'
import {
  type Collector,
  type Fault,
  type HitFields,
  createCollector,
} from '../../src/testing/index.ts'
import { patienceMs, until } from '../support/deadline.ts'

declare global {
  interface Window {
    happyDOM: { settings: { fetch: { disableSameOriginPolicy: boolean } } }
  }
}

// happy-dom sends a preflight before every POST, which no browser does: Chromium tests CORS.
window.happyDOM.settings.fetch.disableSameOriginPolicy = true

// Every request that fails, as a browser's console has it; some do so after their test.
vi.spyOn(happyDomsConsole, 'error').mockImplementation(() => undefined)

/** Another destination: what it gets is what every destination should get. */
export type Witness = { plugin: Plugin; seen: string[] }

/** The real Segment and a real collector, for one test. */
export type Host = {
  collector: Collector
  /** Every report of every plugin made here. */
  reports: DeliveryReport[]
  /** What came to the console. */
  said: string[]
  /** A plugin that sends to the collector and reports here, of this copy of the package or another. */
  plugin: (more?: Partial<SkalinSettings>, make?: typeof skalin) => SkalinPlugin
  /** An instance that has loaded. */
  analytics: (options?: InitOptions, ...plugins: Plugin[]) => Promise<Analytics>
  /** An instance as an application has it: what is called on it waits until it has loaded. */
  load: (settings?: Partial<AnalyticsBrowserSettings>, options?: InitOptions) => AnalyticsBrowser
  witness: () => Witness
  /** Waits until so many hits have come and no more are on their way; returns all there are. */
  hits: (count: number) => Promise<HitFields[]>
  /** The same, but only their features, from A to Z; `ui` stands for who somebody is. */
  names: (count: number) => Promise<string[]>
  /** Waits for a report and returns it. */
  report: (like: Partial<DeliveryReport>) => Promise<DeliveryReport>
}

/** The collector takes hits and, for as long as any test lasts, does not say so. */
export const silent: Fault = { kind: 'slow', ms: 60_000 }

const types = ['track', 'page', 'screen', 'identify', 'group', 'alias'] as const

/** A plugin of somebody else's, with one hook for all calls. */
export const pluginOf = (
  name: string,
  type: Plugin['type'],
  hook: NonNullable<Plugin['track']>,
): Plugin => ({
  name,
  type,
  version: '1.0.0',
  isLoaded: () => true,
  load: () => Promise.resolve(),
  ...Object.fromEntries(types.map((each) => [each, hook])),
})

export const nameOf = ({ action, event = '' }: HitFields): string =>
  action === 'ui' ? 'ui' : (JSON.parse(event) as { name: string }).name

export const identityOf = ({ identity = 'null' }: HitFields): unknown => JSON.parse(identity)

export function forgetEverybody(): void {
  localStorage.clear()
  for (const cookie of document.cookie.split('; ')) {
    document.cookie = `${cookie.replace(/=.*/, '')}=; max-age=-1; path=/`
  }
}

export const test = base.extend<{ host: Host }>({
  // eslint-disable-next-line no-empty-pattern -- vitest reads the names off a pattern
  host: async ({}, use) => {
    forgetEverybody()
    const said: string[] = []
    const spies = (['error', 'warn'] as const).map((level) =>
      vi.spyOn(console, level).mockImplementation((...words) => said.push(words.join(' '))),
    )
    const collector = await createCollector()
    const reports: DeliveryReport[] = []
    const plugins: SkalinPlugin[] = []
    const instances: Analytics[] = []
    const pending = async () =>
      (await Promise.all(plugins.map((plugin) => plugin.pending()))).reduce((a, b) => a + b, 0)

    const hits: Host['hits'] = async (count) => {
      await collector.hits({ count }, patienceMs)
      await until(async () => (await pending()) === 0, { message: 'the end of all requests' })
      return (await collector.hits({ count }, patienceMs)).map(({ hit }) => hit)
    }

    await use({
      collector,
      reports,
      said,
      plugin(more, make = skalin) {
        const plugin = make({
          clientId: 'test-client',
          endpoint: collector.endpoint,
          onDelivery: (report) => reports.push(report),
          ...more,
        })
        plugins.push(plugin)
        return plugin
      },
      async analytics(options, ...registered) {
        // What `AnalyticsBrowser` makes of it by default; without, no event passes offline.
        const analytics = new Analytics({ writeKey: 'test-key' }, { retryQueue: true, ...options })
        instances.push(analytics)
        await analytics.register(...registered)
        return analytics
      },
      load(more, options) {
        const analytics = AnalyticsBrowser.load(
          {
            writeKey: 'test-key',
            cdnSettings: { integrations: { 'Segment.io': { apiKey: 'test-key' } } },
            ...more,
          },
          // The tests are nobody's business but ours.
          { ...options, integrations: { 'Segment.io': false, ...options?.integrations } },
        )
        analytics.then(
          ([instance]) => instances.push(instance),
          () => undefined,
        )
        return analytics
      },
      witness() {
        const seen: string[] = []
        const plugin = pluginOf('Witness', 'destination', (ctx) => {
          const { type, event, name } = ctx.event
          seen.push(type === 'track' ? String(event) : [type, name].filter(Boolean).join(' '))
          return ctx
        })
        return { plugin, seen }
      },
      hits,
      names: async (count) => (await hits(count)).map(nameOf).sort(),
      report: (like) =>
        until(
          () =>
            reports.find((report) =>
              Object.entries(like).every(
                ([name, value]) => report[name as keyof DeliveryReport] === value,
              ),
            ),
          { message: `the report ${JSON.stringify(like)} among ${JSON.stringify(reports)}` },
        ),
    })

    // What waits would go out with the end of the plugin.
    await Promise.all(plugins.map((plugin) => plugin.clear()))
    await Promise.all(instances.map((analytics) => analytics.deregister('Skalin')))
    await collector.close()
    for (const spy of spies) spy.mockRestore()
  },
})
