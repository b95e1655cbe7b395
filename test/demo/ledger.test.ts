import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { type Ledger, createLedger, statusOf } from '../../demo/ledger.ts'
import { arrival, call, clientId, hit, now, report } from './support.ts'

let ledger: Ledger
beforeEach(() => {
  ledger = createLedger(clientId)
})

const kinds = (at = now) => ledger.rows().map((row) => statusOf(row, at).kind)

describe('the way of a call', () => {
  test('it is being sent until there is word of it', () => {
    ledger.call(call('m1'))
    expect(kinds()).toEqual(['sending'])
  })

  test('it waits, is sent again, and is accepted', () => {
    ledger.call(call('m1'))
    const made = hit('m1')
    const waiting = report('waiting', { hit: made, reason: 'status', status: 503, attempts: 1 })
    ledger.report({ ...waiting, messageId: 'm1' }, now + 10)
    expect(kinds(now + 20)).toEqual(['waiting'])
    ledger.arrival(arrival(made, now + 1000))
    expect(kinds(now + 1001)).toEqual(['sending'])
    ledger.report(report('accepted', { hit: made, attempts: 2 }), now + 1010)
    expect(kinds(now + 1020)).toEqual(['accepted'])
    expect(ledger.rows()).toHaveLength(1)
  })

  test('it goes on waiting when it is turned away again, by a page that is gone', () => {
    ledger.call(call('m1'))
    ledger.report(report('waiting', { hit: hit('m1'), messageId: 'm1' }), now)
    ledger.arrival(arrival(hit('m1'), now + 10, { status: 503, accepted: false }))
    expect(kinds(now + 20)).toEqual(['waiting'])
    ledger.arrival(arrival(hit('m1'), now + 30, { status: 0, accepted: false }))
    expect(kinds(now + 40)).toEqual(['sending'])
  })

  test('a request that came before the report was that one, whenever it is heard of', () => {
    ledger.call(call('m1'))
    ledger.report(report('waiting', { hit: hit('m1'), messageId: 'm1' }), now + 10)
    ledger.arrival(arrival(hit('m1'), now + 5, { status: 503, accepted: false }))
    expect(kinds(now + 20)).toEqual(['waiting'])
  })

  test('what came to the collector before there was word of it shows the hit', () => {
    ledger.call(call('m1'))
    ledger.arrival(arrival(hit('m1'), now + 1, { status: 0, accepted: false }))
    const [row] = ledger.rows()
    expect(row?.ways[0]?.hit.event_id).toBe(hit('m1').event_id)
    expect(kinds(now + 2)).toEqual(['sending'])
  })

  test('no request takes longer than the plugin lets it', () => {
    ledger.call(call('m1'))
    ledger.arrival(arrival(hit('m1'), now + 1, { status: 0, accepted: false }))
    expect(kinds(now + 11_000)).toEqual(['waiting'])
  })

  test('a skipped call has its reason and no hit', () => {
    ledger.call(call('m1'))
    ledger.report(report('skipped', { reason: 'no-name', messageId: 'm1' }), now)
    expect(kinds()).toEqual(['skipped'])
    expect(ledger.rows()[0]?.ways).toEqual([])
  })

  test('a call that was delivered stays so when it is met again', () => {
    ledger.call(call('m1'))
    ledger.report(report('accepted', { hit: hit('m1'), messageId: 'm1' }), now)
    ledger.report(report('skipped', { reason: 'duplicate', messageId: 'm1' }), now)
    ledger.report(report('waiting', { hit: hit('m1'), reason: 'network' }), now)
    expect(kinds()).toEqual(['accepted'])
  })
})

describe('a call with two hits', () => {
  const introduction = hit('m1', { action: 'ui' }, 'identify')

  test('is one row, the introduction first, and as far as the slower of them', () => {
    ledger.call(call('m1'))
    ledger.report(report('accepted', { hit: hit('m1'), messageId: 'm1' }), now)
    ledger.report(report('waiting', { hit: introduction, reason: 'busy' }), now)
    expect(ledger.rows()[0]?.ways.map(({ introduces }) => introduces)).toEqual([true, false])
    expect(kinds()).toEqual(['waiting'])
    ledger.report(report('accepted', { hit: introduction }), now)
    expect(kinds()).toEqual(['accepted'])
    expect(ledger.tally(now)).toMatchObject({ calls: 1, accepted: 1 })
  })
})

