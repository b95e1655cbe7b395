import { expect, test } from 'vitest'
import type { HitFields } from '../../src/testing/index.ts'
import { sharedCollector } from './collector.ts'
import { deploy } from './sandbox.ts'

const collector = await sharedCollector()

const event = {
  type: 'track',
  messageId: 'message-1',
  anonymousId: 'phone-1',
  userId: 'alice',
  event: 'Import',
  timestamp: '2026-11-24T12:04:05.000Z',
}
const computed = { type: 'identify', traits: { plan: 'pro' }, context: { personas: {} } }

/** The hit of an event, by an instance of the Function that has seen no other. */
async function hitOf(fields: object, others = {}): Promise<HitFields> {
  collector.clear()
  const own = { clientId: 'client', endpoint: collector.endpoint, traits: ['plan'] }
  const verdict = await deploy().invoke({ ...event, ...fields }, { ...own, ...others })
  expect(verdict).toMatchObject({
    kind: 'delivered',
    answer: { sent: expect.anything() as string },
  })
  return collector.requests[0]?.hit ?? {}
}
const visitOf = async (fields: object) => (await hitOf(fields))['visit_id']

test('an event is the same hit each time it comes, to the byte', async () => {
  const bodies = new Set<string | undefined>()
  // Without its id and its time too, the event says of itself what it is.
  const bare = { messageId: undefined, timestamp: 'none', receivedAt: '2026-11-24T12:04:06.000Z' }
  for (const fields of [{}, {}, bare, bare]) {
    await hitOf(fields)
    bodies.add(collector.requests[0]?.body)
  }
  expect(await hitOf(bare)).toMatchObject({ ts: '2026-11-24T12:04:06' })
  expect(bodies.size).toBe(2)
})

test('an event without an id has one of its own for each client id', async () => {
  const bare = { messageId: undefined }
  const { event_id } = await hitOf(bare)
  expect((await hitOf(bare))['event_id']).toBe(event_id)
  expect((await hitOf(bare, { clientId: 'other' }))['event_id']).not.toBe(event_id)
})

test('a visit is a day of a visitor, in the zone of the event', async () => {
  const at = (timestamp: string, timezone?: string) => visitOf({ timestamp, context: { timezone } })
  const day = await at('2026-11-24T00:00:00.000Z')
  expect(await at('2026-11-24T23:59:59.999Z')).toBe(day)
  expect(await at('2026-11-25T00:00:00.000Z')).not.toBe(day)
  expect(await at('2026-11-23T23:00:00.000Z', 'Europe/Paris')).toBe(day)
  expect(await at('2026-11-24T23:00:00.000Z', 'Europe/Paris')).not.toBe(day)
  expect(await at('2026-11-25T04:59:59.000Z', 'America/New_York')).toBe(day)
})

test('a visit is of one visitor', async () => {
  const visits = [
    await visitOf({}),
    await visitOf({ anonymousId: 'phone-2' }),
    await visitOf({ anonymousId: undefined }),
    await visitOf({ anonymousId: undefined, userId: 'bob' }),
  ]
  expect(new Set(visits).size).toBe(4)
})

test('whatever Engage computes of a visitor is one visit, on no day', async () => {
  const own = await visitOf(computed)
  const nextYear = '2027-11-24T12:04:05.000Z'
  expect(await visitOf({ ...computed, traits: { plan: null }, timestamp: nextYear })).toBe(own)
  expect(await visitOf({ ...computed, anonymousId: 'phone-2' })).not.toBe(own)
  const used = await visitOf({})
  expect(used).not.toBe(own)
  expect(await visitOf({ context: { personas: null } })).toBe(used)
})

test('somebody known by e-mail address alone is one visitor', async () => {
  const known = (email: string) =>
    hitOf({ ...computed, anonymousId: null, userId: null, traits: { email, plan: 'pro' } })
  const [first, again, other] = [
    await known('a@example.com'),
    await known('a@example.com'),
    await known('b@example.com'),
  ]
  expect(first['visitor_id']).toMatch(/^[\da-f]{16}$/)
  expect(again['visitor_id']).toBe(first['visitor_id'])
  expect(other['visitor_id']).not.toBe(first['visitor_id'])
})
