import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SegmentEvent } from '../../src/hit/event.ts'
import { fnv1a64, idOf } from '../../src/hit/hash.ts'
import { type Draft, completeHit, fitHit } from '../../src/hit/hit.ts'
import { identify, mapEvent } from '../../src/hit/map-event.ts'
import { checkHit } from '../../src/testing/protocol.ts'
import { hitOf, nameOf, noon, page, sourceOf, track } from '../support/events.ts'
import { alive, anyText, anyValue } from '../support/hostile.ts'

// SEED=7 NUM_RUNS=20000 npx vitest run --project pure --testTimeout 600000 test/hit/laws
const numRuns = Number(process.env['NUM_RUNS'] ?? 300)
const check = { seed: Number(process.env['SEED'] ?? 1), numRuns }

const visit_id = '45c48cce2e2d7fbd'
const skips = ['no-name', 'no-identity', 'no-group', 'unsupported', 'feature-name']

const orAnything = (usual: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 3, arbitrary: usual }, anyValue)

const some = fc.constantFrom('a', 'alice', 'alice@example.com', ' acme ', 7)

const traits = orAnything(
  fc.record(
    {
      email: orAnything(some),
      groupId: orAnything(some),
      trait: orAnything(fc.record({ groupId: orAnything(some) })),
      plan: anyValue,
      ['__proto__']: anyValue,
    },
    { requiredKeys: [] },
  ),
)

const url = fc.oneof(
  fc.webUrl({ withQueryParameters: true, withFragments: true }),
  fc.webUrl().map((it) => `${it}/${'\u00e9😀 %'.repeat(600)}`),
  fc.tuple(fc.constantFrom('app:', 'app:/', 'app://', 'file://'), anyText).map((it) => it.join('')),
)

const anyEvent = fc
  .record(
    {
      type: orAnything(fc.constantFrom('track', 'page', 'screen', 'identify', 'group', 'alias')),
      messageId: orAnything(some),
      userId: orAnything(some),
      anonymousId: orAnything(some),
      groupId: orAnything(some),
      event: orAnything(some),
      name: orAnything(some),
      category: orAnything(some),
      traits,
      properties: anyValue,
      context: orAnything(
        fc.record(
          {
            page: orAnything(
              fc.record(
                { path: orAnything(fc.webPath()), url: orAnything(url) },
                { requiredKeys: [] },
              ),
            ),
            traits,
            groupId: orAnything(some),
          },
          { requiredKeys: [] },
        ),
      ),
      integrations: orAnything(
        fc.record({
          Skalin: orAnything(
            fc.record(
              { customerId: orAnything(some), featureName: orAnything(some) },
              { requiredKeys: [] },
            ),
          ),
        }),
      ),
      timestamp: orAnything(fc.oneof(fc.date(), fc.integer(), fc.constant('2026-11-24T12:04:05Z'))),
    },
    { requiredKeys: ['type'] },
  )
  .map((given) => () => alive(given) as SegmentEvent)

const nothing = { nothing: true }
const throws = { throws: true }

/** A function of the site's that answers `answer`, or throws, or is not given. */
function answering(answer: unknown): (() => never) | undefined {
  if (answer === nothing) return undefined
  return () => {
    if (answer === throws) throw new Error('of the site')
    return alive(answer) as never
  }
}

const anyAnswer = fc.oneof(orAnything(fc.oneof(some, url)), fc.constantFrom(nothing, throws))

const anySource = fc
  .record({
    customerId: anyAnswer,
    featureName: anyAnswer,
    url: anyAnswer,
    chosen: fc.array(
      fc.oneof(
        fc.constantFrom('plan', '__proto__', '7', 'email'),
        fc.string().filter((name) => name.trim() !== ''),
      ),
      { maxLength: 5 },
    ),
    traits,
    groupId: orAnything(some),
  })
  .map(
    (given) => () =>
      sourceOf({
        settings: {
          customerId: answering(given.customerId),
          featureName: answering(given.featureName),
          url: answering(given.url),
          traits: given.chosen,
        },
        traits: alive(given.traits),
        groupId: alive(given.groupId),
      }),
  )

/** Whether there is a hit: a draft may be too large for one. */
function expectValid(draft: Draft): boolean {
  const hit = fitHit({ ...draft, visit_id })
  if (hit === undefined) return false
  const body = new URLSearchParams(hit)
  expect(checkHit(body)).toEqual([])
  expect(body.toString().length).toBeLessThanOrEqual(16 * 1024)
  expect(Object.values(hit).every((value) => typeof value === 'string')).toBe(true)
  // What is stored and reported is what arrives: nothing is mended on the wire.
  expect(Object.fromEntries(body)).toEqual(hit)
  const ids = [hit.event_id, hit.visitor_id]
  expect(ids.every((id) => /^[\da-f]{16}$/.test(id))).toBe(true)
  return true
}

