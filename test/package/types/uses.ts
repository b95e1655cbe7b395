// What applications write. It compiles against every supported version of Segment.
import { Analytics, AnalyticsBrowser } from '@segment/analytics-next'
import type { Plugin } from '@segment/analytics-next'
import { Analytics as NodeAnalytics } from '@segment/analytics-node'
import { Analytics as FloorAnalytics, AnalyticsBrowser as FloorBrowser } from 'analytics-next-1.72'
import type { Plugin as FloorPlugin } from 'analytics-next-1.72'
import {
  Analytics as MiddleAnalytics,
  AnalyticsBrowser as MiddleBrowser,
} from 'analytics-next-1.78'
import type { Plugin as MiddlePlugin } from 'analytics-next-1.78'
import { skalin } from 'skalin-analytics-plugin'
import type {
  DeliveryReport,
  DropReason,
  Hit,
  SegmentEvent,
  SkalinPlugin,
  SkalinSettings,
  SkipReason,
  WaitReason,
} from 'skalin-analytics-plugin'
import { inspect } from 'skalin-analytics-plugin/inspect'

const plugin: SkalinPlugin = skalin({ clientId: 'my-client-id' })

export const plugins: [Plugin, MiddlePlugin, FloorPlugin] = [plugin, plugin, plugin]

void new Analytics({ writeKey: 'k' }).register(plugin)
void new MiddleAnalytics({ writeKey: 'k' }).register(plugin)
void new FloorAnalytics({ writeKey: 'k' }).register(plugin)
// By mistake: it does nothing there.
void new NodeAnalytics({ writeKey: 'k' }).register(plugin)

void AnalyticsBrowser.load({ writeKey: 'k', plugins: [plugin] }).register(plugin)
void MiddleBrowser.load({ writeKey: 'k', plugins: [plugin] }).register(plugin)
void FloorBrowser.load({ writeKey: 'k', plugins: [plugin] }).register(plugin)

const isPage = ({ type }: SegmentEvent) => type === 'page'

// Also a build-time variable that may be missing.
declare const endpoint: string | undefined
export const settings: SkalinSettings = {
  clientId: 'my-client-id',
  endpoint,
  enabled: true,
  customerId: (event) => (isPage(event) ? undefined : 'acme'),
  featureName: (event, name) => (isPage(event) ? null : name.toLowerCase()),
  paths: ['/projects/:projectId'] as const,
  traits: ['plan'] as const,
  url: (url) => url.origin,
  anonymous: 'send',
  visitTimeoutMs: 60_000,
  consent: { categories: ['Analytics'] as const },
  respectGpc: true,
  onDelivery: ({ outcome, reason, hit, messageId, attempts, status, nextTryAt }) => {
    const why: SkipReason | WaitReason | DropReason | 'unconfirmed' | undefined = reason
    const seen: [DeliveryReport['outcome'], typeof why, Hit | undefined] = [outcome, why, hit]
    const numbers: (number | undefined)[] = [attempts, status, nextTryAt]
    console.log(seen, numbers, messageId, hit?.client_id, hit?.identity)
  },
}

const waiting: Promise<number> = plugin.pending()
export const done: Promise<unknown>[] = [waiting, plugin.flush(), plugin.clear()]

declare const browser: AnalyticsBrowser | undefined
void skalin(inspect(settings, { analytics: browser, inspector: endpoint }))

// The hooks are usable unbound, and give back what they are given.
const { track } = plugin
export const same = (ctx: Parameters<NonNullable<Plugin['track']>>[0]): typeof ctx => track(ctx)
