// Pure: where each field of a hit came from, for people to read.
import { nameFeature } from '../../src/hit/feature.ts'
import { ownOptions } from '../../src/hit/event.ts'
import type { MappingSource } from '../../src/hit/source.ts'
import type { Call, Fields, SegmentEvent } from './messages.ts'
import { jsonFields } from './who.ts'

const read = (source: unknown, ...path: string[]): unknown =>
  path.reduce<unknown>(
    (value, name) =>
      typeof value === 'object' && value !== null
        ? (value as Record<string, unknown>)[name]
        : undefined,
    source,
  )

const text = (value: unknown): string | undefined => {
  const isText = typeof value === 'string' || typeof value === 'number'
  return (isText && String(value).trim()) || undefined
}

type Source = { value: unknown; label: string }

/** The first source that gave what the hit has; the order is the plugin's. */
const firstOf = (sources: Source[], value: string | undefined) =>
  sources.find((source) => text(source.value) === value)?.label

const saidElsewhere = '← said by another call of this person'

function traits(event: SegmentEvent, ...path: string[]): Source {
  const name = path.join('.')
  return event.type === 'identify'
    ? { value: read(event, 'traits', ...path), label: `← trait ${name}` }
    : { value: read(event, 'context', 'traits', ...path), label: `← context.traits.${name}` }
}

function customer(hit: Fields, event: SegmentEvent): string {
  const sources: Source[] = [
    { value: read(ownOptions(event), 'customerId'), label: '← integrations.Skalin.customerId' },
    traits(event, 'groupId'),
    traits(event, 'trait', 'groupId'),
    { value: read(event, 'context', 'groupId'), label: '← context.groupId' },
    { value: event.type === 'group' && event['groupId'], label: '← the group’s id' },
  ]
  return (
    firstOf(sources, hit['customer_id']) ?? '← another call of this person, or setting customerId'
  )
}

function identity(hit: Fields, event: SegmentEvent): string {
  const { id, email } = jsonFields(hit['identity'])
  const userId = text(event['userId'])
  if (id !== userId) return saidElsewhere
  const ofEmail = [traits(event, 'email'), { value: userId, label: '← the user id' }]
  const parts = [
    id === undefined ? undefined : 'id ← user id',
    email === undefined ? undefined : `email ${firstOf(ofEmail, text(email)) ?? saidElsewhere}`,
  ]
  return parts.filter(Boolean).join(', ')
}

/** Names as the plugin gives them without any setting. */
const unset = {
  settings: { paths: [], featureName: undefined },
  moment: {},
  warn: () => undefined,
} as unknown as MappingSource

function feature(hit: Fields, event: SegmentEvent): string {
  if (typeof read(ownOptions(event), 'featureName') === 'string') {
    return '← integrations.Skalin.featureName'
  }
  const given = ['category', 'name'].filter((field) => text(event[field]) !== undefined)
  const isOfPath = event.type === 'page' && given.length === 0
  const own = nameFeature(event, unset)
  if (!('name' in own) || own.name !== jsonFields(hit['event'])['name']) {
    // Segment leaves the fragment out, which names the pages of a hash router.
    return isOfPath
      ? '← the page’s hash route, setting paths or setting featureName'
      : '← setting featureName'
  }
  if (event.type === 'track') return '← the event’s name'
  return isOfPath
    ? '← the page’s path, ids replaced'
    : `← ${given.join(' and ')} of ${event.type}()`
}

function address(hit: Fields, event: SegmentEvent | undefined): string {
  const page = read(event, 'context', 'page', 'url')
  const { origin = '', pathname = '' } =
    typeof page === 'string' && URL.canParse(page) ? new URL(page) : {}
  return event && hit['url'] !== origin + pathname
    ? '← context.page.url without its secrets, or setting url'
    : '← context.page.url, without query and fragment'
}

/** One sentence a field. Without the call, which nobody told of, only what is always true. */
export function provenance(
  hit: Fields,
  call: Call | undefined,
  introduces: boolean,
): Record<string, string> {
  const event = call?.event ?? {}
  const zone = text(read(event, 'context', 'timezone'))
  return {
    rec: 'always 1',
    client_id: '← setting clientId',
    action: introduces
      ? 'the visit’s first hit of a known user: who it is goes first'
      : hit['action'] === 'ui'
        ? 'ui: who somebody is'
        : 'ev: a feature was used',
    event_id: '← hash of clientId and messageId: the same at every re-send',
    visitor_id: '← hash of anonymousId',
    visit_id: 'random, one a visit, for all tabs',
    ts: '← timestamp, UTC',
    localtime: zone ? `← timestamp, in ${zone}` : '← timestamp, local',
    url: address(hit, call?.event),
    ...(call && {
      event: feature(hit, event),
      identity: identity(hit, event),
      customer_id: customer(hit, event),
    }),
  }
}
