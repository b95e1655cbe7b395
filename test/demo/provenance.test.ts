import { describe, expect, test } from 'vitest'
import type { SegmentEvent } from '../../demo/ledger.ts'
import { provenance } from '../../demo/provenance.ts'
import { call, hit } from './support.ts'

describe('customer_id', () => {
  const source = (customer: string, ...of: Parameters<typeof call>) =>
    provenance(hit('m1', { customer_id: customer }), call(...of), false).customer_id

  test.for([
    ['← trait groupId', { type: 'identify', traits: { groupId: 'acme' } }, {}],
    ['← trait trait.groupId', { type: 'identify', traits: { trait: { groupId: 'acme' } } }, {}],
    ['← the group’s id', { type: 'group', groupId: 'acme' }, {}],
    ['← stored trait groupId', {}, { traits: { groupId: 'acme' }, groupId: 'other' }],
    ['← Segment’s current group', {}, { groupId: 'acme' }],
    ['← context.groupId', { context: { groupId: 'acme' } }, {}],
    [
      '← integrations.Skalin.customerId',
      { integrations: { Skalin: { customerId: 'acme' } } },
      { traits: { groupId: 'acme' } },
    ],
  ] as const)('%s', ([label, event, stored]) => {
    expect(source('acme', 'm1', event, stored)).toBe(label)
  })

  test('a number became a text', () => {
    expect(source('42', 'm1', { type: 'identify', traits: { groupId: 42 } })).toBe(
      '← trait groupId',
    )
  })

  test('nothing at the call had it: it was learnt later', () => {
    expect(source('acme', 'm1')).toContain('learnt later')
  })
})

describe('identity', () => {
  const source = (identity: object, ...of: Parameters<typeof call>) =>
    provenance(hit('m1', { identity: JSON.stringify(identity) }), call(...of), false).identity

  test('says where id and e-mail come from', () => {
    const event = { type: 'identify', userId: 'u1', traits: { email: 'a@b.example' } }
    expect(source({ id: 'u1', email: 'a@b.example' }, 'm1', event)).toBe(
      'id ← user id, email ← trait email',
    )
    expect(
      source({ id: 'a@b.example', email: 'a@b.example' }, 'm1', { userId: 'a@b.example' }),
    ).toBe('id ← user id, email ← the user id')
  })

  test('a held feature was completed later', () => {
    expect(source({ id: 'u1' }, 'm1')).toContain('learnt later')
  })
})

test('a feature’s name', () => {
  const source = (event: SegmentEvent) => provenance(hit('m1'), call('m1', event), false).event
  expect(source({ type: 'track', event: 'Import' })).toBe('← the event’s name')
  expect(source({ type: 'page', category: 'Docs', name: 'Home' })).toBe(
    '← category and name of page()',
  )
  expect(source({ type: 'page' })).toBe('← the page’s path, ids replaced')
})

test('every field of a hit has a source, of a call elsewhere too', () => {
  const full = hit('m1', {
    identity: '{"id":"u1"}',
    customer_id: 'acme',
    url: 'https://a.example/',
  })
  for (const sources of [provenance(full, call('m1'), true), provenance(full, undefined, false)]) {
    for (const name of Object.keys(full)) expect(sources).toHaveProperty(name)
  }
})
