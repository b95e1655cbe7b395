import type { Analytics, MiddlewareFunction } from '@segment/analytics-next'
import type { SkalinPlugin, SkalinSettings } from 'skalin-analytics-plugin'

/** Segment at work in this page, with the plugin registered. */
export type Host = { analytics: Analytics; plugin: SkalinPlugin }

export type HostOptions = {
  /** A real source; without it Segment stays off the network. */
  writeKey: string | undefined
  settings: SkalinSettings
  /** Puts the visitor's choices on every event, as Segment's consent tools do. */
  stamp: MiddlewareFunction | undefined
}

/** Starts Segment by one of the plugin's two doors. */
export async function startHost(build: 'npm' | 'script', options: HostOptions): Promise<Host> {
  const door = await (build === 'npm' ? import('./host-npm.ts') : import('./host-script.ts'))
  return door.start(options)
}
