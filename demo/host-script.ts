// The script-tag entry point: Segment's own snippet, and our script tag beside it.
import type { Analytics } from '@segment/analytics-next'
import type { skalin } from 'skalin-analytics-plugin'
import { inspect } from 'skalin-analytics-plugin/inspect'
import type { Host, HostOptions } from './host.ts'

type Globals = {
  /** The snippet's stand-in until Segment has loaded. */
  analytics: Analytics
  skalinPlugin: typeof skalin
}

const globals = window as unknown as Globals

function loadScript(src: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script')
    script.async = true
    script.onload = () => resolve()
    script.onerror = () => reject(new Error(`${src} could not be loaded`))
    script.src = src
    document.head.append(script)
  })
}

export async function start({ writeKey, settings, inspector, stamp }: HostOptions): Promise<Host> {
  const query = writeKey === undefined ? '' : `?${new URLSearchParams({ writeKey })}`
  // Without `data-client-id` the tag only brings the factory, and `onDelivery` can be given to it.
  await Promise.all([loadScript(`/segment-snippet.js${query}`), loadScript('/skalin.min.js')])

  const { analytics } = globals
  if (stamp) void globals.analytics.addSourceMiddleware(stamp)
  const plugin = globals.skalinPlugin(inspect(settings, { analytics, inspector }))
  globals.analytics.push(['register', plugin])
  await new Promise<void>((resolve) => void globals.analytics.ready(() => resolve()))
  return { analytics: globals.analytics, plugin }
}
