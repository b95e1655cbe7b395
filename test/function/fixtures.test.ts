import { expect } from 'vitest'
import type { Collector, ReceivedRequest } from '../../src/testing/index.ts'
import { test } from './collector.ts'
import { type Expected, fixtures } from './payloads.ts'
import { type Payload, type Verdict, deploy } from './sandbox.ts'

const segment = deploy()

function expectVerdict(verdict: Verdict | undefined, expected: Expected): void {
  if ('rejected' in expected) {
    expect(verdict).toMatchObject({ kind: 'discarded' })
    expect(verdict).toHaveProperty('message', expect.stringMatching(expected.rejected))
  } else {
    expect(verdict).toMatchObject({ kind: 'delivered' })
  }
}

/** The one request, which the collector took, without what every hit has. */
function arrivedAt(collector: Collector): Record<string, string | undefined> {
  expect(collector.requests).toHaveLength(1)
  const { hit, problems } = collector.requests[0] as ReceivedRequest
  expect(problems).toEqual([])
  const { rec, client_id, ts, event_id, visitor_id, visit_id, ...own } = hit
  expect({ rec, client_id, ts }).toEqual({
    rec: '1',
    client_id: 'client',
    ts: '2026-11-24T12:04:05',
  })
  for (const id of [event_id, visitor_id, visit_id]) expect(id).toMatch(/^[\da-f]{16}$/)
  return own
}

test.for(fixtures)('$what', async (fixture, { collector, settings }) => {
  const { payload, settings: more, expected } = fixture
  const verdict = await segment.invoke(payload, { ...settings, ...more })
  expectVerdict(verdict, expected)
  if ('skipped' in expected) {
    expect(verdict).toEqual({ kind: 'delivered', answer: { skipped: expected.skipped } })
  }
  if ('hit' in expected) {
    expect(verdict).toEqual({ kind: 'delivered', answer: { sent: expected.hit['action'] } })
    const { url, ...own } = arrivedAt(collector)
    expect(own).toEqual(expected.hit)
    const { page } = payload['context'] as { page?: unknown }
    expect(url).toBe(page === undefined ? undefined : 'https://app.example.com/projects/42')
  } else {
    expect(collector.requests).toEqual([])
  }
})

test.for(fixtures)('$what, in a batch', async (fixture, { collector, settings }) => {
  const { payload, settings: more, expected } = fixture
  const nothing = null as unknown as Payload
  const others = [{ type: 'alias', userId: 'alice' }, payload, { type: 'delete' }, nothing]
  const verdicts = await segment.invokeBatch(others, { ...settings, ...more })
  const [alias, own, removal, none] = verdicts
  expectVerdict(own, expected)
  for (const other of [alias, removal, none]) {
    expect(other).toMatchObject({
      kind: 'discarded',
      message: expect.stringMatching(/type/) as string,
    })
  }
  expect(collector.requests).toHaveLength('hit' in expected ? 1 : 0)
  // What people can read in Segment says nothing of anybody.
  expect(JSON.stringify([own, alias])).not.toMatch(
    /alice|john|userId123|Import|203\.0|collect|127\.0/,
  )
})
