import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import type { SegmentEvent } from '../../src/hit/event.ts'
import { pickTraits } from '../../src/hit/traits.ts'
import { group, hitOf, identify, page, skipOf, track } from '../support/events.ts'

const nobody = { userId: undefined }
const email = (address: unknown) => ({ email: address })
const known = (event: SegmentEvent, traits?: unknown) => hitOf(event, { traits }).identity

describe('the id', () => {
  test.each([
    ['alice', '{"id":"alice"}'],
    ['  alice ', '{"id":"alice"}'],
    ['a "quoted" \\ id', '{"id":"a \\"quoted\\" \\\\ id"}'],
    ['7', '{"id":"7"}'],
    [7, '{"id":"7"}'],
    [0, '{"id":"0"}'],
    ['al\ud83dice', '{"id":"al\ufffdice"}'],
  ])('is the user id: %j', (userId, identity) => {
    expect(known(track({ userId }))).toBe(identity)
    expect(known(identify({ userId }))).toBe(identity)
  })

  test.each([undefined, null, '', '  ', NaN, true, {}, ['alice']])('is missing: %j', (userId) => {
    expect(hitOf(track({ userId }))).not.toHaveProperty('identity')
    expect(skipOf(identify({ userId }))).toBe('no-identity')
  })

  test('is never a trait', () => {
    expect(known(identify({ traits: { id: 'bob' } }))).toBe('{"id":"alice"}')
    expect(skipOf(identify({ ...nobody, traits: { id: 'bob' } }))).toBe('no-identity')
  })
})

describe('the e-mail address', () => {
  test.each([
    ['Alice@Example.com', 'Alice@Example.com'],
    [' alice@example.com\n', 'alice@example.com'],
    ['a@b', 'a@b'],
    ['@alice', '@alice'],
  ])('is the trait %j', (given, address) => {
    const identity = JSON.stringify({ id: 'alice', email: address })
    expect(known(identify({ traits: email(given) }))).toBe(identity)
    expect(known(track({ context: { traits: email(given) } }))).toBe(identity)
    expect(known(track(), email(given))).toBe(identity)
    expect(known(page({ name: 'Home' }), email(given))).toBe(identity)
  })

  test.each(['', ' ', 'alice', undefined, null, 7, ['a@example.com'], { '@': 1 }])(
    'is not the trait %j',
    (given) => {
      expect(known(identify({ traits: email(given) }))).toBe('{"id":"alice"}')
    },
  )

  test.each(['alice@example.com', 'Alice.B+c@mail.Example.co.uk', 'é@é.fr', '"@b.c'])(
    'is the user id %j',
    (userId) => {
      expect(known(track({ userId }))).toBe(JSON.stringify({ id: userId, email: userId }))
    },
  )

  test.each([
    'alice',
    'alice@example',
    '@example.com',
    'alice@',
    'alice@.',
    'alice@com.',
    'alice.b@example',
    'ali ce@example.com',
    'alice@exam ple.com',
    'alice@example.c om',
    'alice@example.com and more',
  ])('is not the user id %j', (userId) => {
    expect(known(track({ userId }))).toBe(JSON.stringify({ id: userId }))
  })

  test('is the trait before the user id', () => {
    const event = identify({ userId: 'alice@login.example', traits: email('alice@example.com') })
    expect(known(event)).toBe('{"id":"alice@login.example","email":"alice@example.com"}')
  })

  test('is the user id where the trait is none', () => {
    const event = identify({ userId: 'a@example.com', traits: email('none') })
    expect(known(event)).toBe('{"id":"a@example.com","email":"a@example.com"}')
  })

  test('is enough to know somebody', () => {
    expect(known(track(nobody), email('a@example.com'))).toBe('{"email":"a@example.com"}')
  })

  // In the square of its length, this would take minutes.
  test('takes no time to look for in an id made to take long', () => {
    const userId = `a@${'.'.repeat(200_000)}@`
    expect(known(track({ userId }))).toBe(JSON.stringify({ id: userId }))
  })
})

describe('the traits are', () => {
  const context = { traits: email('context@example.com') }

  test("for identify the event's own alone", () => {
    const stored = email('stored@example.com')
    const own = identify({ traits: email('own@example.com'), context })
    expect(known(own, stored)).toBe('{"id":"alice","email":"own@example.com"}')
    expect(known(identify({ context }), stored)).toBe('{"id":"alice"}')
  })

  test.each([
    ['track', track({ context, traits: email('own@example.com') })],
    ['page', page({ name: 'Home', context, traits: email('own@example.com') })],
    ['group', group({ context, traits: email('own@example.com') })],
  ])("for %s the call's context, then what was stored", (_, event) => {
    const stored = email('stored@example.com')
    expect(known(event, stored)).toBe('{"id":"alice","email":"context@example.com"}')
    const bare = { ...event, context: { traits: { plan: 'pro' } } }
    expect(known(bare, stored)).toBe('{"id":"alice","email":"stored@example.com"}')
    expect(known({ ...event, context: {} })).toBe('{"id":"alice"}')
  })
})

