import type { Analytics, MiddlewareFunction } from '@segment/analytics-next'
import type { SkalinPlugin, SkalinSettings } from 'skalin-analytics-plugin'

/** Segment at work in this page, with the plugin registered. */
export type Host = { analytics: Analytics; plugin: SkalinPlugin }

export type HostOptions = {
  /** A real source; without it Segment stays off the network. */
  writeKey: string | undefined
  settings: SkalinSettings
  /** The collector whose inspector is told. */
  inspector: string
  /** Puts the visitor's choices on every event, as Segment's consent tools do. */
  stamp: MiddlewareFunction | undefined
}
