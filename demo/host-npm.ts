// The npm entry point: what an application that is bundled does.
import { AnalyticsBrowser, type AnalyticsBrowserSettings } from '@segment/analytics-next'
import { skalin } from 'skalin-analytics-plugin'
import { inspect } from 'skalin-analytics-plugin/inspect'
import type { Host, HostOptions } from './host.ts'

// Segment's type insists on settings of its own destination, which is what must not be there.
const offline = {
  writeKey: 'demo',
  // A sample of Segment's users sends it figures about itself.
  cdnSettings: { integrations: {}, metrics: { sampleRate: 0 } },
} as AnalyticsBrowserSettings

export async function start({ writeKey, settings, inspector, stamp }: HostOptions): Promise<Host> {
  const browser =
    writeKey === undefined
      ? // It is set up without settings, too, and would send.
        AnalyticsBrowser.load(offline, { integrations: { 'Segment.io': false } })
      : AnalyticsBrowser.load({ writeKey })
  if (stamp) void browser.addSourceMiddleware(stamp)
  const plugin = skalin(inspect(settings, { analytics: browser, inspector }))
  await browser.register(plugin)
  const [analytics] = await browser
  return { analytics, plugin }
}
