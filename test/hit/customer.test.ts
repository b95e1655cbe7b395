import { describe, expect, test } from 'vitest'
import type { SegmentEvent } from '../../src/hit/event.ts'
import type { SkalinSettings } from '../../src/settings.ts'
import { type World, group, hitOf, identify, page, screen, track } from '../support/events.ts'

const customer = (event: SegmentEvent, world?: World) => hitOf(event, world).customer_id
const option = (customerId: unknown) => ({ integrations: { Skalin: { customerId } } })
const setting = (customerId: unknown): World => ({
  settings: { customerId: customerId as NonNullable<SkalinSettings['customerId']> },
})

describe('the customer is the first of', () => {
  // All at once; each row takes the first away from the row above.
  const traits = { groupId: 'trait', trait: { groupId: 'nested trait' } }
  const nested = { trait: { groupId: 'nested trait' } }
  const context = { groupId: 'context' }
  const all = { ...option('option'), context: { ...context, traits } }

  test.each<[string, SegmentEvent, World]>([
    ['option', track(all), { ...setting('setting'), groupId: 'group' }],
    ['setting', track({ ...all, integrations: {} }), { ...setting('setting'), groupId: 'group' }],
    ['trait', track({ context: { ...context, traits } }), { groupId: 'group' }],
    ['nested trait', track({ context: { ...context, traits: nested } }), { groupId: 'group' }],
    ['context', track({ context }), { groupId: 'group' }],
    ['group', track(), { groupId: 'group' }],
  ])('%s', (name, event, world) => {
    expect(customer(event, world)).toBe(name)
  })

  test.each<[string, SegmentEvent, World]>([
    ['option', group({ ...all, groupId: 'own' }), { ...setting('setting'), groupId: 'group' }],
    ['trait', group({ context: { ...context, traits } }), { groupId: 'group' }],
    ['trait', group(), { traits, groupId: 'group' }],
    ['context', group({ context }), { groupId: 'group' }],
    ['group-1', group(), { groupId: 'the group before' }],
  ])('%s, for a group call', (name, event, world) => {
    expect(customer(event, world)).toBe(name)
  })

  test.each([
    ['track', track()],
    ['page', page({ name: 'Home' })],
    ['screen', screen({ name: 'Home' })],
    ['identify', identify()],
    ['group', group()],
  ])('each of them for %s', (_, event) => {
    expect(customer({ ...event, ...option('option') })).toBe('option')
    expect(customer(event, setting('setting'))).toBe('setting')
  })
})

test('no customer is known without any of them', () => {
  expect(hitOf(track())).not.toHaveProperty('customer_id')
})

describe('the traits are', () => {
  test("for identify the event's own alone", () => {
    const own = identify({
      traits: { groupId: 'own' },
      context: { traits: { groupId: 'context' } },
    })
    expect(customer(own, { traits: { groupId: 'stored' } })).toBe('own')
    expect(customer({ ...own, traits: {} }, { traits: { groupId: 'stored' } })).toBeUndefined()
  })

  test("in Segment's documented example nested", () => {
    const traits = { email: 'a@example.com', trait: { groupId: 'myCustomerID' } }
    expect(customer(identify({ traits }))).toBe('myCustomerID')
  })

  test("for others the call's context, then what was stored", () => {
    const world = { traits: { groupId: 'stored' } }
    expect(customer(track({ context: { traits: { groupId: 'context' } } }), world)).toBe('context')
    expect(customer(track({ context: { traits: { groupId: '' } } }), world)).toBe('stored')
    expect(customer(track(), world)).toBe('stored')
  })

  test("never the group's", () => {
    expect(customer(group({ traits: { groupId: "the group's trait" } }))).toBe('group-1')
  })
})