describe('several pages', () => {
  test('a report of another tab is about the call of this one', () => {
    ledger.call(call('m1'))
    ledger.report(report('accepted', { hit: hit('m1') }), now, 'elsewhere')
    expect(ledger.rows()).toHaveLength(1)
    expect(ledger.rows()[0]?.origin).toBe('here')
    expect(kinds()).toEqual(['accepted'])
  })

  test('a hit whose call nobody here knows has a row of its own', () => {
    ledger.report(report('accepted', { hit: hit('m9') }), now)
    expect(ledger.rows()[0]?.id).toBe(hit('m9').event_id)
  })

  test('the next page knows what waits, and hears how it ends', () => {
    ledger.call(call('m1'))
    ledger.report(report('waiting', { hit: hit('m1'), messageId: 'm1', reason: 'status' }), now)
    const next = createLedger(clientId)
    next.load(ledger.save(10))
    expect(next.tally(now)).toMatchObject({ calls: 1, waiting: 1 })
    next.report(report('accepted', { hit: hit('m1') }), now)
    expect(next.tally(now)).toMatchObject({ calls: 1, waiting: 0, accepted: 1 })
  })

  test('what the collector tells again is not counted twice', () => {
    ledger.call(call('m1'))
    ledger.report(report('accepted', { hit: hit('m1'), messageId: 'm1' }), now)
    for (let time = 0; time < 2; time += 1) {
      ledger.forgetArrivals()
      ledger.arrival(arrival(hit('m1'), now))
    }
    expect(ledger.rows()[0]?.ways[0]?.arrivals).toHaveLength(1)
  })
})

test('nothing is sent before the latest time that a failure named', () => {
  const failed = (nextTryAt: number) =>
    ledger.report(report('waiting', { hit: hit('m1'), reason: 'status', nextTryAt }), now)
  failed(now + 4000)
  failed(now + 2000)
  expect(ledger.roadOpensAt()).toBe(now + 4000)
  ledger.report(report('accepted', { hit: hit('m2') }), now)
  expect(ledger.roadOpensAt()).toBe(0)
})

test('forgetting what is finished leaves what is under way, and its number', () => {
  ledger.call(call('m1'))
  ledger.report(report('accepted', { hit: hit('m1'), messageId: 'm1' }), now)
  ledger.call(call('m2'))
  ledger.report(report('waiting', { hit: hit('m2'), messageId: 'm2', reason: 'busy' }), now)
  ledger.tidy()
  expect(ledger.tally(now)).toMatchObject({ calls: 1, waiting: 1, accepted: 0 })
})

test('however many calls: they are all counted, and few are kept', () => {
  for (let number = 0; number < 3000; number += 1) {
    const id = `m${number}`
    ledger.call(call(id))
    ledger.report(report('accepted', { hit: hit(id), messageId: id }), now)
  }
  expect(ledger.rows().length).toBeLessThanOrEqual(2000)
  expect(ledger.tally(now)).toMatchObject({ calls: 3000, accepted: 3000 })
})

test('whatever is told in whatever order, every call is in exactly one state', () => {
  const message = fc.constantFrom('m1', 'm2', 'm3')
  const step = fc.oneof(
    fc.record({ kind: fc.constant('call' as const), message }),
    fc.record({
      kind: fc.constant('report' as const),
      message,
      outcome: fc.constantFrom('accepted' as const, 'waiting' as const, 'dropped' as const),
      part: fc.constantFrom('', 'identify'),
      named: fc.boolean(),
    }),
    fc.record({ kind: fc.constant('skip' as const), message }),
    fc.record({ kind: fc.constant('arrival' as const), message, at: fc.nat(20_000) }),
    fc.record({ kind: fc.constant('anew' as const), message }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const all = createLedger(clientId)
      for (const each of steps) {
        const messageId = each.message
        if (each.kind === 'call') all.call(call(messageId))
        else if (each.kind === 'arrival') all.arrival(arrival(hit(messageId), now + each.at))
        else if (each.kind === 'anew') all.forgetArrivals()
        else if (each.kind === 'skip') {
          all.report(report('skipped', { messageId, reason: 'no-name' }), now)
        } else {
          const named = each.named ? { messageId } : {}
          all.report(report(each.outcome, { hit: hit(messageId, {}, each.part), ...named }), now)
        }
      }
      const { calls, ...states } = all.tally(now)
      expect(Object.values(states).reduce((sum, count) => sum + count, 0)).toBe(calls)
      expect(all.rows()).toHaveLength(calls)
    }),
  )
})
