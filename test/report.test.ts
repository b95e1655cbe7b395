import { expect, test } from 'vitest'
import type { Row } from '../src/delivery/row.ts'
import type { Hit } from '../src/hit/hit.ts'
import { type DeliveryReport, createReporter } from '../src/report.ts'

test('the last 1,000 hits are told with the id of their call', () => {
  const reports: DeliveryReport[] = []
  const reporter = createReporter((report) => reports.push(report))
  const ids = Array.from({ length: 1001 }, (_, index) => String(index))
  const hits = ids.map((id) => ({ event_id: `hit ${id}` }) as Hit)
  const ctx = { log: () => undefined } as never
  for (const [index, hit] of hits.entries()) {
    reporter.about(ctx, { messageId: ids[index] }).made(hit)
  }
  for (const hit of hits) {
    const row = { hit, attempts: 1 } as Row
    reporter.progress({ outcome: 'accepted', row })
  }
  expect(reports.map(({ messageId }) => messageId)).toEqual([undefined, ...ids.slice(1)])
})
