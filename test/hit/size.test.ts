import { describe, expect, test } from 'vitest'
import { type Draft, type Hit, completeHit, encodeHit, fitHit } from '../../src/hit/hit.ts'
import { hitOf, identify, track } from '../support/events.ts'

const limit = 16 * 1024
const onWire = (hit: Draft) => new URLSearchParams(hit).toString()

/** A hit of `bytes`, by the length of its user id. */
function filled(bytes: number, event = track): Draft {
  const rest = encodeHit(hitOf(event({ userId: 'x' }))).length - 1
  return hitOf(event({ userId: 'x'.repeat(bytes - rest) }))
}

describe('the size of a hit', () => {
  test('is that of its body on the wire', () => {
    const hit = hitOf(track({ event: "Café & 😀 + '(!)~*-._%20", userId: 'alice' }))
    expect(encodeHit(hit)).toBe(onWire(hit))
  })

  test('may be 16 KiB', () => {
    const hit = filled(limit)
    expect(onWire(hit)).toHaveLength(limit)
    expect(fitHit(hit)).toBe(hit)
  })

  test('may not be a byte more', () => {
    expect(fitHit(filled(limit + 1))).toBeUndefined()
  })

  test('is too much by a customer alone', () => {
    const event = track({ userId: undefined, context: { groupId: 'x'.repeat(limit) } })
    expect(fitHit(hitOf(event))).toBeUndefined()
  })
})

describe('a hit that is too large', () => {
  const traits = (bytes: number) => ({ email: 'a@example.com', about: 'x'.repeat(bytes) })
  const settings = { traits: ['about', 'plan'] }

  test('goes out without the chosen traits', () => {
    const event = identify({ traits: { ...traits(limit), plan: 'pro' } })
    const hit = hitOf(event, { settings })
    expect(fitHit(hit)).toEqual({ ...hit, identity: '{"id":"alice","email":"a@example.com"}' })
  })

  test('goes out without them where only the id or the address is known', () => {
    const byId = hitOf(identify({ traits: { ...traits(limit), email: '' } }), { settings })
    expect(fitHit(byId)?.identity).toBe('{"id":"alice"}')
    const byEmail = hitOf(identify({ userId: '', traits: traits(limit) }), { settings })
    expect(fitHit(byEmail)?.identity).toBe('{"email":"a@example.com"}')
  })

  test('keeps them all up to 16 KiB', () => {
    const hit = hitOf(identify({ traits: traits(12_000) }), { settings })
    expect(fitHit(hit)).toBe(hit)
  })

  test('does not go out when it is too large without them', () => {
    const event = identify({ userId: 'x'.repeat(limit), traits: traits(1) })
    expect(fitHit(hitOf(event, { settings }))).toBeUndefined()
  })
})

describe('a held hit', () => {
  const visit_id = '45c48cce2e2d7fbd'
  const held = (event = track({ userId: undefined })): Hit => ({ ...hitOf(event), visit_id })

  test('gets the identity that was learnt', () => {
    const known = hitOf(identify({ traits: { email: 'a@example.com' }, messageId: 'later' }))
    expect(completeHit(held(), known)).toEqual({
      ...held(),
      identity: '{"id":"alice","email":"a@example.com"}',
    })
  })

  test('gets it from a feature as well', () => {
    expect(completeHit(held(), hitOf(track({ event: 'Export' })))?.identity).toBe('{"id":"alice"}')
  })

  test('gets it without the chosen traits', () => {
    const known = hitOf(identify({ traits: { plan: 'pro' } }), { settings: { traits: ['plan'] } })
    expect(completeHit(held(), known)?.identity).toBe('{"id":"alice"}')
  })

  test('gets an e-mail address alone', () => {
    const known = hitOf(identify({ userId: '', traits: { email: 'a@example.com' } }))
    expect(completeHit(held(), known)?.identity).toBe('{"email":"a@example.com"}')
  })

  test('gets the customer', () => {
    const known = hitOf(identify(), { groupId: 'acme' })
    expect(completeHit(held(), known)).toMatchObject({ customer_id: 'acme' })
  })

  test('keeps a customer of its own', () => {
    const own = held(track({ userId: undefined, context: { groupId: 'own' } }))
    const known = hitOf(identify(), { groupId: 'acme' })
    expect(completeHit(own, known)).toMatchObject({ customer_id: 'own' })
  })

  test('has no customer where nobody has', () => {
    expect(completeHit(held(), hitOf(identify()))).not.toHaveProperty('customer_id')
  })

  test('is itself left as it is', () => {
    const hit = held()
    completeHit(hit, hitOf(identify(), { groupId: 'acme' }))
    expect(hit).toEqual(held())
  })

  test('is dropped when it no longer fits', () => {
    const known = filled(limit, identify)
    const url = { context: { page: { url: 'https://app.example/'.padEnd(300, 'x') } } }
    expect(fitHit(known)).toBe(known)
    expect(completeHit(held(track({ userId: undefined, ...url })), known)).toBeUndefined()
  })
})
