import type { Analytics, Context } from '@segment/analytics-next'
import { describe, expect, onTestFinished } from 'vitest'
import { text } from '../../src/hit/read.ts'
import { until } from '../support/deadline.ts'
import { identityOf, nameOf, test } from './host.ts'

const sabotage = () => {
  throw new Error('hostile')
}

const circular: Record<string, unknown> = { name: 'circular' }
circular.self = circular

/** Values that code which trusts them stumbles over. */
const values: Record<string, () => unknown> = {
  'a circle': () => circular,
  'a getter that throws': () =>
    Object.defineProperty({}, 'email', { enumerable: true, get: sabotage }),
  'a proxy that throws': () =>
    new Proxy({}, { get: sabotage, has: sabotage, ownKeys: sabotage, getPrototypeOf: sabotage }),
  'a BigInt': () => 10n ** 30n,
  'an object with a BigInt': () => ({ email: 1n, groupId: 2n }),
  'a symbol': () => Symbol('hostile'),
  'an object with symbols': () => ({ [Symbol.toPrimitive]: sabotage, email: Symbol('email') }),
  'a toString that throws': () => ({ toString: sabotage, valueOf: sabotage, toJSON: sabotage }),
  'an object without a prototype': () =>
    Object.assign(Object.create(null), { email: {} }) as object,
  'an own __proto__': () =>
    JSON.parse('{"__proto__":{"email":"a@example.com"},"email":{}}') as object,
  'a constructor': () => ({ constructor: { prototype: { email: 'a@example.com' } } }),
  'a megabyte': () => 'x'.repeat(1_000_000),
  'an object of a megabyte': () => ({ email: `a@${'x'.repeat(1_000_000)}`, groupId: 'g' }),
  'half a surrogate pair': () => '\ud800 and \udfff',
  'an object with half a surrogate pair': () => ({
    email: '\ud800@example.com',
    groupId: '\udc00',
  }),
  'control characters': () => '\u0000\r\nrec=2\u2028',
  'an invalid date': () => new Date(NaN),
  'a date far away': () => new Date(8.64e15),
  'what only looks like a date': () => ({ [Symbol.toStringTag]: 'Date', valueOf: sabotage }),
  'a function': () => sabotage,
  'a list': () => [circular, [1n], sabotage],
  'a deep object': () =>
    Array.from({ length: 5000 }).reduce<object>((inner) => ({ groupId: inner }), {}),
  'not a number': () => NaN,
  'minus zero': () => -0,
  nothing: () => undefined,
  null: () => null,
}

/** Where a page may put such a value. */
const places: Record<string, (analytics: Analytics, value: never) => Promise<unknown>> = {
  'the name of an event': (analytics, value) => analytics.track(value),
  'the properties of an event': (analytics, value) => analytics.track('Used', value),
  'a property of an event': (analytics, value) => analytics.track('Used', { value }),
  'the name of a page': (analytics, value) => analytics.page('Category', value),
  'the category of a page': (analytics, value) => analytics.page(value, 'Name'),
  'the properties of a page': (analytics, value) =>
    analytics.page('Category', 'Name', { url: value, path: value, title: value }),
  'the name of a screen': (analytics, value) => analytics.screen('Category', value),
  'the user id': (analytics, value) => analytics.identify(value),
  'the traits of a user': (analytics, value) => analytics.identify('alice', value),
  'a trait of a user': (analytics, value) =>
    analytics.identify('alice', { email: value, plan: value, groupId: value, trait: value }),
  'the group id': (analytics, value) => analytics.group(value),
  'the traits of a group': (analytics, value) => analytics.group('acme', value),
  'the timestamp': (analytics, value) => analytics.track('Used', {}, { timestamp: value }),
  'the message id': (analytics, value) => analytics.track('Used', {}, { messageId: value }),
  'the anonymous id': (analytics, value) => analytics.track('Used', {}, { anonymousId: value }),
  'the context': (analytics, value) => analytics.track('Used', {}, { context: value }),
  'the traits in the context': (analytics, value) =>
    analytics.track('Used', {}, { context: { traits: value, groupId: value } }),
  'the page in the context': (analytics, value) =>
    analytics.track('Used', {}, { context: { page: value } }),
  'the URL in the context': (analytics, value) =>
    analytics.track('Used', {}, { context: { page: { url: value, path: value } } }),
  'the consent in the context': (analytics, value) =>
    analytics.track('Used', {}, { context: { consent: value } }),
  'the integrations': (analytics, value) => analytics.track('Used', {}, { integrations: value }),
  'the options of the plugin': (analytics, value) =>
    analytics.track('Used', {}, { integrations: { Skalin: value } }),
  'an option of the plugin': (analytics, value) =>
    analytics.track(
      'Used',
      {},
      { integrations: { Skalin: { customerId: value, featureName: value } } },
    ),
}

