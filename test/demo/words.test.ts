import { expect, test } from 'vitest'
import { createLedger } from '../../demo/inspector/ledger.ts'
import { statusOf } from '../../demo/inspector/status.ts'
import { clockTime, noteOf, stepsOf, titleOf } from '../../demo/inspector/words.ts'
import { arrival, call, hit, now, report, rowsOf } from './support.ts'

function noteAfter(...reports: Parameters<typeof report>[]): string {
  const ledger = createLedger()
  ledger.call(call('m1'))
  for (const [outcome, more] of reports) {
    ledger.report(report(outcome, { messageId: 'm1', ...more }), now)
  }
  const [row] = rowsOf(ledger)
  return row ? noteOf(row, statusOf(row, now), now, ledger.roadOpensAt()) : ''
}

const made = hit('m1')

test.for([
  [
    'answered 503, next try in 4 s',
    [['waiting', { hit: made, reason: 'status', status: 503, attempts: 2, nextTryAt: now + 3500 }]],
  ],
  ['answered with a redirect', [['waiting', { hit: made, reason: 'status', attempts: 1 }]]],
  ['collector fails', [['waiting', { hit: made, reason: 'status', attempts: 0 }]]],
  ['waits its turn', [['waiting', { hit: made, reason: 'busy' }]]],
  ['held until the visitor is known', [['waiting', { hit: made, reason: 'anonymous' }]]],
  ['refused with 400', [['dropped', { hit: made, reason: 'refused', status: 400, attempts: 1 }]]],
  ['consent withdrawn, or clear() called', [['dropped', { hit: made, reason: 'consent' }]]],
  ['no consent', [['skipped', { reason: 'consent' }]]],
  ['the feature has no name', [['skipped', { reason: 'no-name' }]]],
  ['', [['accepted', { hit: made, attempts: 1 }]]],
  ['after 3 attempts', [['accepted', { hit: made, attempts: 3 }]]],
] as [string, Parameters<typeof report>[]][])('%s', ([note, reports]) => {
  expect(noteAfter(...reports)).toBe(note)
})

test('of a hit it says nothing that another plugin has said of its call', () => {
  const ledger = createLedger()
  ledger.call(call('m1'))
  ledger.report(report('skipped', { reason: 'duplicate', messageId: 'm1' }), now)
  ledger.arrival(arrival(made, now))
  const [row] = rowsOf(ledger)
  expect(row && noteOf(row, statusOf(row, now + 11_000), now + 11_000, 0)).toBe('')
})

test('a time that no clock has is shown as none', () => {
  expect(clockTime(1e300)).toBe('–')
})

test('of a hit alone it says what the collector said', () => {
  const note = (more: Parameters<typeof arrival>[2], times = 1) => {
    const ledger = createLedger()
    for (let time = 0; time < times; time += 1) ledger.arrival(arrival(made, now, more))
    const [row] = rowsOf(ledger)
    return row && noteOf(row, statusOf(row, now), now, 0)
  }
  expect(note({})).toBe('')
  expect(note({ status: 503, accepted: false })).toBe('answered 503')
  const problems = ['`ts` must be a date.', '`rec` must be `1`.']
  expect(note({ status: 400, accepted: false, problems })).toBe('`ts` must be a date.')
  expect(note({}, 3)).toBe('duplicate: taken 3 times, the last one counts')
})

test('a title is the call’s, else the hit’s', () => {
  const ledger = createLedger()
  ledger.call(call('m1', { type: 'page' }))
  ledger.report(
    report('accepted', { messageId: 'm1', hit: hit('m1', { customer_id: 'alto-clinic' }) }),
    now,
  )
  ledger.report(
    report('accepted', { hit: hit('m9', { action: 'ui', identity: '{"id":"u1"}' }) }),
    now,
  )
  expect(rowsOf(ledger).map(titleOf)).toEqual([
    { method: 'ui', name: 'u1' },
    { method: 'page', name: 'Import' },
  ])
})

test('the steps of a way are in order, with the collector’s explanation', () => {
  const ledger = createLedger()
  ledger.call(call('m1'))
  const problems = ['`ts` must be a real date and time.']
  ledger.report(report('dropped', { messageId: 'm1', hit: made, reason: 'refused' }), now + 2)
  ledger.arrival(arrival(made, now + 1, { status: 400, accepted: false, problems }))
  const [row] = rowsOf(ledger)
  const steps = row?.ways.flatMap((way) => stepsOf(way, row)) ?? []
  expect(steps.map(({ text }) => text)).toEqual(['Called', 'Collector', 'Dropped'])
  expect(steps[1]?.detail).toContain('`ts` must be')
})
