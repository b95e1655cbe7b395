import { describe, expect, test } from 'vitest'
import { fnv1a64, idOf } from '../../src/hit/hash.ts'
import { identify as introduce } from '../../src/hit/map-event.ts'
import { group, hitOf, identify, page, sourceOf, track } from '../support/events.ts'

describe('FNV-1a 64', () => {
  // https://datatracker.ietf.org/doc/html/rfc9923, and beyond ASCII by another implementation.
  test.each([
    ['', 'cbf29ce484222325'],
    ['a', 'af63dc4c8601ec8c'],
    ['b', 'af63df4c8601f1a5'],
    ['foobar', '85944171f73967e8'],
    ['chongo was here!\n', '46810940eff5f915'],
    ['é😀', '52da6ebdce68376c'],
    // Leading zeros are digits too.
    ['13900', '00f5898e9456454c'],
  ])('of %j is %s', (text, digits) => {
    expect(fnv1a64(text)).toBe(digits)
  })

  test.each([
    [
      ['ab', 'c'],
      ['a', 'bc'],
    ],
    [
      ['a', ''],
      ['', 'a'],
    ],
    [['a'], ['a', '']],
    [['1:a'], ['1', 'a']],
  ])('tells the parts %j from %j', (one, other) => {
    expect(idOf(...one)).not.toBe(idOf(...other))
  })
})

describe('event_id', () => {
  // Pinned: were it another in the next version, re-sent hits would be new events to Skalin.
  test('is made of the client id and the message id', () => {
    expect(hitOf(track()).event_id).toBe('88ebc749eedf5f4c')
  })

  test('stays the same whatever else the event says', () => {
    const one = hitOf(track())
    const other = hitOf(page({ name: 'Home', userId: 'bob', anonymousId: 'browser-2' }))
    expect(other.event_id).toBe(one.event_id)
  })

  test('differs for another message', () => {
    expect(hitOf(track({ messageId: 'message-2' })).event_id).not.toBe(hitOf(track()).event_id)
  })

  test('differs for another client id', () => {
    const other = hitOf(track(), { settings: { clientId: 'client-2' } })
    expect(other.event_id).not.toBe(hitOf(track()).event_id)
  })

  test('differs for the second hit of an event, which is as pure', () => {
    const second = introduce(track(), sourceOf(), 'identify')
    expect(second?.event_id).toBe('cabc56e563e50be0')
  })

  test.each([undefined, null, '', '  ', {}])('is random with the message id %j', (messageId) => {
    const source = sourceOf()
    const ids = [1, 2].map(() => introduce(track({ messageId }), source)?.event_id)
    expect(ids).toEqual(['0000000000000001', '0000000000000002'])
  })
})

describe('visitor_id', () => {
  test('is made of the anonymous id', () => {
    expect(hitOf(track()).visitor_id).toBe('350959998d3bbb6a')
  })

  test('is one for everything the visitor does, whoever it is and for each client id', () => {
    const hits = [
      hitOf(identify({ userId: 'bob' })),
      hitOf(group({ userId: 'carol' })),
      hitOf(page({ name: 'Home', userId: undefined }), { settings: { clientId: 'client-2' } }),
    ]
    expect(hits.map((hit) => hit.visitor_id)).toEqual(Array(3).fill('350959998d3bbb6a'))
  })

  test.each([undefined, null, '', ' ', {}])(
    'is made of the user id with the anonymous id %j',
    (anonymousId) => {
      expect(hitOf(track({ anonymousId })).visitor_id).toBe('9973fbfe40451ef1')
    },
  )

  test('tells an anonymous id from the same user id', () => {
    const anonymous = hitOf(track({ anonymousId: 'same' }))
    const user = hitOf(track({ anonymousId: undefined, userId: 'same' }))
    expect(user.visitor_id).not.toBe(anonymous.visitor_id)
  })

  test("is the page's without either", () => {
    const nobody = track({ anonymousId: undefined, userId: undefined })
    expect(hitOf(nobody).visitor_id).toBe('abcdefabcdefabcd')
  })
})