function watchErrors(): unknown[] {
  const errors: unknown[] = []
  const onError = (error: unknown) => errors.push(error)
  process.on('unhandledRejection', onError)
  process.on('uncaughtException', onError)
  onTestFinished(() => {
    process.off('unhandledRejection', onError)
    process.off('uncaughtException', onError)
  })
  return errors
}

/** What the page sees of a call: its event's type, or the error that Segment throws. */
const seenByPage = (call: () => Promise<unknown>) =>
  Promise.resolve()
    .then(call)
    .then(
      (ctx) => (ctx as Context).event,
      (error: unknown) => String(error),
    )

test.for(Object.entries(places))(
  'whatever comes as %s, the page notices nothing and we say what became of it',
  async ([, put], { host }) => {
    const errors = watchErrors()
    const witness = host.witness()
    const plugin = host.plugin({
      anonymous: 'send',
      traits: ['plan', 'groupId', 'email', 'toString'],
    })
    const without = await host.analytics()
    const analytics = await host.analytics({}, plugin, {
      ...witness.plugin,
      // It gets what `integrations` allow us to get.
      name: 'Skalin',
      alternativeNames: ['skalin'],
    })

    const owed: [name: string, messageId: string | undefined][] = []
    for (const [name, value] of Object.entries(values)) {
      const expected = await seenByPage(() => put(without, value() as never))
      analytics.reset()
      const seen = witness.seen.length
      const actual = await seenByPage(() => put(analytics, value() as never))
      analytics.reset()

      if (typeof expected === 'string' || typeof actual === 'string') {
        expect(actual, name).toBe(expected)
        continue
      }
      if (witness.seen.length > seen) owed.push([name, text(actual.messageId)])
    }

    expect(owed.length).toBeGreaterThan(0)
    await until(
      () => {
        const told = new Set(host.reports.map(({ messageId }) => messageId))
        return owed.every(([, messageId]) => told.has(messageId))
      },
      { message: `a report of each of ${JSON.stringify(owed)}` },
    )
    await analytics.track('marker')
    await host.collector.hits({ where: (hit) => nameOf(hit) === 'marker' })
    expect(host.collector.requests.flatMap(({ problems }) => problems)).toEqual([])
    expect(errors).toEqual([])
  },
)

describe('an event that cannot be read', () => {
  const fields = [
    'type', 'messageId', 'userId', 'anonymousId', 'groupId', 'event', 'name', 'category', 'traits',
    'properties', 'context', 'integrations', 'timestamp',
  ] // prettier-ignore

  test.for(fields)('in its %s gives the context back and does no harm', async (field, { host }) => {
    const errors = watchErrors()
    const plugin = host.plugin({ anonymous: 'send' })
    const analytics = await host.analytics({}, plugin)
    const event = Object.defineProperty({ type: 'track', event: 'Used' }, field, { get: sabotage })
    const ctx = { event, log: () => undefined }
    for (const hook of ['track', 'page', 'screen', 'identify', 'group', 'alias'] as const) {
      expect(plugin[hook](ctx)).toBe(ctx)
    }
    await analytics.track('marker')

    await host.collector.hits({ where: (hit) => nameOf(hit) === 'marker' })
    expect(errors).toEqual([])
  })
})

test('a stored trait that cannot be read costs no hit, and no other trait', async ({ host }) => {
  const plugin = host.plugin({ traits: ['plan'] })
  const analytics = await host.analytics({ disableClientPersistence: true }, plugin)
  // Segment would read those of the same user.
  await analytics.identify('alice')
  const traits = { plan: 'gold' }
  Object.defineProperty(traits, 'avatar', { enumerable: true, get: sabotage })
  await analytics.identify('bob', traits)
  await analytics.track('Used')
  const hits = await host.hits(3)
  expect(hits.map(nameOf).sort()).toEqual(['Used', 'ui', 'ui'])
  expect(hits.map(identityOf)).toContainEqual({ id: 'bob', plan: 'gold' })
})
