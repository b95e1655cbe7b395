// Pure: where each field of a hit came from, for people to read.
import type { Hit } from 'skalin-analytics-plugin'
import type { Call, SegmentEvent } from './ledger.ts'

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

const learntLater = '← learnt later, when the visitor was identified'

function traits(event: SegmentEvent, call: Call, ...path: string[]): Source[] {
  const name = path.join('.')
  if (event.type === 'identify') {
    return [{ value: read(event, 'traits', ...path), label: `← trait ${name}` }]
  }
  return [
    { value: read(event, 'context', 'traits', ...path), label: `← context.traits.${name}` },
    { value: read(call.stored.traits, ...path), label: `← stored trait ${name}` },
  ]
}

function customer(hit: Hit, event: SegmentEvent, call: Call): string {
  const sources: Source[] = [
    {
      value: read(event, 'integrations', 'Skalin', 'customerId'),
      label: '← integrations.Skalin.customerId',
    },
    ...traits(event, call, 'groupId'),
    ...traits(event, call, 'trait', 'groupId'),
    { value: read(event, 'context', 'groupId'), label: '← context.groupId' },
    event.type === 'group'
      ? { value: event['groupId'], label: '← the group’s id' }
      : { value: call.stored.groupId, label: '← Segment’s current group' },
  ]
  return firstOf(sources, hit.customer_id) ?? learntLater
}

function identity(hit: Hit, event: SegmentEvent, call: Call): string {
  const { id, email } = JSON.parse(hit.identity ?? '{}') as { id?: string; email?: string }
  const userId = text(event['userId'])
  if (id !== userId) return learntLater
  const ofEmail = [...traits(event, call, 'email'), { value: userId, label: '← the user id' }]
  const parts = [
    id === undefined ? undefined : 'id ← user id',
    email === undefined ? undefined : `email ${firstOf(ofEmail, email) ?? learntLater}`,
  ]
  return parts.filter(Boolean).join(', ')
}

function feature(event: SegmentEvent): string {
  if (event.type === 'track') return '← the event’s name'
  const given = ['category', 'name'].filter((field) => text(event[field]) !== undefined)
  return given.length > 0
    ? `← ${given.join(' and ')} of ${event.type}()`
    : '← the page’s path, ids replaced'
}

/** One sentence a field. Without the call, which another page made, only what is always true. */
export function provenance(
  hit: Hit,
  call: Call | undefined,
  introduces: boolean,
): Record<keyof Hit, string> {
  const event = call?.ctx.event ?? {}
  const elsewhere = '← a call of another page'
  const zone = text(read(event, 'context', 'timezone'))
  return {
    rec: 'always 1',
    client_id: '← setting clientId',
    action: introduces
      ? 'the visit’s first hit of a known user: who it is goes first'
      : hit.action === 'ui'
        ? 'ui: who somebody is'
        : 'ev: a feature was used',
    event: call ? feature(event) : elsewhere,
    event_id: '← hash of clientId and messageId: the same at every re-send',
    visitor_id: '← hash of anonymousId',
    visit_id: 'random, one a visit, for all tabs',
    ts: '← timestamp, UTC',
    localtime: zone ? `← timestamp, in ${zone}` : '← timestamp, local',
    identity: call ? identity(hit, event, call) : elsewhere,
    customer_id: call ? customer(hit, event, call) : elsewhere,
    url: '← context.page.url, without query and fragment',
  }
}
