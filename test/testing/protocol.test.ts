import { describe, expect, test } from 'vitest'
import { checkHit, checkRequest, featureOf } from '../../src/testing/protocol.ts'
import { featureHit, identityHit, type Changes } from './support.ts'

const checkFeature = (changes: Changes): string[] =>
  checkHit(new URLSearchParams(featureHit(changes)))
const checkIdentity = (changes: Changes): string[] =>
  checkHit(new URLSearchParams(identityHit(changes)))

const feature = (name: string): Changes => ({
  event: JSON.stringify({ name, event_name: 'feature' }),
})
const urlOf = (length: number): Changes => ({ url: 'https://a.example/'.padEnd(length, 'x') })

describe('a hit of a feature', () => {
  test.each<[string, Changes]>([
    ['the least', {}],
    ['an id as identity', { identity: '{"id":"alice"}' }],
    ['an e-mail address as identity', { identity: '{"email":"a@example.com"}' }],
    ['both as identity', { identity: '{"id":"alice","email":"a@example.com"}' }],
    ['a customer', { customer_id: 'acme' }],
    ['a URL', { url: 'https://app.example/users/:id' }],
    ['the longest URL', urlOf(2048)],
    ['the longest name', feature('x'.repeat(255))],
    ['the longest name of astral characters', feature('😀'.repeat(255))],
    ['ids that are not hexadecimal', { event_id: 'ABCDEFGHIJKLMNOP' }],
    ['a leap day', { ts: '2028-02-29T23:59:59' }],
    ['the first year there is', { ts: '0000-01-01T00:00:00' }],
    ['a name of one character', feature('x')],
    ['an e-mail address that is none but has an @', { identity: '{"email":"jane@localhost"}' }],
    ['ids that only look like words', { client_id: 'nullable', identity: '{"id":"undefined1"}' }],
    ['a URL of an application', { url: 'capacitor://localhost/a' }],
    ['midnight', { localtime: '00:00:00' }],
  ])('may have %s', (_, changes) => {
    expect(checkFeature(changes)).toEqual([])
  })

  const dateTime = 'must be a real date and time, YYYY-MM-DDTHH:MM:SS'
  const event =
    'must be the JSON object {"name": <1 to 255 characters, not all blank>, "event_name": "feature"}'
  const id = 'must be an id, not blank nor a word such as `undefined`'
  const identity =
    'must be a JSON object with an id as `id`, an address with an @ as `email`, or both, and nothing else'

  test.each<[Changes, string]>([
    [{ rec: undefined }, '`rec` must be `1` (received: nothing).'],
    [{ rec: '2' }, '`rec` must be `1` (received: "2").'],
    [{ client_id: undefined }, `\`client_id\` ${id} (received: nothing).`],
    ...['', ' ', '\u200b', 'undefined', ' null'].flatMap((value): [Changes, string][] => {
      const shown = value.replace('\u200b', '\\u200b')
      return [
        [{ client_id: value }, `\`client_id\` ${id} (received: "${shown}").`],
        [{ customer_id: value }, `\`customer_id\` ${id} (received: "${shown}").`],
      ]
    }),
    [{ customer_id: '[object Object]' }, `\`customer_id\` ${id} (received: "[object Object]").`],
    [{ event_id: undefined }, '`event_id` must be 16 characters (received: nothing).'],
    [
      { event_id: '123456789abcdef' },
      '`event_id` must be 16 characters (received: "123456789abcdef").',
    ],
    [
      { visitor_id: '0123456789abcdef0' },
      '`visitor_id` must be 16 characters (received: "0123456789abcdef0").',
    ],
    [{ visit_id: '' }, '`visit_id` must be 16 characters (received: "").'],
    [{ event: undefined }, `\`event\` ${event} (received: nothing).`],
    [{ event: 'Import' }, `\`event\` ${event} (received: "Import").`],
    [{ event: '["Import"]' }, `\`event\` ${event} (received: "["Import"]").`],
    [{ event: 'null' }, `\`event\` ${event} (received: "null").`],
    [feature(''), `\`event\` ${event} (received: "{"name":"","event_name":"feature"}").`],
    [feature(' \t'), `\`event\` ${event} (received: "{"name":" \\t","event_name":"feature"}").`],
    [
      { event: '{"name":7,"event_name":"feature"}' },
      `\`event\` ${event} (received: "{"name":7,"event_name":"feature"}").`,
    ],
    [
      { event: '{"name":"a","event_name":"page"}' },
      `\`event\` ${event} (received: "{"name":"a","event_name":"page"}").`,
    ],
    [
      { event: '{"name":"a","event_name":"feature","b":1}' },
      `\`event\` ${event} (received: "{"name":"a","event_name":"feature","b":1}").`,
    ],
    [{ identity: 'alice' }, `\`identity\` ${identity} (received: "alice").`],
    [{ identity: '{}' }, `\`identity\` ${identity} (received: "{}").`],
    ...['{"id":""}', '{"id":" "}', '{"id":"undefined"}', '{"id":"a","email":"b"}'].map(
      (value): [Changes, string] => [
        { identity: value },
        `\`identity\` ${identity} (received: "${value}").`,
      ],
    ),
    [
      { identity: '{"id":"a","email":null}' },
      `\`identity\` ${identity} (received: "{"id":"a","email":null}").`,
    ],
    [
      { identity: '{"id":"a","plan":"pro"}' },
      `\`identity\` ${identity} (received: "{"id":"a","plan":"pro"}").`,
    ],
    [{ ts: undefined }, `\`ts\` ${dateTime} (received: nothing).`],
    [{ ts: '2026-02-30T10:00:00' }, `\`ts\` ${dateTime} (received: "2026-02-30T10:00:00").`],
    [{ ts: '2026-02-28T24:00:00' }, `\`ts\` ${dateTime} (received: "2026-02-28T24:00:00").`],
    [{ ts: '2026-02-28T10:00:00Z' }, `\`ts\` ${dateTime} (received: "2026-02-28T10:00:00Z").`],
    [
      { ts: '2026-02-28T10:00:00.000' },
      `\`ts\` ${dateTime} (received: "2026-02-28T10:00:00.000").`,
    ],
    [{ ts: '2026-02-28 10:00:00' }, `\`ts\` ${dateTime} (received: "2026-02-28 10:00:00").`],
    [{ ts: '+012026-02-28T10:00:00' }, `\`ts\` ${dateTime} (received: "+012026-02-28T10:00:00").`],
    [{ localtime: undefined }, '`localtime` must be a real time, HH:MM:SS (received: nothing).'],
    [
      { localtime: '24:00:00' },
      '`localtime` must be a real time, HH:MM:SS (received: "24:00:00").',
    ],
    [{ localtime: '9:00:00' }, '`localtime` must be a real time, HH:MM:SS (received: "9:00:00").'],
    [
      { url: '/users' },
      '`url` must be an absolute URL of at most 2048 characters (received: "/users").',
    ],
    [{ url: '' }, '`url` must be an absolute URL of at most 2048 characters (received: "").'],
    [{ cip: '203.0.113.7' }, '`cip` is for server-side senders only.'],
    [{ tags: 'a' }, '`tags` is not a field of a hit with the action `ev`.'],
    // A name that every object has.
    [{ constructor: 'a' }, '`constructor` is not a field of a hit with the action `ev`.'],
  ])('is refused with %o', (changes, problem) => {
    expect(checkFeature(changes)).toEqual([problem])
  })

  test('is refused with a name of 256 characters', () => {
    expect(checkFeature(feature('x'.repeat(256)))).toEqual([
      `\`event\` ${event} (received: "{"name":"${'x'.repeat(51)}…").`,
    ])
  })

  test('is refused with a URL of 2049 characters', () => {
    expect(checkFeature(urlOf(2049))).toEqual([
      `\`url\` must be an absolute URL of at most 2048 characters (received: "https://a.example/${'x'.repeat(42)}…").`,
    ])
  })

  test('is refused with an unprintable field', () => {
    expect(checkFeature({ ['\u001b[2J'.padEnd(90, 'x')]: 'a' })).toEqual([
      `\`\\u001b[2J${'x'.repeat(51)}…\` is not a field of a hit with the action \`ev\`.`,
    ])
  })
})

