import type { SegmentEvent } from './event.ts'
import { nameFeature } from './feature.ts'
import { idOf, sameIdOf } from './hash.ts'
import type { Draft } from './hit.ts'
import { customerOf, idOrWarn, identityOf } from './identity.ts'
import { jsonOf } from './json.ts'
import { text } from './read.ts'
import type { MappingSource } from './source.ts'
import { eventTime, formatLocaltime, formatTs } from './time.ts'
import { urlOf } from './url.ts'

/** Why no hit was made of an event. */
export type MappingSkip = 'no-name' | 'no-identity' | 'no-group' | 'unsupported' | 'feature-name'

/** Segment's consent tools report a changed choice by this track call; it is no use of a feature. */
const consentEventName = 'Segment Consent Preference Updated'

const idOfAnonymous = sameIdOf('anonymous')

/** The id of an event's visitor. */
export function visitorOf(event: SegmentEvent, pageVisitorId: string): string {
  const anonymousId = text(event.anonymousId)
  const userId = text(event.userId)
  if (anonymousId !== undefined) return idOfAnonymous(anonymousId)
  return userId === undefined ? pageVisitorId : idOf('user', userId)
}

/** The fields that every hit of an event has, in the order of Skalin's documentation. */
function draft(
  event: SegmentEvent,
  source: MappingSource,
  own: Pick<Draft, 'action' | 'event' | 'identity'>,
  part = '',
): Draft {
  const { clientId } = source.settings
  const messageId = text(event.messageId)
  idOrWarn('anonymous id', event.anonymousId, source)
  const time = eventTime(event.timestamp, source.moment.at)
  const customer = customerOf(event, source)
  const url = urlOf(event, source)
  return {
    rec: '1',
    client_id: clientId,
    ...own,
    event_id: messageId === undefined ? source.randomId() : idOf(clientId, messageId, part),
    visitor_id: visitorOf(event, source.pageVisitorId),
    ts: formatTs(time),
    localtime: formatLocaltime(time),
    ...(customer === undefined ? {} : { customer_id: customer }),
    ...(url === undefined ? {} : { url }),
  }
}

/**
 * The `ui` hit that says who an event's user is; `undefined` when nobody knows. `part` tells it from
 * another hit of the same event.
 */
export function identify(event: SegmentEvent, source: MappingSource, part = ''): Draft | undefined {
  const identity = identityOf(event, source, true)
  return identity === undefined ? undefined : draft(event, source, { action: 'ui', identity }, part)
}

function feature(event: SegmentEvent, source: MappingSource): Draft | { skipped: MappingSkip } {
  const named = nameFeature(event, source)
  if ('skipped' in named) return named
  const identity = identityOf(event, source, false)
  const use = jsonOf([
    ['name', named.name],
    ['event_name', 'feature'],
  ])
  return draft(event, source, {
    action: 'ev',
    event: use,
    ...(identity === undefined ? {} : { identity }),
  })
}

const isView = (type: unknown) => type === 'page' || type === 'screen'

/** From a Segment event to a Skalin hit, or the reason why there is none. */
export function mapEvent(
  event: SegmentEvent,
  source: MappingSource,
): Draft | { skipped: MappingSkip } {
  const { type } = event
  if (type === 'group' && idOrWarn('group id', event.groupId, source) === undefined)
    return { skipped: 'no-group' }
  if (type === 'group' || type === 'identify')
    return identify(event, source) ?? { skipped: 'no-identity' }
  const isUse = type === 'track' ? event.event !== consentEventName : isView(type)
  return isUse ? feature(event, source) : { skipped: 'unsupported' }
}
