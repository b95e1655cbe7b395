import fc from 'fast-check'

function throwing(): never {
  throw new Error('of the site')
}

const circular: Record<string, unknown> = { email: 'a@example.com' }
circular['self'] = circular
circular['traits'] = circular
circular['page'] = circular

const refusing = new Proxy(
  {},
  Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((trap) => [trap, throwing])),
)

function revoked(target: object): unknown {
  const { proxy, revoke } = Proxy.revocable(target, {})
  revoke()
  return proxy
}

const names = [
  'page', 'path', 'url', 'traits', 'trait', 'groupId', 'email', 'plan', 'Skalin', 'customerId',
  'featureName', 'consent', 'categoryPreferences', 'categories', 'length', '0',
] // prettier-ignore

/** Every field that anybody looks for, and each throws. */
const trap = Object.defineProperties(
  {},
  Object.fromEntries(names.map((name) => [name, { get: throwing, enumerable: true }])),
)

/** A string of any UTF-16 units, halves of characters among them. */
export const anyText: fc.Arbitrary<string> = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 })
  .map((units) => String.fromCharCode(...units))

const huge: readonly (() => unknown)[] = [
  () => 'x'.repeat(1_000_000),
  () => '😀 '.repeat(300_000),
  () => `a@${'.'.repeat(1_000_000)}@`,
  () => `https://app.example/a${'/'.repeat(1_000_000)}b`,
]

const odd: readonly (() => unknown)[] = [
  () => throwing,
  () => ['x'.repeat(100), throwing, null],
  () => new Array<unknown>(5),
  () => 1n,
  () => Symbol('a'),
  () => Symbol.iterator,
  () => circular,
  () => refusing,
  () => new Proxy([], { get: throwing }),
  () => revoked({}),
  () => revoked([]),
  () => trap,
  () => ({ toString: throwing, valueOf: throwing, toJSON: throwing }),
  () => ({ [Symbol.toPrimitive]: throwing }),
  () => Object.defineProperty({}, Symbol.toStringTag, { get: throwing }),
  () => ({ [Symbol.toStringTag]: 'Date', valueOf: throwing }),
  () => Object.assign(new Date(0), { valueOf: throwing, getTime: throwing, toISOString: throwing }),
  () => new Date(NaN),
  () => new Date(8.64e15),
  () => Object.create(null) as unknown,
  () => Object.create(trap) as unknown,
  () => JSON.parse('{"__proto__":{"email":"a@example.com","groupId":"g"}}') as unknown,
  () => Object.assign([], { page: {}, traits: [] }),
  () => Number.MAX_VALUE,
  () => -0,
]

const made = Symbol('made')

/**
 * Anything at all that a page can put somewhere, for {@link alive} to make: fast-check looks into
 * the values it gives, which some of these do not survive.
 */
export const anyValue: fc.Arbitrary<unknown> = fc
  .oneof(
    { weight: 20, arbitrary: anyText.map((text) => () => text) },
    { weight: 20, arbitrary: fc.constantFrom(...odd) },
    { weight: 1, arbitrary: fc.constantFrom(...huge) },
    {
      weight: 20,
      arbitrary: fc
        .anything({
          withBigInt: true,
          withBoxedValues: true,
          withDate: true,
          withMap: true,
          withNullPrototype: true,
          withObjectString: true,
          withSet: true,
          withSparseArray: true,
          withTypedArray: true,
        })
        .map((value) => () => value),
    },
  )
  .map((make) => ({ [made]: make }))

/** What fast-check gave, with each {@link anyValue} in it made. */
export function alive(given: unknown): unknown {
  if (typeof given !== 'object' || given === null || given instanceof Date) return given
  if (made in given) return (given[made] as () => unknown)()
  return Object.fromEntries(
    Object.entries(given).map(([name, value]: [string, unknown]) => [name, alive(value)]),
  )
}
