import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { type Ledger, createLedger } from '../../demo/inspector/ledger.ts'
import { idOf } from '../../src/hit/hash.ts'
import { select } from '../../demo/inspector/selection.ts'
import { type Tally, statusOf } from '../../demo/inspector/status.ts'
import { noteOf } from '../../demo/inspector/words.ts'
import { arrival, call, hit, now, report, rowsOf } from './support.ts'

let ledger: Ledger
beforeEach(() => {
  ledger = createLedger()
})

const tally = (of: Ledger = ledger): Tally => select(of, { kind: undefined, who: {} }, now).tally
const kinds = (at = now) => rowsOf(ledger).map((row) => statusOf(row, at).kind)

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
    expect(rowsOf(ledger)).toHaveLength(1)
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
    const [row] = rowsOf(ledger)
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
    expect(rowsOf(ledger)[0]?.ways).toEqual([])
  })

  test('what one plugin skips, another may deliver', () => {
    ledger.call(call('m1'))
    ledger.report(report('skipped', { reason: 'no-identity', messageId: 'm1' }), now)
    expect(kinds()).toEqual(['skipped'])
    ledger.report(report('accepted', { hit: hit('m1'), messageId: 'm1' }), now)
    expect(kinds()).toEqual(['accepted'])
  })

  test('what is skipped as taken is on its way elsewhere, unless nothing is heard of it', () => {
    ledger.call(call('m1'))
    ledger.report(report('skipped', { reason: 'duplicate', messageId: 'm1' }), now)
    expect(kinds()).toEqual(['sending'])
    expect(kinds(now + 11_000)).toEqual(['skipped'])
    ledger.report(report('skipped', { reason: 'no-name', messageId: 'm1' }), now)
    expect(rowsOf(ledger)[0]?.ended?.reason).toBe('no-name')
  })

  test('of a plugin that is off it is skipped, and says so, unless another sends it', () => {
    ledger.call({ ...call('m1'), enabled: false })
    expect(kinds()).toEqual(['skipped'])
    const [row] = rowsOf(ledger)
    expect(row && noteOf(row, statusOf(row, now), now, 0)).toContain('the plugin is off')
    ledger.call(call('m1'))
    expect(kinds()).toEqual(['sending'])
  })

  test('one that is kept from Skalin is skipped, and says so', () => {
    ledger.call(call('m1', { integrations: { Skalin: false } }))
    ledger.call(call('m2', { integrations: { All: false } }))
    ledger.call(call('m3', { integrations: { All: false, Skalin: true } }))
    expect(kinds()).toEqual(['sending', 'skipped', 'skipped'])
    const [, row] = rowsOf(ledger)
    expect(row && noteOf(row, statusOf(row, now), now, 0)).toContain('kept from Skalin')
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
    expect(rowsOf(ledger)[0]?.ways.map(({ introduces }) => introduces)).toEqual([true, false])
    expect(kinds()).toEqual(['waiting'])
    ledger.report(report('accepted', { hit: introduction }), now)
    expect(kinds()).toEqual(['accepted'])
    expect(tally()).toMatchObject({ calls: 1, accepted: 1 })
  })

  test.each(['before', 'after'])('is dropped where its own was too large, told %s', (order) => {
    const tooLarge = () =>
      ledger.report(report('dropped', { reason: 'too-large', messageId: 'm1' }), now)
    ledger.call(call('m1'))
    // Of another plugin, which has nothing to do with it.
    ledger.report(report('skipped', { reason: 'no-identity', messageId: 'm1' }), now)
    if (order === 'before') tooLarge()
    ledger.report(report('accepted', { hit: introduction, messageId: 'm1' }), now)
    if (order === 'after') tooLarge()
    expect(kinds()).toEqual(['dropped'])
    const [row] = rowsOf(ledger)
    expect(row && noteOf(row, statusOf(row, now), now, 0)).toBe('larger than 16 KiB')
  })
})

