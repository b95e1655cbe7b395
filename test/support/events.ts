import type { SegmentEvent } from '../../src/hit/event.ts'
import type { Draft } from '../../src/hit/hit.ts'
import { mapEvent } from '../../src/hit/map-event.ts'
import type { MappingSource } from '../../src/hit/source.ts'
import { type SkalinSettings, resolveSettings } from '../../src/settings.ts'
import { featureOf } from '../../src/testing/protocol.ts'

/** When the calls of these tests are made: 13:04:05 in Paris. */
export const noon = Date.UTC(2026, 10, 24, 12, 4, 5)

/** What there is besides an event. */
export type World = {
  settings?: Omit<SkalinSettings, 'clientId'> & { clientId?: string }
  /** The traits that Segment had stored when the call was made. */
  traits?: unknown
  /** Segment's group when the call was made. */
  groupId?: unknown
  /** The fragment of the page's address when the call was made. */
  fragment?: string
  /** Where warnings go, each with its example. */
  warnings?: string[]
}

export function sourceOf(world: World = {}): MappingSource {
  const { settings } = resolveSettings({ clientId: 'client', ...world.settings })
  if (settings === undefined) throw new TypeError('These settings make the plugin inert.')
  let randomIds = 0
  return {
    settings,
    moment: {
      at: noon,
      traits: world.traits,
      groupId: world.groupId,
      ...(world.fragment === undefined ? {} : { fragment: world.fragment }),
    },
    pageVisitorId: 'abcdefabcdefabcd',
    randomId: () => String(++randomIds).padStart(16, '0'),
    warn: (message, example) =>
      world.warnings?.push(example === undefined ? message : `${message} ${example}`),
  }
}

/** Alice imports something. */
export const track = (fields: SegmentEvent = {}): SegmentEvent => ({
  type: 'track',
  event: 'Import',
  messageId: 'message-1',
  anonymousId: 'browser-1',
  userId: 'alice',
  timestamp: new Date(noon),
  ...fields,
})

export const page = (fields: SegmentEvent = {}): SegmentEvent =>
  track({ type: 'page', event: undefined, ...fields })

export const screen = (fields: SegmentEvent = {}): SegmentEvent =>
  track({ type: 'screen', event: undefined, ...fields })

export const identify = (fields: SegmentEvent = {}): SegmentEvent =>
  track({ type: 'identify', event: undefined, ...fields })

export const group = (fields: SegmentEvent = {}): SegmentEvent =>
  track({ type: 'group', event: undefined, groupId: 'group-1', ...fields })

/** The hit of an event that has one. */
export function hitOf(event: SegmentEvent, world?: World): Draft {
  const mapped = mapEvent(event, sourceOf(world))
  if ('skipped' in mapped) throw new TypeError(`No hit: ${mapped.skipped}`)
  return mapped
}

/** Why an event has no hit; `undefined` when it has one. */
export function skipOf(event: SegmentEvent, world?: World): string | undefined {
  const mapped = mapEvent(event, sourceOf(world))
  return 'skipped' in mapped ? mapped.skipped : undefined
}

/** The feature that the hit of an event reports. */
export const nameOf = (event: SegmentEvent, world?: World): string | undefined =>
  featureOf(hitOf(event, world))

/** A page at a path. */
export const at = (path: unknown, url?: unknown): SegmentEvent =>
  page({ context: { page: { path, url } } })
