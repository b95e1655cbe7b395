import type { DeliveryReport, Hit } from 'skalin-analytics-plugin'
import type { Ledger } from '../../demo/inspector/ledger.ts'
import type { Arrival, Call, SegmentEvent } from '../../demo/inspector/messages.ts'
import type { Row } from '../../demo/inspector/row.ts'
import { idOf } from '../../src/hit/hash.ts'

const clientId = 'demo-client'
export const now = Date.parse('2026-11-24T12:00:00Z')

export const call = (messageId: string, event: SegmentEvent = {}): Call => ({
  messageId,
  clientId,
  at: now,
  event: { type: 'track', event: 'Import', messageId, ...event },
})

/** Newest first, as they are shown. */
export const rowsOf = (ledger: Ledger): Row[] => [...ledger.rows().values()].reverse()

export const hit = (messageId: string, fields: Partial<Hit> = {}, part = ''): Hit => ({
  rec: '1',
  client_id: clientId,
  action: 'ev',
  event: '{"name":"Import","event_name":"feature"}',
  event_id: idOf(clientId, messageId, part),
  visitor_id: '0123456789abcdef',
  visit_id: 'fedcba9876543210',
  ts: '2026-11-24T12:00:00',
  localtime: '13:00:00',
  ...fields,
})

export const report = (
  outcome: DeliveryReport['outcome'],
  more: Omit<DeliveryReport, 'outcome'> = {},
): DeliveryReport => ({ outcome, ...more })

export const arrival = (of: Hit, at: number, more: Partial<Arrival> = {}): Arrival => ({
  at,
  method: 'POST',
  url: '/hit',
  headers: {},
  body: new URLSearchParams(of).toString(),
  hit: { ...of },
  problems: [],
  status: 200,
  accepted: true,
  ...more,
})
