// Pure: how far a call is.
import { isMeant } from '../../src/segment/host.ts'
import type { Call, Told } from './messages.ts'
import type { Row, Way } from './row.ts'

export type Kind = 'sending' | 'waiting' | 'accepted' | 'dropped' | 'skipped'
export const kinds: Kind[] = ['sending', 'waiting', 'accepted', 'dropped', 'skipped']

export type Status = { kind: Kind; way: Way | undefined }

export type Tally = Record<Kind | 'calls', number>

export const nothing: Tally = {
  calls: 0,
  sending: 0,
  waiting: 0,
  accepted: 0,
  dropped: 0,
  skipped: 0,
}

/** A request has ended, one way or the other, after the plugin's 10 seconds. */
const longestRequestMs = 10_500
/** What the plugin takes for a refusal of the hit itself. */
const refusals = [400, 413, 422]

export const isOpen = (kind: Kind): boolean => kind === 'sending' || kind === 'waiting'

export const isFinal = (told: Told | undefined): boolean =>
  told !== undefined && told.outcome !== 'waiting'

/** What can be told of a hit by its requests alone. */
function byArrivals({ arrivals, taken }: Way, now: number): Kind {
  const last = arrivals.at(-1)
  if (!last) return 'sending'
  // What the collector has, it has, whatever it answers to a copy.
  if (taken > 0) return 'accepted'
  if (last.status === 0) return now - last.at > longestRequestMs ? 'waiting' : 'sending'
  return refusals.includes(last.status) || last.method === 'OPTIONS' ? 'dropped' : 'waiting'
}

function kindOf(way: Way, now: number, isInspected: boolean): Kind {
  const { told, arrivals, taken } = way
  if (told && isFinal(told)) return told.outcome
  const last = arrivals.at(-1)
  const isOver = last !== undefined && now - last.at > longestRequestMs
  if (!told) {
    if (!isInspected) return byArrivals(way, now)
    if (!isOver) return 'sending'
    return taken > 0 ? 'accepted' : 'waiting'
  }
  // It has come to the collector again since, which has not turned it away: that attempt goes on.
  const goesOn = last !== undefined && last.at > told.at && (last.accepted || last.status === 0)
  if (!goesOn) return 'waiting'
  if (!isOver) return 'sending'
  // The page that sent it is gone, and cannot say what the collector can.
  return last.accepted ? 'accepted' : 'waiting'
}

/** What this plugin skips as taken, another has, and will be heard of unless that was long ago. */
const isElsewhere = ({ reason, at }: Told, now: number) =>
  reason === 'duplicate' && now - at <= longestRequestMs

/** Of the plugin that made it known; then there is no word of the call. */
export const isOff = ({ enabled }: Call): boolean => enabled === false

/** A call is as far as the slowest of its hits: what ended one plugin's work may not have another's. */
export function statusOf(row: Row, now: number): Status {
  const { ways, ended, call } = row
  if (ways.length === 0) {
    if (ended && !isElsewhere(ended, now)) return { kind: ended.outcome, way: undefined }
    if (call && (isOff(call) || !isMeant(call.event))) return { kind: 'skipped', way: undefined }
  }
  const isInspected = call !== undefined
  const found: Status[] = ways.map((way) => ({ kind: kindOf(way, now, isInspected), way }))
  // Its own hit may be too large, and not the one that introduces its person.
  if (ended?.outcome === 'dropped') found.push({ kind: 'dropped', way: undefined })
  for (const kind of ['waiting', 'sending', 'dropped'] as const) {
    const status = found.find((each) => each.kind === kind)
    if (status) return status
  }
  return found.at(-1) ?? { kind: 'sending', way: undefined }
}