describe('a hit whose call nobody told of', () => {
  test('is a row of its own, as far as its requests say', () => {
    ledger.arrival(arrival(hit('m1'), now, { status: 503, accepted: false }))
    expect(kinds()).toEqual(['waiting'])
    ledger.arrival(arrival(hit('m1'), now + 1))
    expect(kinds()).toEqual(['accepted'])
    ledger.arrival(arrival(hit('m2'), now, { status: 400, accepted: false, problems: ['No.'] }))
    expect(kinds()).toEqual(['dropped', 'accepted'])
  })

  test('waits when no answer was given to it', () => {
    ledger.arrival(arrival(hit('m1'), now, { status: 0, accepted: false }))
    expect(kinds()).toEqual(['sending'])
    expect(kinds(now + 11_000)).toEqual(['waiting'])
  })

  test('stays accepted whatever its copies meet, also when its call is known', () => {
    ledger.arrival(arrival(hit('m1'), now))
    ledger.arrival(arrival(hit('m1'), now + 1, { status: 503, accepted: false }))
    expect(kinds()).toEqual(['accepted'])
    ledger.call(call('m1'))
    expect(kinds(now + 11_000)).toEqual(['accepted'])
  })

  test('becomes part of its call as soon as that is known', () => {
    ledger.arrival(arrival(hit('m1'), now))
    ledger.report(report('accepted', { hit: hit('m1'), messageId: 'm1' }), now)
    expect(rowsOf(ledger).map(({ id }) => id)).toEqual(['m1'])
    ledger.arrival(arrival(hit('m2'), now))
    ledger.call(call('m2'))
    expect(rowsOf(ledger).map(({ id }) => id)).toEqual(['m2', 'm1'])
    expect(rowsOf(ledger)[0]?.ways[0]?.arrivals).toHaveLength(1)
  })

  test('stays the row that somebody may have opened', () => {
    const introduction = hit('m1', { action: 'ui' }, 'identify')
    ledger.arrival(arrival(introduction, now + 5))
    const [row] = rowsOf(ledger)
    ledger.arrival(arrival(hit('m1'), now + 6))
    ledger.call(call('m1'))
    expect(rowsOf(ledger)).toHaveLength(1)
    expect(rowsOf(ledger)[0]).toBe(row)
    expect(row).toMatchObject({ id: 'm1', at: now, call: { messageId: 'm1' } })
    expect(row?.ways.map(({ introduces }) => introduces)).toEqual([true, false])
  })

  test('a report of another page is about the call of this one', () => {
    ledger.call(call('m1'))
    ledger.report(report('accepted', { hit: hit('m1') }), now)
    expect(rowsOf(ledger)).toHaveLength(1)
    expect(kinds()).toEqual(['accepted'])
  })
})

test('a request that is no hit is a row, each one', () => {
  const none = { hit: {}, accepted: false, problems: ['No.'] }
  ledger.arrival(arrival(hit('m1'), now, { ...none, method: 'OPTIONS', status: 204 }))
  ledger.arrival(arrival(hit('m1'), now, { ...none, status: 400 }))
  expect(kinds()).toEqual(['dropped', 'dropped'])
})

test('a hit that was taken twice is known as a duplicate, one that was turned away is not', () => {
  ledger.arrival(arrival(hit('m1'), now, { status: 503, accepted: false }))
  ledger.arrival(arrival(hit('m1'), now + 1))
  expect(rowsOf(ledger)[0]?.ways[0]?.taken).toBe(1)
  ledger.arrival(arrival(hit('m1'), now + 2))
  expect(rowsOf(ledger)[0]?.ways[0]?.taken).toBe(2)
})

