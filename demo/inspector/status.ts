// Pure: how far a call is.
import { isMeant } from '../../src/segment/host.ts'
import type { Told } from './messages.ts'
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
function byArrivals({ arrivals }: Way, now: number): Kind {
  const last = arrivals.at(-1)
  if (!last) return 'sending'
  if (last.accepted) return 'accepted'
  if (last.status === 0) return now - last.at > longestRequestMs ? 'waiting' : 'sending'
  return refusals.includes(last.status) || last.method === 'OPTIONS' ? 'dropped' : 'waiting'
}

function kindOf(way: Way, now: number, isInspected: boolean): Kind {
  const { told, arrivals } = way
  if (told && isFinal(told)) return told.outcome
  const last = arrivals.at(-1)
  const isOver = last !== undefined && now - last.at > longestRequestMs
  if (!told) {
    if (!isInspected) return byArrivals(way, now)
    if (!isOver) return 'sending'
    return last.accepted ? 'accepted' : 'waiting'
  }
  // It has come to the collector again since, which has not turned it away: that attempt goes on.
  const goesOn = last !== undefined && last.at > told.at && (last.accepted || last.status === 0)
  if (!goesOn) return 'waiting'
  if (!isOver) return 'sending'
  // The page that sent it is gone, and cannot say what the collector can.
  return last.accepted ? 'accepted' : 'waiting'
}

/** A call is as far as the slowest of its hits: what ended one plugin's work may not have another's. */
export function statusOf(row: Row, now: number): Status {
  if (row.ways.length === 0) {
    if (row.ended) return { kind: row.ended.outcome, way: undefined }
    if (row.call && !isMeant(row.call.event)) return { kind: 'skipped', way: undefined }
  }
  const isInspected = row.call !== undefined
  const found = row.ways.map((way) => ({ kind: kindOf(way, now, isInspected), way }))
  for (const kind of ['waiting', 'sending', 'dropped'] as const) {
    const status = found.find((each) => each.kind === kind)
    if (status) return status
  }
  return found.at(-1) ?? { kind: 'sending', way: undefined }
}