describe('whatever the page puts into an event', { timeout: 60_000 }, () => {
  test('it is a valid hit or skipped for a known reason, and nothing throws', () => {
    let hits = 0
    fc.assert(
      fc.property(anyEvent, anySource, (makeEvent, makeSource) => {
        const mapped = mapEvent(makeEvent(), makeSource())
        if ('skipped' in mapped) {
          expect(skips).toContain(mapped.skipped)
          return
        }
        if (expectValid(mapped)) hits += 1
      }),
      check,
    )
    // The law must not hold for want of hits.
    expect(hits).toBeGreaterThan(numRuns / 4)
  })

  test('so is the identification before it', () => {
    let hits = 0
    fc.assert(
      fc.property(anyEvent, anySource, (makeEvent, makeSource) => {
        const draft = identify(makeEvent(), makeSource(), 'identify')
        if (draft && expectValid(draft)) hits += 1
      }),
      check,
    )
    expect(hits).toBeGreaterThan(numRuns / 4)
  })

  test('so is a held hit that is completed', () => {
    let hits = 0
    fc.assert(
      fc.property(anyEvent, anySource, (makeEvent, makeSource) => {
        const known = identify(makeEvent(), makeSource())
        if (known === undefined) return
        const held = { ...hitOf(track({ userId: undefined })), visit_id }
        const complete = completeHit(held, known)
        if (complete && expectValid(complete)) hits += 1
      }),
      check,
    )
    expect(hits).toBeGreaterThan(numRuns / 4)
  })

  test('the same event is the same hit again', () => {
    fc.assert(
      fc.property(anyEvent, anySource, (makeEvent, makeSource) => {
        // Without a message id, the event's own id is random.
        const named = { ...makeEvent(), messageId: 'message-1' }
        const source = makeSource()
        expect(mapEvent(named, source)).toEqual(mapEvent(named, source))
      }),
      check,
    )
  })
})

describe('ids', () => {
  test('are 16 hexadecimal digits, of any text', () => {
    fc.assert(
      fc.property(anyText, (text) => /^[\da-f]{16}$/.test(fnv1a64(text))),
      check,
    )
  })

  test('are the same for the same parts alone', () => {
    const parts = fc.array(fc.string({ maxLength: 3 }), { maxLength: 3 })
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        const same = JSON.stringify(one) === JSON.stringify(other)
        expect(idOf(...one) === idOf(...other)).toBe(same)
      }),
      check,
    )
  })
})

describe('names', () => {
  const long = fc.array(anyText, { maxLength: 20 }).map((parts) => parts.join(' '))

  test('are one line of 1 to 255 characters without space around, or there is no hit', () => {
    fc.assert(
      fc.property(long, (event) => {
        if (event.trim() === '') return
        const name = nameOf(track({ event })) ?? ''
        expect(name).toMatch(/^\S(.*\S)?$/su)
        expect(name).not.toMatch(/[^\S ]| {2}/u)
        expect(Array.from(name).length).toBeLessThanOrEqual(255)
      }),
      check,
    )
  })

  test('stay as they are when they are mapped again', () => {
    fc.assert(
      fc.property(long, (event) => {
        if (event.trim() === '') return
        const name = nameOf(track({ event }))
        expect(nameOf(track({ event: name }))).toBe(name)
      }),
      check,
    )
  })

  test('of paths stay as they are too, and no number or address is left', () => {
    const segment = fc.oneof(
      fc.constantFrom('', 'users', ':id', '8f14e45f', 'jane%40example.com', 'a%'),
      fc.nat().map(String),
      fc.webSegment(),
    )
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 6 }), (segments) => {
        const path = `/${segments.join('/')}`
        const name = nameOf(page({ context: { page: { path } } })) ?? ''
        expect(nameOf(page({ context: { page: { path: name } } }))).toBe(name)
        expect(name).not.toMatch(/@|\/\d+(\/|$)|^.+\/$/)
      }),
      check,
    )
  })
})

describe('times', () => {
  test('are those of the event within the years that can be written, else of the call', () => {
    const anyTime = fc.oneof(
      fc.integer({ min: -8.64e15, max: 8.64e15 }),
      fc.double(),
      fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 }),
    )
    fc.assert(
      fc.property(anyTime, (ms) => {
        const written = ms >= -62_167_219_200_000 && ms < 253_402_300_800_000
        const time = new Date(written ? ms : noon).toISOString().slice(0, 19)
        for (const timestamp of [ms, new Date(ms)]) {
          expect(hitOf(track({ timestamp })).ts).toBe(time)
        }
      }),
      check,
    )
  })
})
