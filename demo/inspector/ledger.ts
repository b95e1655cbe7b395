// Pure: what was called, what the plugin reported and what the collector received, joined into one
// row a call; of an application that tells nothing of its calls, one row a hit.
import type { DeliveryReport } from 'skalin-analytics-plugin'
import { idOf } from '../../src/hit/hash.ts'
import type { Arrival, Call, Fields, Told } from './messages.ts'
import type { Row, Way } from './row.ts'
import { type Tally, isFinal, isOpen, nothing, statusOf } from './status.ts'

const maxRows = 20_000
/** So many rows go at once: each time all are looked at. */
const trimmedRows = 1000
const maxSteps = 20

const isIntroduction = (hit: Fields, messageId: string) =>
  hit['event_id'] === idOf(hit['client_id'] ?? '', messageId, 'identify')

export function createLedger() {
  /** Oldest first. */
  let rows = new Map<string, Row>()
  /** Which call a hit belongs to: the collector, and reports of other pages, name none. */
  const callOf = new Map<string, string>()
  /** What came of the calls whose rows are gone. */
  let past: Tally = nothing
  let received: Arrival[] = []
  let unnamed = 0
  let roadOpensAt = 0

  const idsOf = ({ clientId = '', messageId }: Call) => [
    idOf(clientId, messageId, 'identify'),
    idOf(clientId, messageId, ''),
  ]

  function rowOf(id: string, at: number): Row {
    const known = rows.get(id)
    if (known) return known
    const row: Row = { id, at, call: undefined, keys: [], ended: undefined, ways: [], version: 0 }
    rows.set(id, row)
    return row
  }

  function wayOf(row: Row, key: string, hit: Fields): Way {
    const known = row.ways.find((way) => way.key === key)
    if (known) return known
    const introduces = isIntroduction(hit, row.id)
    const way = { key, hit, introduces, told: undefined, reports: [], arrivals: [], taken: 0 }
    if (introduces) row.ways.unshift(way)
    else row.ways.push(way)
    return way
  }

  /** The row of a call. One that a hit of it had by itself becomes it: somebody may have it open. */
  function rowOfCall(id: string, keys: string[], at: number): Row {
    const orphan = rows.has(id) ? undefined : keys.map((key) => rows.get(key)).find(Boolean)
    if (orphan) {
      rows.delete(orphan.id)
      rows.set(id, Object.assign(orphan, { id, at }))
      for (const way of orphan.ways) way.introduces = isIntroduction(way.hit, id)
    }
    const row = rowOf(id, at)
    for (const key of keys) {
      if (!callOf.has(key)) row.keys.push(key)
      callOf.set(key, id)
      adopt(row, key)
    }
    return row
  }

  /** Takes over what was known of a hit before its call was. */
  function adopt(row: Row, key: string): void {
    const orphan = rows.get(key)
    if (!orphan || orphan === row) return
    rows.delete(key)
    for (const way of orphan.ways) {
      const own = wayOf(row, way.key, way.hit)
      Object.assign(own, { ...way, introduces: own.introduces })
    }
  }

  function forget(row: Row): void {
    rows.delete(row.id)
    for (const key of row.keys) callOf.delete(key)
  }

  /** Lets the oldest rows go, those that are through first, and keeps what came of them. */
  function trim(): void {
    if (rows.size <= maxRows) return
    const now = Date.now()
    const enough = maxRows - trimmedRows
    for (const row of rows.values()) {
      if (rows.size <= enough) return
      const { kind } = statusOf(row, now)
      if (isOpen(kind)) continue
      past = { ...past, calls: past.calls + 1, [kind]: past[kind] + 1 }
      forget(row)
    }
    // Open ones are not counted any more: whichever is heard of again has a row of its own.
    for (const row of rows.values()) {
      if (rows.size <= enough) return
      forget(row)
    }
  }

  return {
    /** A call that was just made. */
    call(call: Call): void {
      const row = rowOfCall(call.messageId, idsOf(call), call.at)
      // What one plugin does not send since it is switched off, another may.
      if (!row.call || row.call.enabled === false) row.call = call
      row.version += 1
      trim()
    },

    /** What the plugin said. */
    report(report: DeliveryReport, at: number): void {
      const { hit, outcome, messageId } = report
      const id = messageId ?? (hit && (callOf.get(hit.event_id) ?? hit.event_id))
      if (id === undefined) return
      const row = rowOfCall(id, messageId !== undefined && hit ? [hit.event_id] : [], at)
      const told: Told = { ...report, at }
      if (hit) {
        const way = wayOf(row, hit.event_id, hit)
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
      } else if (!row.ended || outcome === 'dropped' || row.ended.reason === 'duplicate') {
        row.ended = told
      }
      row.version += 1
      trim()
    },

    /** What the collector received. */
    arrival(arrival: Arrival): void {
      received.push(arrival)
      if (received.length > maxRows) received = received.slice(-maxRows / 2)
      const key = arrival.hit['event_id'] ?? `request ${(unnamed += 1)}`
      const row = rowOf(callOf.get(key) ?? key, arrival.at)
      const way = wayOf(row, key, arrival.hit)
      way.arrivals = [...way.arrivals, arrival].slice(-maxSteps)
      if (arrival.accepted) way.taken += 1
      row.version += 1
      trim()
    },

    /** Forgets everything. */
    clear(): void {
      rows = new Map()
      callOf.clear()
      past = nothing
      received = []
      roadOpensAt = 0
    },

    /** Oldest first. */
    rows: (): ReadonlyMap<string, Row> => rows,

    /** What the collector received, oldest first. */
    received: (): readonly Arrival[] => received,

    /** What came of the calls whose rows are gone. */
    past: (): Tally => past,

    /** When the plugin may send again at the earliest, 0 for now. */
    roadOpensAt: (): number => roadOpensAt,
  }
}

export type Ledger = ReturnType<typeof createLedger>
