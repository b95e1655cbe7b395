import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { HitFields } from '../../src/testing/index.ts'
import { sharedCollector } from './collector.ts'
import { type Settings, builtFile, deploy } from './sandbox.ts'

const collector = await sharedCollector()
const segment = deploy()

const event = {
  type: 'track',
  messageId: 'message-1',
  userId: 'alice',
  event: 'Import',
  timestamp: '2026-11-24T12:04:05.000Z',
}

const invoke = (settings: Settings, payload = {}) =>
  segment.invoke(
    { ...event, ...payload },
    { clientId: 'client', endpoint: collector.endpoint, ...settings },
  )

async function hitOf(settings: Settings, payload = {}): Promise<HitFields> {
  expect(await invoke(settings, payload)).toMatchObject({ kind: 'delivered' })
  const [received] = collector.requests
  expect(received?.problems).toEqual([])
  return received?.hit ?? {}
}

const identify = { type: 'identify', traits: { plan: 'pro', seats: 3, email: 'a@example.com' } }

describe('a setting', () => {
  test.each<[string, Settings, HitFields, object?]>([
    ['clientId', { clientId: ' mine ' }, { client_id: 'mine' }],
    ['customerId', { customerId: 'acme' }, { customer_id: 'acme' }],
    ['featureNames', { featureNames: { Import: 'Data import' } }, named('Data import')],
    ['featureNames of others', { featureNames: { Export: 'Data export' } }, named('Import')],
    [
      'featureNames as people write them',
      { featureNames: { 'Report  sent': 'true' } },
      named('true'),
      { event: 'Report\u00a0sent' },
    ],
    ['featureNames of what every object has', {}, named('constructor'), { event: 'constructor' }],
    ['traits', { traits: ['seats', 'plan'] }, person('"plan":"pro","seats":3'), identify],
    ['traits named twice', { traits: ['plan', 'plan '] }, person('"plan":"pro"'), identify],
    ['traits as one text', { traits: 'seats, plan,' }, person('"plan":"pro","seats":3'), identify],
    ['traits that are none', { traits: ['id', 'email'] }, person(''), identify],
    ['paths', { paths: ['/t/:team'] }, named('/t/:team'), unnamed()],
    ['paths as one text', { paths: '/a, /t/[team]' }, named('/t/:team'), unnamed()],
    ['includeBrowser', { includeBrowser: true }, named('Import'), browser()],
  ])('%s', async (_, settings, fields, payload) => {
    expect(await hitOf(settings, payload)).toMatchObject(fields)
  })

  // Segment does not document what comes of a field that nobody filled in.
  test.each([null, '', '  ', undefined])('that is left empty is not given: %j', async (empty) => {
    const names = ['customerId', 'featureNames', 'paths', 'traits', 'includeBrowser']
    const hit = await hitOf(Object.fromEntries(names.map((name) => [name, empty])))
    expect(hit).toMatchObject(named('Import'))
    expect(hit).not.toHaveProperty('customer_id')
    expect(await invoke({ includeBrowser: empty }, browser())).toMatchObject({
      answer: { skipped: 'browser' },
    })
  })

  test('featureNames with nothing for a name skips its calls', async () => {
    for (const nothing of ['', ' ', null]) {
      expect(await invoke({ featureNames: { ' Import ': nothing } })).toMatchObject({
        answer: { skipped: 'feature-name' },
      })
    }
    expect(collector.requests).toEqual([])
  })

  test.each<[Settings, string]>([
    [{ clientId: undefined }, 'The setting `clientId` must be your Skalin Client ID.'],
    [{ clientId: ' ' }, 'The setting `clientId` must be your Skalin Client ID.'],
    [{ clientId: 7 }, 'The setting `clientId` must be a text, and no word for nothing such as `null`.'],
    [{ endpoint: 'undefined' }, 'The setting `endpoint` must be a text, and no word for nothing such as `null`.'],
    [{ endpoint: 'collect' }, 'The setting `endpoint` must be an absolute http(s) URL without credentials.'],
    [{ endpoint: 'ftp://a.example' }, 'The setting `endpoint` must be an absolute http(s) URL without credentials.'],
    [{ endpoint: 'https://a:b@a.example' }, 'The setting `endpoint` must be an absolute http(s) URL without credentials.'],
    [{ customerId: {} }, 'The setting `customerId` must be a text, and no word for nothing such as `null`.'],
    [{ customerId: ' null ' }, 'The setting `customerId` must be a text, and no word for nothing such as `null`.'],
    [{ featureNames: 'Import' }, 'The setting `featureNames` must be a map of texts.'],
    [{ featureNames: ['Import'] }, 'The setting `featureNames` must be a map of texts.'],
    [{ featureNames: { Import: 7 } }, 'The setting `featureNames` must be a map of texts.'],
    [{ traits: 'null' }, 'The setting `traits` must be a list of texts, and no word for nothing such as `null`.'],
    [{ traits: ['plan', 'undefined'] }, 'The setting `traits` must be a list of texts, and no word for nothing such as `null`.'],
    [{ traits: '["plan","seats"]' }, 'The setting `traits` must be a list of texts, or one text with commas and no JSON.'],
    [{ traits: [7] }, 'The setting `traits` must be a list of texts.'],
    [{ traits: { plan: 'plan' } }, 'The setting `traits` must be a list of texts.'],
    [{ paths: [7] }, 'The setting `paths` must be a list of texts.'],
    [{ paths: ['/a/:b', '/a/['] }, 'The setting `paths` must be a list of route patterns; number 2 of it is none.'],
    [{ includeBrowser: 'yes' }, 'The setting `includeBrowser` must be true or false.'],
  ])('that is wrong is named, and nothing is sent: %j', async (settings, message) => {
    const refused = { kind: 'discarded', as: 'Message Rejected', message }
    expect(await invoke(settings)).toEqual(refused)
    const given = { clientId: 'client', endpoint: collector.endpoint, ...settings }
    expect(await segment.invokeBatch([event, event], given)).toEqual([refused, refused])
    expect(collector.requests).toEqual([])
  }) // prettier-ignore

  test('endpoint may be written in any way that is a URL', async () => {
    const endpoint = collector.endpoint.replace('//', '')
    expect(await invoke({ endpoint })).toMatchObject({ kind: 'delivered' })
    expect(collector.requests).toHaveLength(1)
  })

  test('is named in the file as in the documentation', () => {
    const file = readFileSync(builtFile, 'utf8')
    const docs = readFileSync(join(import.meta.dirname, '../../docs/server.md'), 'utf8')
    const named = (text: string, row: RegExp) => [...text.matchAll(row)].map(([, ...row]) => row)
    const rows = named(docs, /^\| `(\w+)` +\| `([A-Z_]+)`/gm)
    expect(rows).toHaveLength(7)
    expect(named(file, /^ *\* - `(\w+)`, `([A-Z_]+)`/gm)).toEqual(rows)
  })

  test('is of its instance alone: nothing of it is kept', async () => {
    await invoke({ customerId: 'acme', clientId: 'one' })
    await invoke({ clientId: 'two' })
    expect(collector.requests.map(({ hit }) => [hit['client_id'], hit['customer_id']])).toEqual([
      ['one', 'acme'],
      ['two', undefined],
    ])
  })
})

function named(name: string): HitFields {
  return { event: JSON.stringify({ name, event_name: 'feature' }) }
}

function person(traits: string): HitFields {
  return { identity: `{"id":"alice","email":"a@example.com"${traits && `,${traits}`}}` }
}

function unnamed(): object {
  return { type: 'page', context: { page: { path: '/t/acme' } } }
}

function browser(): object {
  return { context: { library: { name: 'analytics.js' } } }
}
