import type { SegmentEvent } from './event.ts'
import type { Route } from './route.ts'

/** The settings that decide what a hit says. */
export type MappingSettings = {
  clientId: string
  customerId?: string | number | ((event: SegmentEvent) => string | undefined) | undefined
  featureName?: ((event: SegmentEvent, name: string) => string | null | undefined) | undefined
  traits: readonly string[]
  paths: readonly Route[]
  url?: ((url: URL) => string | null) | undefined
}

/**
 * What was true when a call was made and is not in its event. Segment runs a destination's hook
 * later, when the live user may be somebody else.
 */
export type Moment = {
  /** Epoch milliseconds. */
  at: number
  /** The stored traits of the event's user. */
  traits: unknown
  /** The current Segment group. */
  groupId: unknown
  /** The fragment of the page's address, which Segment leaves out; absent when nobody saw the call. */
  fragment?: string | undefined
}

/** All that a hit is made of, besides the event itself. */
export type MappingSource = {
  settings: MappingSettings
  moment: Moment
  /** Stands for a visitor without any id, for the page's life. */
  pageVisitorId: string
  randomId: () => string
  /** Told, in a sentence, what the site's developer should know; once, with the first example. */
  warn: (message: string, example?: string) => void
}
