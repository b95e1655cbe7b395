// Pure: what was called, what the plugin reported and what the collector received, joined into one
// row a call.
import type { DeliveryReport, Hit } from 'skalin-analytics-plugin'
import { idOf } from '../src/hit/hash.ts'

/** A Segment event, as far as the inspector reads it. */
export type SegmentEvent = {
  type?: string | undefined
  messageId?: string | undefined
  [field: string]: unknown
}

/** A call of `analytics`, seen when it was made. */
export type Call = {
  messageId: string
  at: number
  /** Segment goes on writing the event after the call. */
  ctx: { event: SegmentEvent }
  /** What Segment had stored of the user when the call was made. */
  stored: { traits: unknown; groupId: unknown }
}

/** A request to `/hit`, as the collector's control route tells it. */
export type Arrival = {
  at: number
  hit: Record<string, string>
  problems: string[]
  /** 0 when it went unanswered. */
  status: number
  accepted: boolean
}

type Told = DeliveryReport & { at: number }

/** A hit and what is known of its way. */
export type Way = {
  hit: Hit
  /** The `ui` that introduces a returning user, before the call's own hit. */
  introduces: boolean
  /** The newest report, unless a later one came after the end. */
  told: Told | undefined
  reports: Told[]
  arrivals: Arrival[]
}

export type Row = {
  /** The call's message id, or the event id of a hit whose call this page does not know. */
  id: string
  at: number
  origin: 'here' | 'elsewhere'
  call: Call | undefined
  /** Why no hit was made of the call: skipped, or too large. */
  ended: Told | undefined
  ways: Way[]
  /** Grows with every change. */
  version: number
}

export type Kind = 'sending' | 'waiting' | 'accepted' | 'dropped' | 'skipped'
export const kinds: Kind[] = ['sending', 'waiting', 'accepted', 'dropped', 'skipped']

export type Status = { kind: Kind; way: Way | undefined }

export type Tally = Record<Kind | 'calls', number>

const nothing: Tally = { calls: 0, sending: 0, waiting: 0, accepted: 0, dropped: 0, skipped: 0 }

/** A request has ended, one way or the other, after the plugin's 10 seconds. */
const longestRequestMs = 10_500
const maxRows = 2000
const maxSteps = 20

const isFinal = (told: Told | undefined) =>
  told?.outcome === 'accepted' || told?.outcome === 'dropped' || told?.outcome === 'skipped'

function kindOf({ told, arrivals }: Way, now: number): Kind {
  if (told && isFinal(told)) return told.outcome
  const last = arrivals.at(-1)
  const isOver = last && now - last.at > longestRequestMs
  if (!told) return isOver ? 'waiting' : 'sending'
  // It has come to the collector again since, which has not turned it away: that attempt goes on.
  const goesOn = last && last.at > told.at && (last.accepted || last.status === 0)
  return goesOn && !isOver ? 'sending' : 'waiting'
}

/** A call is as far as the slowest of its hits. */
export function statusOf(row: Row, now: number): Status {
  if (row.ended) return { kind: row.ended.outcome, way: undefined }
  const found = row.ways.map((way) => ({ kind: kindOf(way, now), way }))
  for (const kind of ['waiting', 'sending', 'dropped'] as const) {
    const status = found.find((each) => each.kind === kind)
    if (status) return status
  }
  const last = found.at(-1)
  return last ?? { kind: 'sending', way: undefined }
}

