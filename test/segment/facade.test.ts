import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { facade } from '../../src/segment/facade.ts'

type Method = (...given: unknown[]) => unknown
type Facade = Record<string, Method | undefined>
type Make = new (event: object, options: object) => Facade

const kinds = {
  track: 'Track',
  identify: 'Identify',
  page: 'Page',
  screen: 'Screen',
  group: 'Group',
  alias: 'Alias',
}
type Kind = keyof typeof kinds
const types = Object.keys(kinds) as Kind[]

/** Segment's own, which has no types, made as Segment makes it for a middleware. */
const real = createRequire(import.meta.url)('@segment/facade') as Record<string, Make>

function segments(event: { type: Kind }): Facade {
  const Own = real[kinds[event.type]] as Make
  const made = new Own(event, { clone: true, traverse: false })
  return Object.defineProperty(made, 'obj', { value: event, writable: true })
}

function methodsOf(theirs: Facade): string[] {
  const names = []
  for (const name in theirs) if (typeof theirs[name] === 'function') names.push(name)
  return names
}

const ours = (event: object, onMissing: (name: string) => void = () => undefined) =>
  facade(event, onMissing) as unknown as Facade

const text = fc.constantFrom('', 'a', 'jane@example.com', '7', ' Import ', 'x y')
const value = fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null), fc.constant(undefined))
const name = fc.constantFrom(
  'email', 'Email', 'e_mail', 'name', 'firstName', 'last_name', 'id', 'category', 'plan', 'a.b', 'userAgent', 'groupId',
) // prettier-ignore
const bag = fc.dictionary(name, fc.oneof(value, fc.dictionary(name, value)))
const context = fc.record(
  { traits: bag, groupId: value, userAgent: text, Skalin: fc.oneof(bag, value), all: value },
  { requiredKeys: [] },
)
const integration = fc.constantFrom('All', 'all', 'Skalin', 'skalin', 'Salesforce')
const events = fc.record(
  {
    type: fc.constantFrom(...types),
    messageId: text,
    timestamp: fc.date({ noInvalidDate: true }),
    userId: value,
    anonymousId: value,
    groupId: value,
    event: text,
    name: value,
    category: value,
    properties: bag,
    traits: bag,
    context,
    options: context,
    integrations: fc.dictionary(integration, fc.oneof(value, bag)),
    previousId: value,
    from: value,
    to: value,
    channel: text,
  },
  { requiredKeys: ['type', 'timestamp'] },
)

/** What a method is called with; by default nothing. */
const given: Record<string, unknown[][]> = {
  proxy: [
    'properties', 'properties.email', 'traits.id', 'context.traits.e-mail', 'options.groupId', 'event', 'properties.a.b',
    'traits.firstname', 'nothing.at.all',
  ].map((path) => [path]),
  field: [['properties'], ['userId'], ['nothing']],
  options: [[], ['Skalin'], ['skalin'], ['Else'], ['Salesforce']],
  enabled: [['Skalin'], ['Else'], ['Salesforce']],
  event: [[], ['Home']],
} // prettier-ignore

/** What Segment's Facade has and ours has not, but for its name. */
const leftOut = [
  'active', 'address', 'age', 'avatar', 'birthday', 'cartId', 'cents', 'checkoutId', 'city', 'companyCreated',
  'companyName', 'country', 'coupon', 'couponId', 'created', 'currency', 'description', 'device', 'discount', 'employees',
  'firstName', 'fullName', 'gender', 'id', 'identify', 'industry', 'ip', 'lastName', 'library', 'orderId', 'path',
  'paymentId', 'paymentMethod', 'phone', 'phones', 'plan', 'position', 'price', 'productId', 'products', 'promotionId',
  'quantity', 'query', 'referrer', 'region', 'repeat', 'revenue', 'reviewId', 'shipping', 'shippingMethod', 'sku',
  'state', 'street', 'subtotal', 'tax', 'timezone', 'title', 'total', 'track', 'uid', 'url', 'username', 'value',
  'website', 'websites', 'wishlistId', 'zip',
] // prettier-ignore

describe("Segment's Facade", () => {
  test('answers the same as ours, whatever the event', () => {
    const property = fc.property(events, (event) => {
      const [theirs, our] = [segments(structuredClone(event)), ours(structuredClone(event))]
      for (const method of methodsOf(theirs)) {
        if (leftOut.includes(method)) continue
        for (const parts of given[method] ?? [[]]) {
          expect([method, parts, our[method]?.(...parts)]).toEqual([
            method,
            parts,
            theirs[method]?.(...parts),
          ])
        }
      }
    })
    fc.assert(property, { numRuns: 300 })
  })

  test('has some methods more, which answer nothing and say so', () => {
    const missing = new Set<string>()
    for (const type of types) {
      const event = { type, timestamp: new Date(0) }
      const our = ours(event, (method) => missing.add(method))
      for (const method of methodsOf(segments(event))) our[method]?.('x')
    }
    expect([...missing].sort()).toEqual(leftOut)
  })
})

describe('what a middleware is given', () => {
  test('can be awaited and written as JSON', async () => {
    const missing: string[] = []
    const payload = ours({ type: 'track' }, (method) => missing.push(method))
    expect(await Promise.resolve(payload)).toBe(payload)
    expect(JSON.parse(JSON.stringify(payload))).toEqual({ obj: { type: 'track' } })
    expect(missing).toEqual([])
  })

  test('may get another event', () => {
    const payload = facade({ type: 'track', event: 'One' }, () => undefined)
    payload.obj = { type: 'track', event: 'Two' }
    expect((payload['event'] as Method)()).toBe('Two')
  })
})