describe('a customer id', () => {
  const sources: [string, (id: unknown) => [SegmentEvent, World]][] = [
    ["the call's option", (id) => [track(option(id)), {}]],
    ['the setting', (id) => [track(), setting(() => id)]],
    ['the trait', (id) => [track(), { traits: { groupId: id } }]],
    ['the nested trait', (id) => [track(), { traits: { trait: { groupId: id } } }]],
    ['the context', (id) => [track({ context: { groupId: id } }), {}]],
    ['the group', (id) => [track(), { groupId: id }]],
  ]

  describe.each(sources)('of %s', (_, of) => {
    test.each([
      ['acme', 'acme'],
      ['  acme ', 'acme'],
      ['a\ud83d', 'a\ufffd'],
      [7, '7'],
      [0, '0'],
    ])('may be %j', (id, customerId) => {
      expect(customer(...of(id))).toBe(customerId)
    })

    test.each([
      undefined, null, '', '  ', NaN, Infinity, true, false, {}, ['acme'], 7n, () => 'acme',
    ])('is missing: %o', (id) => {
      expect(hitOf(...of(id))).not.toHaveProperty('customer_id')
    })
  }) // prettier-ignore

  test('of a setting that is a blank string is missing', () => {
    expect(customer(track(), { ...setting('  '), groupId: 'group' })).toBe('group')
  })
})

describe('the `customerId` setting as a function', () => {
  test('is told the event', () => {
    const event = track({ properties: { tenant: 'acme' } })
    const customerId = (asked: SegmentEvent) => (asked === event ? 'asked' : 'not asked')
    expect(customer(event, setting(customerId))).toBe('asked')
  })

  test('is not asked where the call has an option of its own', () => {
    const warnings: string[] = []
    const throwing = setting(() => {
      throw new Error('of the site')
    })
    expect(customer(track(option('option')), { ...throwing, warnings })).toBe('option')
    expect(warnings).toEqual([])
  })

  test.each([undefined, '', ' '])('leaves it to the others by %j', (answer) => {
    const warnings: string[] = []
    expect(customer(track(), { ...setting(() => answer), groupId: 'group', warnings })).toBe(
      'group',
    )
    expect(warnings).toEqual([])
  })

  test.each([
    [null, 'object'],
    [true, 'boolean'],
    [{ id: 'acme' }, 'object'],
  ])('that answers with the wrong type is as good as not given: %j', (answer, type) => {
    const warnings: string[] = []
    expect(customer(track(), { ...setting(() => answer), groupId: 'group', warnings })).toBe(
      'group',
    )
    expect(warnings).toEqual([`\`customerId\` returned the wrong type (${type}) and was ignored.`])
  })

  test('that throws is as good as not given', () => {
    const warnings: string[] = []
    const throwing = setting(() => {
      throw new Error('of the site')
    })
    expect(customer(track(), { ...throwing, groupId: 'group', warnings })).toBe('group')
    expect(warnings).toEqual(['`customerId` threw and was ignored.'])
  })
})

describe('a trait and a group', () => {
  const warningsOf = (event: SegmentEvent, world: World) => {
    const warnings: string[] = []
    hitOf(event, { ...world, warnings })
    return warnings
  }
  const traits = { groupId: 'trait' }
  const warning = 'The `groupId` trait and the Segment group differ: the trait is the customer.'

  test.each<[string, SegmentEvent, World]>([
    ['the current one', track(), { traits, groupId: 'group' }],
    ['that of the call', group(), { traits }],
    ['that of the context', track({ context: { groupId: 'group' } }), { traits }],
    ['with the nested trait', track(), { traits: { trait: traits }, groupId: 'group' }],
  ])('that differ are worth a warning: %s', (_, event, world) => {
    expect(warningsOf(event, world)).toEqual([warning])
  })

  test.each<[string, SegmentEvent, World]>([
    ['they are the same', track(), { traits, groupId: ' trait ' }],
    ['there is no group', track(), { traits }],
    ['there is no trait', track(), { groupId: 'group' }],
    ['neither is used', track(), { traits, groupId: 'group', ...setting('setting') }],
    ['the option says it', track(option('option')), { traits, groupId: 'group' }],
  ])('are worth none where %s', (_, event, world) => {
    expect(warningsOf(event, world)).toEqual([])
  })
})