describe('a hit of an identity', () => {
  test.each<[string, Changes]>([
    ['the least', {}],
    ['no time stamp', { ts: undefined }],
    ['properties', { identity: '{"id":"a","plan":"pro","seats":3,"paid":true,"trial":null}' }],
  ])('may have %s', (_, changes) => {
    expect(checkIdentity(changes)).toEqual([])
  })

  const identity =
    'must be a JSON object with an id as `id`, an address with an @ as `email`, or both; further values may be strings, finite numbers, booleans or null'

  test.each<[Changes, string]>([
    [{ identity: undefined }, `\`identity\` ${identity} (received: nothing).`],
    [{ identity: '{"plan":"pro"}' }, `\`identity\` ${identity} (received: "{"plan":"pro"}").`],
    [
      { identity: '{"id":"a","b":{}}' },
      `\`identity\` ${identity} (received: "{"id":"a","b":{}}").`,
    ],
    [
      { identity: '{"id":"a","b":1e999}' },
      `\`identity\` ${identity} (received: "{"id":"a","b":1e999}").`,
    ],
    [{ ts: 'now' }, '`ts` must be a real date and time, YYYY-MM-DDTHH:MM:SS (received: "now").'],
    [
      { event: '{"name":"Import","event_name":"feature"}' },
      '`event` is not a field of a hit with the action `ui`.',
    ],
  ])('is refused with %o', (changes, problem) => {
    expect(checkIdentity(changes)).toEqual([problem])
  })
})

