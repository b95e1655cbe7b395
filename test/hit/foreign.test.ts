import { describe, expect, test } from 'vitest'
import type { SegmentEvent } from '../../src/hit/event.ts'
import { completeHit, fitHit } from '../../src/hit/hit.ts'
import { jsonOf } from '../../src/hit/json.ts'
import { group, hitOf, identify, skipOf, track } from '../support/events.ts'

const words = [
  'undefined', 'null', 'NaN', 'true', 'false', '[object Object]', '[object Promise]', ' undefined\u200b',
] // prettier-ignore

const warning = (what: string, word: string) =>
  `The ${what} is the word \`${word.replace(/[ \u200b]+(?!O|P)/g, '')}\`, which counts as none.`

describe.each(words)('the word %j', (word) => {
  test.each<[string, SegmentEvent]>([
    ['user id', track({ userId: word })],
    ['anonymous id', track({ anonymousId: word })],
  ])('is no %s, and the developer is told so', (what, event) => {
    const warnings: string[] = []
    const missing = { ...event, ...(what === 'user id' ? { userId: null } : { anonymousId: null }) }
    expect(hitOf(event, { warnings })).toEqual(hitOf(missing))
    expect(new Set(warnings)).toEqual(new Set([warning(what, word)]))
  })

  test('is no user to identify', () => {
    const warnings: string[] = []
    expect(skipOf(identify({ userId: word }), { warnings })).toBe('no-identity')
    expect(warnings).toEqual([warning('user id', word)])
  })

  test('is no group', () => {
    const warnings: string[] = []
    expect(skipOf(group({ groupId: word }), { warnings })).toBe('no-group')
    expect(warnings).toEqual([warning('group id', word)])
  })

  test.each<[string, Parameters<typeof hitOf>]>([
    ['option', [track({ integrations: { Skalin: { customerId: word } } }), {}]],
    ['setting', [track(), { settings: { customerId: word } }]],
    ['function', [track(), { settings: { customerId: () => word } }]],
    ['trait', [track({ context: { traits: { groupId: word } } }), {}]],
    ['nested trait', [track({ context: { traits: { trait: { groupId: word } } } }), {}]],
    ['context', [track({ context: { groupId: word } }), {}]],
  ])('is no customer by %s: the next counts', (_, [event, world]) => {
    const warnings: string[] = []
    expect(hitOf(event, { ...world, groupId: 'acme', warnings }).customer_id).toBe('acme')
    expect(warnings).toEqual([warning('customer', word)])
  })

  test('is no stored group', () => {
    expect(hitOf(track(), { groupId: word })).not.toHaveProperty('customer_id')
  })
})

test.each(['Undefined', 'NULL', 'none', 'true-story', 'x[object Object]', '0'])(
  'an id may be %s',
  (userId) => {
    const warnings: string[] = []
    expect(hitOf(track({ userId }), { warnings }).identity).toBe(`{"id":"${userId}"}`)
    expect(warnings).toEqual([])
  },
)

test('what is invisible around an id, an e-mail address and a customer goes', () => {
  const email = '\u200bjane@example.com\ufeff'
  const event = identify({
    userId: '\u2060 alice\u200e',
    traits: { email, groupId: '\u202aacme\u202c ' },
  })
  const hit = hitOf(event)
  expect(hit.identity).toBe('{"id":"alice","email":"jane@example.com"}')
  expect(hit.customer_id).toBe('acme')
})

test.each(['\ufe0f', ' \ufe0f\u200d\ufe0e ', '\u{e0100}', '\u{e0067}\u3164'])(
  'what is invisible is nothing by itself: %j',
  (nothing) => {
    const traits = { groupId: nothing, email: nothing }
    expect(skipOf(identify({ userId: nothing, traits }))).toBe('no-identity')
    expect(skipOf(track({ event: nothing }))).toBe('no-name')
    const hit = hitOf(track({ context: { traits } }))
    expect(hit).not.toHaveProperty('customer_id')
  },
)

describe('a page that changes how JSON is made', () => {
  const prototypes = [Object.prototype, Array.prototype, String.prototype, Number.prototype]

  /** As Prototype 1.6 and others did it. */
  function bent<T>(make: () => T): T {
    for (const prototype of prototypes) {
      Object.defineProperty(prototype, 'toJSON', { value: () => 'bent', configurable: true })
    }
    try {
      return make()
    } finally {
      for (const prototype of prototypes) Reflect.deleteProperty(prototype, 'toJSON')
    }
  }

  test('changes no hit', () => {
    const traits = { email: 'jane@example.com', plan: 'pro', seats: 7, trial: true, none: null }
    const world = { settings: { traits: Object.keys(traits) } }
    const all = () => {
      const known = hitOf(identify({ traits }), world)
      const held = { ...hitOf(track({ userId: null })), visit_id: 'v' }
      const large = { ...known, identity: jsonOf([['id', 'alice'], ['plan', 'x'.repeat(20_000)]]) } // prettier-ignore
      return [known, held, completeHit(held, known), fitHit(large)]
    }
    expect(bent(() => JSON.stringify({ a: 1 }))).toBe('"bent"')
    expect(bent(all)).toEqual(all())
  })
})