describe('a choice', () => {
  beforeEach(() => {
    const of = (id: string, person: string, customer_id?: string) =>
      ledger.arrival(
        arrival(
          hit(id, {
            identity: JSON.stringify({ id: person }),
            ...(customer_id === undefined ? {} : { customer_id }),
          }),
          now,
        ),
      )
    of('m1', 'alice', 'acme')
    of('m2', 'bob', 'acme')
    of('m3', 'bob')
    ledger.call(call('m4', { userId: 'carol' }))
    ledger.report(report('skipped', { reason: 'no-name', messageId: 'm4' }), now)
  })
  const chosen = (choice: Parameters<typeof select>[1]) =>
    select(ledger, choice, now).rows.map(({ who }) => who.person)

  test('of nothing is everything, newest first', () => {
    expect(chosen({ kind: undefined, who: {} })).toEqual(['carol', 'bob', 'bob', 'alice'])
  })

  test('of a state, a person and a customer is what is all of it', () => {
    expect(chosen({ kind: 'skipped', who: {} })).toEqual(['carol'])
    expect(chosen({ kind: undefined, who: { person: 'bob' } })).toEqual(['bob', 'bob'])
    expect(chosen({ kind: 'accepted', who: { person: 'bob', customer: 'acme' } })).toEqual(['bob'])
    expect(chosen({ kind: undefined, who: { customer: '' } })).toEqual(['carol', 'bob'])
  })

  test('is made among all values there are, with their numbers', () => {
    const { values, tally } = select(ledger, { kind: 'skipped', who: { person: 'bob' } }, now)
    expect([...values.person]).toEqual([
      ['alice', 1],
      ['bob', 2],
      ['carol', 1],
    ])
    expect([...values.customer]).toEqual([
      ['acme', 2],
      ['', 2],
    ])
    expect(tally).toMatchObject({ calls: 4, accepted: 3, skipped: 1 })
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

test('clearing forgets everything', () => {
  ledger.call(call('m1'))
  ledger.arrival(arrival(hit('m2'), now))
  ledger.clear()
  expect(tally().calls).toBe(0)
  expect(ledger.received()).toEqual([])
  ledger.arrival(arrival(hit('m1'), now))
  expect(rowsOf(ledger).map(({ id }) => id)).toEqual([hit('m1').event_id])
})

test('however many calls: they are all counted, and not all are kept', () => {
  for (let number = 0; number < 21_000; number += 1) {
    const id = `m${number}`
    ledger.call(call(id))
    ledger.report(report('accepted', { hit: hit(id), messageId: id }), now)
  }
  expect(ledger.rows().size).toBeLessThanOrEqual(20_000)
  expect(tally()).toMatchObject({ calls: 21_000, accepted: 21_000 })
})

test('rows that stay open do not stay for ever, and count anew when they are heard of', () => {
  let looks = 0
  for (let number = 0; number < 20_500; number += 1) {
    const each = call(`m${number}`)
    const { event } = each
    // How far a row is depends on its call's event.
    Object.defineProperty(each, 'event', { get: () => ((looks += 1), event) })
    ledger.call(each)
  }
  expect(looks).toBeLessThanOrEqual(20_001)
  expect(ledger.rows().size).toBeLessThanOrEqual(20_000)
  expect(tally().calls).toBe(ledger.rows().size)
  const before = tally().calls
  ledger.report(report('accepted', { hit: hit('m0'), messageId: 'm0' }), now)
  expect(tally()).toMatchObject({ calls: before + 1, accepted: 1 })
})

test('a row that is gone is forgotten for all plugins of its page', () => {
  const other = hit('m0', { client_id: 'other', event_id: idOf('other', 'm0', '') })
  ledger.call(call('m0'))
  ledger.call({ ...call('m0'), clientId: 'other' })
  for (let number = 1; number < 20_100; number += 1) ledger.call(call(`m${number}`))
  ledger.arrival(arrival(other, now))
  expect(rowsOf(ledger)[0]?.id).toBe(other.event_id)
})

test('a call without a client id, which anybody may post, is a row', () => {
  const { messageId, at, event } = call('m1')
  ledger.call({ messageId, at, event })
  expect(kinds()).toEqual(['sending'])
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
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const all = createLedger()
      for (const each of steps) {
        const messageId = each.message
        if (each.kind === 'call') all.call(call(messageId))
        else if (each.kind === 'arrival') all.arrival(arrival(hit(messageId), now + each.at))
        else if (each.kind === 'skip') {
          all.report(report('skipped', { messageId, reason: 'no-name' }), now)
        } else {
          const named = each.named ? { messageId } : {}
          all.report(report(each.outcome, { hit: hit(messageId, {}, each.part), ...named }), now)
        }
      }
      const { calls, ...states } = tally(all)
      expect(Object.values(states).reduce((sum, count) => sum + count, 0)).toBe(calls)
      expect(rowsOf(all)).toHaveLength(calls)
    }),
  )
})