test('a field comes once', () => {
  const fields = new URLSearchParams([...Object.entries(featureHit()), ['rec', '1'], ['rec', '1']])
  expect(checkHit(fields)).toEqual(['`rec` must come once (received: 3 times).'])
})

test('without an action only what every hit has is asked for', () => {
  expect(checkFeature({ action: 'constructor', rec: undefined })).toEqual([
    '`rec` must be `1` (received: nothing).',
    '`action` must be `ui` or `ev` (received: "constructor").',
  ])
})

test('every problem is told, each on its own', () => {
  expect(checkHit(new URLSearchParams('action=ev'))).toHaveLength(8)
})

test.each([
  ['a terminal command', '\u001b]0;owned\u0007', '"\\u001b]0;owned\\u0007"'],
  ['a C1 control', '\u009b2J', '"\\u009b2J"'],
  ['a reversed text', 'a\u202Eb', '"a\\u202eb"'],
  ['a line separator', 'a\u2028b', '"a\\u2028b"'],
  ['an invisible tag, astral', 'a\u{e0041}b', '"a\\udb40\\udc41b"'],
  ['an emoji', '😀', '"😀"'],
  ['sixty characters', 'x'.repeat(60), `"${'x'.repeat(60)}"`],
  ['sixty-one', 'x'.repeat(61), `"${'x'.repeat(60)}…"`],
  ['an escape that does not fit', 'x'.repeat(58) + '\u0007', `"${'x'.repeat(58)}…"`],
])('%s is shown safely', (_, rec, shown) => {
  expect(checkFeature({ rec })).toEqual([`\`rec\` must be \`1\` (received: ${shown}).`])
})

describe('a request', () => {
  const request = {
    method: 'POST',
    query: '',
    contentType: 'application/x-www-form-urlencoded',
    body: new URLSearchParams(featureHit()).toString(),
  }
  const bodyOf = (bytes: number): string =>
    `${new URLSearchParams(identityHit()).toString()}&identity=`.padEnd(bytes, 'x')

  test.each([
    ['as the plugin sends it', {}],
    [
      'with a character that stands for none',
      { body: new URLSearchParams(identityHit({ identity: '{"id":"a\ufffd"}' })).toString() },
    ],
    ['with a charset', { contentType: 'Application/X-WWW-Form-Urlencoded; charset=UTF-8' }],
  ])('is a hit %s', (_, changes) => {
    expect(checkRequest({ ...request, ...changes })).toEqual([])
  })

  test.each([
    [
      { body: `${request.body}&url=%FF` },
      `\`body\` must be UTF-8, percent-encoded (received: "${request.body.slice(0, 60)}…").`,
    ],
    [{ body: 'a=\ufffd' }, '`body` must be UTF-8, percent-encoded (received: "a=\ufffd").'],
    [{ body: 'a=%zz' }, '`body` must be UTF-8, percent-encoded (received: "a=%zz").'],
    [{ method: 'GET' }, '`method` must be POST (received: "GET").'],
    [
      { query: 'rec=1', body: '' },
      '`query` must be empty: the fields belong in the body (received: "rec=1").',
    ],
    [
      { contentType: 'application/json', body: '{}' },
      '`content-type` must be application/x-www-form-urlencoded (received: "application/json").',
    ],
    [
      { contentType: undefined },
      '`content-type` must be application/x-www-form-urlencoded (received: nothing).',
    ],
    [
      { method: 'OPTIONS', contentType: undefined, body: '' },
      'A preflight came: a hit is a CORS-simple request, without headers of its own.',
    ],
  ])('is refused with %o', (changes, problem) => {
    expect(checkRequest({ ...request, ...changes })).toEqual([problem])
  })

  test('has at most 16 KiB', () => {
    const whole = { ...request, body: bodyOf(16384) }
    const larger = { ...request, body: bodyOf(16385) }
    expect(checkRequest(whole)).toEqual(['`identity` must come once (received: 2 times).'])
    expect(checkRequest(larger)).toEqual(['`body` must be at most 16384 bytes (received: 16385).'])
  })
})

describe('a hit that a server sends', () => {
  const check = (changes: Changes): string[] =>
    checkHit(new URLSearchParams(featureHit(changes)), 'server')

  test('may say whose address it is from', () => {
    expect(check({ cip: '203.0.113.7' })).toEqual([])
    expect(check({})).toEqual([])
    expect(check({ cip: '' })).toEqual(['`cip` must be non-empty (received: "").'])
  })
})

test.each([
  ['a feature', featureHit(), 'Import'],
  ['an identity', identityHit(), undefined],
  ['a nameless feature', featureHit({ event: '{"name":7}' }), undefined],
  ['no JSON', featureHit({ event: 'Import' }), undefined],
])('the feature of a hit of %s', (_, hit, name) => {
  expect(featureOf(hit)).toBe(name)
})
