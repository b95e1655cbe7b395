import { type SegmentEvent, ownOptions } from '../hit/event.ts'
import { idOf } from '../hit/hash.ts'
import { type Draft, type Hit, fitHit } from '../hit/hit.ts'
import { identityOf } from '../hit/identity.ts'
import { type MappingSkip, mapEvent } from '../hit/map-event.ts'
import { field, text } from '../hit/read.ts'
import type { MappingSource } from '../hit/source.ts'
import { eventTime } from '../hit/time.ts'
import type { FunctionSettings } from './settings.ts'
import { wallClock } from './clock.ts'

/** A hit as a server sends it: Skalin takes the person's IP address from servers only. */
export type ServerHit = Hit & { cip?: string }

/** Why an event makes no hit although nothing is wrong with it. */
export type Skip =
  /** The browser plugin has sent it. */
  | 'browser'
  /** Of nobody that Skalin could know. */
  | 'anonymous'
  /** Engage computed it: nobody used anything. */
  | 'computed'
  /** The call says `integrations: { Skalin: false }`. */
  | 'integrations'
  /** Renamed to nothing. */
  | 'feature-name'
  /** Segment's own report of a changed consent. */
  | 'unsupported'

/** What is to be done with an event. */
export type Decision = { hit: ServerHit } | { skipped: Skip } | { rejected: string }

/** What the sender of an event can mend. */
const complaints: Partial<Record<MappingSkip, string>> = {
  'no-name': 'The call names no feature: it has no event, name or category to report.',
  'no-identity':
    'The call says nothing of who the user is: no userId, and no e-mail address (traits.email of an identify, context.traits.email of a group).',
  'no-group': 'The group call has no groupId.',
}

/** Those with a handler of their own; a batch may hold others. */
const types: unknown[] = ['track', 'page', 'screen', 'identify', 'group']

/** An address of somebody: Segment documents `0.0.0.0` as the way to withhold it. */
function clientIp(event: SegmentEvent): string | undefined {
  const ip = text(field(event.context, 'ip'))
  return ip !== undefined &&
    ip.length < 46 &&
    /^(\d{1,3}\.){3}\d{1,3}$|^(?=.*[\da-f])[\da-f:.]*:[\da-f:.]*$/i.test(ip) &&
    ip !== '0.0.0.0'
    ? ip
    : undefined
}

/**
 * All that a hit is made of on a server, where nothing is known but the event. It is the same each
 * time Segment tries an event again, so that Skalin sees one event and not several.
 */
function sourceOf(event: SegmentEvent, settings: FunctionSettings): MappingSource {
  const now = eventTime(field(event, 'receivedAt'), Date.now()).getTime()
  const source = {
    settings: settings.mapping,
    moment: { at: now, traits: undefined, groupId: undefined },
    pageVisitorId: '',
    randomId: () => idOf('event', settings.mapping.clientId, JSON.stringify(event)),
    warn: () => undefined,
  }
  // Engage knows some people by their e-mail address alone.
  const known = identityOf(event, source, false)
  return known === undefined ? source : { ...source, pageVisitorId: idOf('identity', known) }
}

/**
 * A draft with what only a server adds. No visit is kept between two invocations, so one is all that
 * a visitor does in a day: too few visits, but never one for each call. What Engage computed is no
 * visit of that day, so all of it is one.
 */
function complete(draft: Draft, event: SegmentEvent, computed: boolean): ServerHit {
  const clock = wallClock(new Date(`${draft.ts}Z`), field(event.context, 'timezone'))
  const cip = clientIp(event)
  return {
    ...draft,
    localtime: clock.time,
    visit_id: idOf('visit', draft.visitor_id, computed ? 'computed' : clock.day),
    ...(cip === undefined ? {} : { cip }),
  }
}

/** From an event to its hit, or why it has none. */
export function decide(event: SegmentEvent, settings: FunctionSettings): Decision {
  // In a batch there may be anything, and one that is none must not cost the others.
  if (!types.includes(field(event, 'type')))
    return { rejected: 'Calls of this type are not supported.' }
  const computed = (field(event.context, 'personas') ?? undefined) !== undefined
  const library = field(field(event.context, 'library'), 'name')
  if (ownOptions(event) === false) return { skipped: 'integrations' }
  // A hit counts as usage: it would make those active whom Engage puts into an audience of inactive people.
  if (computed && event.type !== 'identify') return { skipped: 'computed' }
  // The copy would replace the plugin's hit, which knows more: both have the same event id.
  if (library === 'analytics.js' && !settings.includeBrowser) return { skipped: 'browser' }

  const source = sourceOf(event, settings)
  const draft = mapEvent(event, source)
  if ('skipped' in draft) {
    const complaint = complaints[draft.skipped]
    return complaint === undefined ? { skipped: draft.skipped as Skip } : { rejected: complaint }
  }
  if (draft.identity === undefined) return { skipped: 'anonymous' }
  const hit = fitHit(complete(draft, event, computed))
  if (hit === undefined) return { rejected: 'The hit would be larger than 16 KiB.' }
  if (computed && hit.identity === identityOf(event, source, false)) return { skipped: 'computed' }
  return { hit }
}
