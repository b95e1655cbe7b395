import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decide } from '../../src/function/decide.ts'
import { fitHit } from '../../src/hit/hit.ts'
import { mapEvent } from '../../src/hit/map-event.ts'
import { type Case, corpus } from '../support/corpus.ts'
import { noon, sourceOf } from '../support/events.ts'

const check = {
  seed: Number(process.env['SEED'] ?? 1),
  numRuns: Number(process.env['NUM_RUNS'] ?? 1000),
}

/** Any of the values that a field has somewhere in the corpus, or none. */
function anyOf(of: (one: Case) => unknown): fc.Arbitrary<unknown> {
  return fc.constantFrom(undefined, ...corpus.map(of).filter((value) => value !== undefined))
}
const contextOf = ({ event }: Case) => event['context'] as Record<string, unknown> | undefined
const fieldsOf = (names: string[], of: (one: Case, name: string) => unknown) =>
  fc.record(Object.fromEntries(names.map((name) => [name, anyOf((one) => of(one, name))])))

const events = fc
  .record({
    own: fieldsOf(
      [
        ...['type', 'userId', 'event', 'name', 'category', 'groupId'],
        ...['traits', 'integrations', 'timestamp'],
      ],
      ({ event }, name) => event[name],
    ),
    context: fieldsOf(['page', 'traits', 'groupId'], (one, name) => contextOf(one)?.[name]),
    anonymousId: fc.constantFrom('browser-1', undefined),
  })
  .map(({ own, context, anonymousId }) => ({
    // What stands in for a time that is missing: of the call in a browser, of its arrival at Segment here.
    receivedAt: new Date(noon).toISOString(),
    messageId: 'message-1',
    anonymousId,
    ...own,
    userId: own['userId'] ?? 'alice',
    context: { ...context, timezone: 'Europe/Paris', ip: '203.0.113.7' },
  }))

const settings = fieldsOf(
  ['customerId', 'traits', 'paths'],
  (one, name) => Object.entries(one.settings ?? {}).find(([key]) => key === name)?.[1],
)

test('whatever is mixed of the corpus, the Function makes the hit that the mapping makes', () => {
  let hits = 0
  fc.assert(
    fc.property(events, settings, (event, given) => {
      const source = sourceOf({ settings: given })
      const made = mapEvent(event, source)
      const decision = decide(event, {
        mapping: source.settings,
        endpoint: 'https://collect.skalin.io/hit',
        includeBrowser: true,
      })
      const known = 'skipped' in made || made.identity === undefined ? undefined : made
      const hit = known && fitHit({ ...known, visit_id: '0123456789abcdef' })
      if (hit === undefined) {
        expect(decision).not.toHaveProperty('hit')
        return
      }
      hits += 1
      const id = expect.stringMatching(/^[\da-f]{16}$/) as string
      const own = {
        visit_id: id,
        cip: '203.0.113.7',
        // A page stands in for a visitor without an id; here, the e-mail address does.
        ...(hit.visitor_id === source.pageVisitorId && { visitor_id: id }),
      }
      expect(decision).toEqual({ hit: { ...hit, ...own } })
    }),
    check,
  )
  // The law must not hold for want of hits.
  expect(hits).toBeGreaterThan(check.numRuns / 4)
})