describe('the chosen traits', () => {
  const choosing = (...traits: string[]) => ({ settings: { traits } })
  const chosen = (name: string, value: unknown) =>
    hitOf(identify({ traits: { [name]: value } }), choosing(name)).identity

  test.each([
    ['pro', '"pro"'],
    ['', '""'],
    [' pro ', '" pro "'],
    ['p\ud83d', '"p\ufffd"'],
    [7, '7'],
    [0, '0'],
    [-1.5, '-1.5'],
    [true, 'true'],
    [false, 'false'],
    [null, 'null'],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    // A Date of another frame is one all the same.
    [runInNewContext('new Date(0)'), '"1970-01-01T00:00:00.000Z"'],
  ])('are sent: %j', (value, json) => {
    expect(chosen('plan', value)).toBe(`{"id":"alice","plan":${json}}`)
  })

  test.each([
    ['undefined', undefined],
    ['NaN', NaN],
    ['Infinity', Infinity],
    ['an invalid Date', new Date(NaN)],
    ['an object', { name: 'pro' }],
    ['an array', ['pro']],
    ['what says it is a Date', { [Symbol.toStringTag]: 'Date', valueOf: () => 0 }],
    ['what throws when asked', Object.defineProperty({}, Symbol.toStringTag, { get: throwing })],
    ['a bigint', 7n],
    ['a symbol', Symbol('pro')],
    ['a function', () => 'pro'],
    ['a boxed string', Object('pro')],
  ])('are left out: %s', (_, value) => {
    expect(chosen('plan', value)).toBe('{"id":"alice"}')
  })

  test('are left out where a getter throws', () => {
    const traits = Object.defineProperty({}, 'plan', { get: throwing, enumerable: true })
    expect(hitOf(identify({ traits }), choosing('plan')).identity).toBe('{"id":"alice"}')
  })

  test('are sorted by name and come after id and email', () => {
    const traits = { b: 1, a: 2, B: 3, 7: 4, 10: 5, email: 'a@example.com', é: 6 }
    expect(hitOf(identify({ traits }), choosing('é', 'b', '7', 'B', '10', 'a')).identity).toBe(
      '{"id":"alice","email":"a@example.com","10":5,"7":4,"B":3,"a":2,"b":1,"é":6}',
    )
  })

  test('are no others', () => {
    const traits = { plan: 'pro', phone: '+33', address: { city: 'Lyon' } }
    expect(hitOf(identify({ traits }), choosing('plan')).identity).toBe(
      '{"id":"alice","plan":"pro"}',
    )
    expect(hitOf(identify({ traits })).identity).toBe('{"id":"alice"}')
  })

  test('cannot be id or email', () => {
    const traits = { id: 'bob', email: 'not an address' }
    const event = identify({ traits, userId: 'a@example.com' })
    expect(hitOf(event, choosing('id', 'email')).identity).toBe(
      '{"id":"a@example.com","email":"a@example.com"}',
    )
  })

  test('may have any name', () => {
    const traits: unknown = JSON.parse('{"__proto__":"p","constructor":"c"}')
    expect(hitOf(identify({ traits }), choosing('__proto__', 'constructor')).identity).toBe(
      '{"id":"alice","__proto__":"p","constructor":"c"}',
    )
  })

  test('are not what every object has', () => {
    const names = choosing('__proto__', 'constructor', 'toString')
    expect(hitOf(identify({ traits: {} }), names).identity).toBe('{"id":"alice"}')
  })

  test('are named as they are, quotes and all', () => {
    expect(chosen('a "b"', 1)).toBe('{"id":"alice","a \\"b\\"":1}')
  })

  test('go with a group too, those of the person', () => {
    const event = group({ traits: { plan: "the group's" } })
    const world = { ...choosing('plan'), traits: { plan: "the person's" } }
    expect(hitOf(event, world).identity).toBe('{"id":"alice","plan":"the person\'s"}')
  })

  test('of the call go before those stored, to clear one too', () => {
    const event = group({ context: { traits: { plan: null } } })
    const world = { ...choosing('plan', 'seats'), traits: { plan: 'pro', seats: 3 } }
    expect(hitOf(event, world).identity).toBe('{"id":"alice","plan":null,"seats":3}')
  })

  test('never go with a feature', () => {
    const world = { ...choosing('plan'), traits: { plan: 'pro' } }
    expect(hitOf(track(), world).identity).toBe('{"id":"alice"}')
  })
})

function throwing(): never {
  throw new Error('of the site')
}

test('a trait that JSON cannot hold is none, and costs the others nothing', () => {
  const traits = { email: 'a@b.example', groupId: 1n, plan: 2n, seats: 3 }
  expect(JSON.parse(JSON.stringify(pickTraits(traits, ['plan', 'seats'])))).toEqual({
    email: 'a@b.example',
    seats: 3,
    trait: {},
  })
})
