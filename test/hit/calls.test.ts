import { describe, expect, test } from 'vitest'
import type { SegmentEvent } from '../../src/hit/event.ts'
import { identify as introduce } from '../../src/hit/map-event.ts'
import {
  group,
  hitOf,
  identify,
  nameOf,
  page,
  screen,
  skipOf,
  sourceOf,
  track,
} from '../support/events.ts'

const nobody = { userId: undefined }

test('a feature of a known user, whole', () => {
  const event = track({ context: { page: { url: 'https://app.example/projects?token=1' } } })
  expect(hitOf(event, { groupId: 'acme', traits: { email: 'alice@example.com' } })).toEqual({
    rec: '1',
    client_id: 'client',
    action: 'ev',
    event: '{"name":"Import","event_name":"feature"}',
    identity: '{"id":"alice","email":"alice@example.com"}',
    event_id: '88ebc749eedf5f4c',
    visitor_id: '350959998d3bbb6a',
    ts: '2026-11-24T12:04:05',
    localtime: '13:04:05',
    customer_id: 'acme',
    url: 'https://app.example/projects',
  })
})

test('a feature of an unknown visitor has no more than it must', () => {
  expect(hitOf(track(nobody))).toEqual({
    rec: '1',
    client_id: 'client',
    action: 'ev',
    event: '{"name":"Import","event_name":"feature"}',
    event_id: '88ebc749eedf5f4c',
    visitor_id: '350959998d3bbb6a',
    ts: '2026-11-24T12:04:05',
    localtime: '13:04:05',
  })
})

test('an identification has a time too, and no feature', () => {
  expect(hitOf(identify({ event: 'Import', name: 'Import' }))).toEqual({
    rec: '1',
    client_id: 'client',
    action: 'ui',
    identity: '{"id":"alice"}',
    event_id: '88ebc749eedf5f4c',
    visitor_id: '350959998d3bbb6a',
    ts: '2026-11-24T12:04:05',
    localtime: '13:04:05',
  })
})

describe('a call becomes', () => {
  test.each<[string, SegmentEvent, Record<string, string>]>([
    ['a feature: track', track(), { action: 'ev' }],
    ['a feature: page', page({ name: 'Home' }), { action: 'ev' }],
    ['a feature: screen', screen({ name: 'Home' }), { action: 'ev' }],
    ['an identity: identify by id', identify(), { action: 'ui', identity: '{"id":"alice"}' }],
    [
      'an identity: identify by e-mail address',
      identify({ ...nobody, traits: { email: 'a@example.com' } }),
      { action: 'ui', identity: '{"email":"a@example.com"}' },
    ],
    [
      'an identity with the customer: group',
      group(),
      { action: 'ui', identity: '{"id":"alice"}', customer_id: 'group-1' },
    ],
  ])('%s', (_, event, fields) => {
    expect(hitOf(event)).toMatchObject(fields)
  })
})

describe('a call is skipped', () => {
  test.each<[string, SegmentEvent]>([
    ['no-name', track({ event: undefined })],
    ['no-name', page()],
    ['no-name', screen({ context: { page: { path: '/home' } } })],
    ['no-identity', identify(nobody)],
    ['no-identity', identify({ ...nobody, traits: { email: 'not an address', name: 'Alice' } })],
    ['no-identity', group(nobody)],
    // The traits of a group are not the person's.
    ['no-identity', group({ ...nobody, traits: { email: 'billing@acme.example' } })],
    ['no-group', group({ groupId: undefined })],
    ['no-group', group({ groupId: null })],
    ['no-group', group({ groupId: '  ' })],
    ['no-group', group({ groupId: {} })],
    ['unsupported', track({ type: 'alias', previousId: 'bob' } as SegmentEvent)],
    ['unsupported', track({ type: 'Track' })],
    ['unsupported', track({ type: undefined })],
    ['unsupported', {}],
    ['unsupported', track({ event: 'Segment Consent Preference Updated' })],
    // No way around it.
    [
      'unsupported',
      track({
        event: 'Segment Consent Preference Updated',
        integrations: { Skalin: { featureName: 'Consent' } },
      }),
    ],
  ])('%s: %j', (reason, event) => {
    expect(skipOf(event)).toBe(reason)
  })
})

test('a group of a visitor known by e-mail address alone is an identity', () => {
  expect(hitOf(group(nobody), { traits: { email: 'a@example.com' } })).toMatchObject({
    identity: '{"email":"a@example.com"}',
    customer_id: 'group-1',
  })
})

test('a group id may be a number', () => {
  expect(hitOf(group({ groupId: 0 }))).toMatchObject({ customer_id: '0' })
})

test('a page may be called as the consent event is', () => {
  expect(nameOf(page({ name: 'Segment Consent Preference Updated' }))).toBe(
    'Segment Consent Preference Updated',
  )
})

describe('the identification before a feature', () => {
  test('is of the same moment, visitor and customer', () => {
    const event = track({ context: { page: { url: 'https://app.example/' } } })
    const world = { groupId: 'acme' }
    expect(introduce(event, sourceOf(world), 'identify')).toEqual({
      ...hitOf(event, world),
      action: 'ui',
      event: undefined,
      event_id: 'cabc56e563e50be0',
    })
  })

  test('is none for an unknown visitor', () => {
    expect(introduce(track(nobody), sourceOf(), 'identify')).toBeUndefined()
  })
})