export function createLedger(clientId: string) {
  /** Oldest first. */
  let rows = new Map<string, Row>()
  /** Which call a hit belongs to: reports of other pages name none. */
  const callOf = new Map<string, string>()
  /** What came of the calls whose rows are gone. */
  let past = nothing
  /** What the collector received of calls that are not known, or not yet. */
  const unclaimed = new Map<string, Arrival[]>()
  let roadOpensAt = 0

  const introductionOf = (messageId: string) => idOf(clientId, messageId, 'identify')

  function touch(row: Row): void {
    row.version += 1
  }

  function rowOf(id: string, at: number, origin: Row['origin']): Row {
    const known = rows.get(id)
    if (known) return known
    const row: Row = { id, at, origin, call: undefined, ended: undefined, ways: [], version: 0 }
    rows.set(id, row)
    return row
  }

  function wayOf(row: Row, hit: Hit): Way {
    const known = row.ways.find((way) => way.hit.event_id === hit.event_id)
    if (known) return known
    const introduces = hit.event_id === introductionOf(row.id)
    const arrivals = unclaimed.get(hit.event_id) ?? []
    unclaimed.delete(hit.event_id)
    const way: Way = { hit, introduces, told: undefined, reports: [], arrivals }
    if (introduces) row.ways.unshift(way)
    else row.ways.push(way)
    return way
  }

  function remember(call: Call): void {
    callOf.set(idOf(clientId, call.messageId, ''), call.messageId)
    callOf.set(introductionOf(call.messageId), call.messageId)
  }

  function forget(row: Row): void {
    rows.delete(row.id)
    callOf.delete(idOf(clientId, row.id, ''))
    callOf.delete(introductionOf(row.id))
  }

  /** Lets the oldest rows that are through go, and keeps their numbers. */
  function trim(limit: number): void {
    if (rows.size <= limit) return
    const now = Date.now()
    for (const row of rows.values()) {
      if (rows.size <= limit) return
      const { kind } = statusOf(row, now)
      if (kind === 'sending' || kind === 'waiting') continue
      past = { ...past, calls: past.calls + 1, [kind]: past[kind] + 1 }
      forget(row)
    }
  }

  return {
    /** A call that was just made, here or in another tab. */
    call(call: Call, origin: Row['origin'] = 'here'): void {
      const row = rowOf(call.messageId, call.at, origin)
      row.call ??= call
      remember(call)
      for (const id of [introductionOf(call.messageId), idOf(clientId, call.messageId, '')]) {
        const hit = unclaimed.get(id)?.at(-1)?.hit
        if (hit) wayOf(row, hit as Hit)
      }
      touch(row)
      trim(maxRows)
    },

    /** What the plugin said, in this page or in another tab's. */
    report(report: DeliveryReport, at: number, origin: Row['origin'] = 'here'): void {
      const { hit, outcome, messageId } = report
      const id = messageId ?? (hit && (callOf.get(hit.event_id) ?? hit.event_id))
      if (id === undefined) return
      const row = rowOf(id, at, origin)
      const told: Told = { ...report, at }
      if (hit) {
        const way = wayOf(row, hit)
        way.reports = [...way.reports, told].slice(-maxSteps)
        // Two tabs may both have sent it; what the collector has, it has.
        if (!isFinal(way.told) || outcome === 'accepted') {
          way.told = told
          way.hit = hit
        }
        if (outcome === 'accepted') roadOpensAt = 0
        else if (outcome === 'waiting' && report.reason !== 'busy') {
          roadOpensAt = Math.max(roadOpensAt, report.nextTryAt ?? 0)
        }
      } else if (row.ways.length === 0) {
        row.ended ??= told
      }
      touch(row)
      trim(maxRows)
    },

    /** What the collector received. */
    arrival(arrival: Arrival): void {
      const eventId = arrival.hit['event_id']
      if (eventId === undefined) return
      const row = rows.get(callOf.get(eventId) ?? eventId)
      const known = row?.ways.find((way) => way.hit.event_id === eventId)
      if (row && known) known.arrivals = [...known.arrivals, arrival].slice(-maxSteps)
      else {
        unclaimed.set(eventId, [...(unclaimed.get(eventId) ?? []), arrival].slice(-maxSteps))
        if (row) wayOf(row, arrival.hit as Hit)
        for (const oldest of unclaimed.keys()) {
          if (unclaimed.size <= maxRows) break
          unclaimed.delete(oldest)
        }
      }
      if (row) touch(row)
    },

    /** The collector is about to tell everything again. */
    forgetArrivals(): void {
      unclaimed.clear()
      for (const row of rows.values()) {
        if (!row.ways.some((way) => way.arrivals.length > 0)) continue
        for (const way of row.ways) way.arrivals = []
        touch(row)
      }
    },

    /** Newest first. */
    rows: (): Row[] => [...rows.values()].reverse(),

    /** When the plugin may send again at the earliest, 0 for now. */
    roadOpensAt: (): number => roadOpensAt,

    tally(now: number): Tally {
      const tally = { ...past }
      for (const row of rows.values()) {
        tally.calls += 1
        tally[statusOf(row, now).kind] += 1
      }
      return tally
    },

    /** Leaves only what is under way. */
    tidy(): void {
      trim(0)
      past = nothing
    },

    /** For the next page of this tab. The collector tells again what it received. */
    save(limit: number): string {
      trim(limit)
      const saved = [...rows.values()].map((row) => ({
        ...row,
        ways: row.ways.map((way) => ({ ...way, arrivals: [] })),
      }))
      return JSON.stringify({ past, roadOpensAt, rows: saved })
    },

    load(text: string): void {
      const saved = JSON.parse(text) as { past: Tally; roadOpensAt: number; rows: Row[] }
      past = saved.past
      roadOpensAt = saved.roadOpensAt
      rows = new Map(saved.rows.map((row) => [row.id, row]))
      for (const { call } of rows.values()) if (call) remember(call)
    },
  }
}

export type Ledger = ReturnType<typeof createLedger>
