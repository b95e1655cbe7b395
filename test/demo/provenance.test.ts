import { describe, expect, test } from 'vitest'
import type { SegmentEvent } from '../../demo/inspector/messages.ts'
import { provenance } from '../../demo/inspector/provenance.ts'
import { call, hit } from './support.ts'

describe('customer_id', () => {
  const source = (customer: string, ...of: Parameters<typeof call>) =>
    provenance(hit('m1', { customer_id: customer }), call(...of), false)['customer_id']

  test.for([
    ['← trait groupId', { type: 'identify', traits: { groupId: 'acme' } }],
    ['← trait trait.groupId', { type: 'identify', traits: { trait: { groupId: 'acme' } } }],
    ['← the group’s id', { type: 'group', groupId: 'acme' }],
    ['← context.traits.groupId', { context: { traits: { groupId: 'acme' } } }],
    ['← context.groupId', { context: { groupId: 'acme' } }],
    [
      '← integrations.Skalin.customerId',
      { integrations: { Skalin: { customerId: 'acme' } }, context: { groupId: 'acme' } },
    ],
    ['← integrations.Skalin.customerId', { integrations: { skalin: { customerId: 'acme' } } }],
  ] as const)('%s', ([label, event]) => {
    expect(source('acme', 'm1', event)).toBe(label)
  })

  test('a number became a text', () => {
    expect(source('42', 'm1', { type: 'identify', traits: { groupId: 42 } })).toBe(
      '← trait groupId',
    )
  })

  test('nothing at the call had it: it was another call', () => {
    expect(source('acme', 'm1')).toContain('another call')
  })
})

describe('identity', () => {
  const source = (identity: object, ...of: Parameters<typeof call>) =>
    provenance(hit('m1', { identity: JSON.stringify(identity) }), call(...of), false)['identity']

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
    expect(source({ id: 'u1' }, 'm1')).toContain('another call')
  })
})

test('a feature’s name', () => {
  const source = (name: string, event: SegmentEvent) => {
    const made = hit('m1', { event: JSON.stringify({ name, event_name: 'feature' }) })
    return provenance(made, call('m1', event), false)['event']
  }
  expect(source('Import', { type: 'track', event: ' Import ' })).toBe('← the event’s name')
  expect(source('Docs Home', { type: 'page', category: 'Docs', name: 'Home' })).toBe(
    '← category and name of page()',
  )
  const page = { type: 'page', name: undefined, context: { page: { path: '/users/42' } } }
  expect(source('/users/:id', page)).toBe('← the page’s path, ids replaced')
  const ofHash = '← the page’s hash route, setting paths or setting featureName'
  expect(source('/projects/:id', page)).toBe(ofHash)
  expect(source('Imported', { type: 'track', event: 'Import' })).toBe('← setting featureName')
  const renamed = { event: 'Import', integrations: { Skalin: { featureName: 'Imported' } } }
  expect(source('Imported', renamed)).toBe('← integrations.Skalin.featureName')
})

test('an address', () => {
  const source = (url: string) =>
    provenance(
      hit('m1', { url }),
      call('m1', { context: { page: { url: 'https://a.example/b?c#d' } } }),
      false,
    )['url']
  expect(source('https://a.example/b')).toBe('← context.page.url, without query and fragment')
  expect(source('https://a.example/:id')).toContain('setting url')
})

test('every field of a hit has a source', () => {
  const full = hit('m1', {
    identity: '{"id":"u1"}',
    customer_id: 'acme',
    url: 'https://a.example/',
  })
  const sources = provenance(full, call('m1'), true)
  for (const name of Object.keys(full)) expect(sources).toHaveProperty(name)
})

test('of a hit whose call is not known, only what is always true is said', () => {
  const sources = provenance(hit('m1'), undefined, false)
  expect(sources).toHaveProperty('event_id')
  for (const name of ['event', 'identity', 'customer_id']) expect(sources).not.toHaveProperty(name)
})
