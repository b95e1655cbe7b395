import { field } from './read.ts'

/**
 * A Segment event as the plugin reads it. Every field is unknown, because the page, other plugins
 * and middleware may have put anything there.
 *
 * @see {@link https://segment.com/docs/connections/spec/common/ | Segment spec: common fields}
 */
export type SegmentEvent = {
  readonly type?: unknown
  readonly messageId?: unknown
  readonly userId?: unknown
  readonly anonymousId?: unknown
  readonly groupId?: unknown
  readonly event?: unknown
  readonly name?: unknown
  readonly category?: unknown
  readonly traits?: unknown
  readonly properties?: unknown
  readonly context?: unknown
  readonly integrations?: unknown
  readonly timestamp?: unknown
}

/** What an event's `integrations` say to this destination, by its name or the alternative one. */
export function ownOptions({ integrations }: SegmentEvent): unknown {
  return field(integrations, 'Skalin') ?? field(integrations, 'skalin')
}
