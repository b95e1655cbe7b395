type Fields = Record<string, string | undefined>

/** An event as JSON has it, and what must come of it wherever it is mapped. */
export type Case = {
  what: string
  event: {
    type: 'track' | 'page' | 'screen' | 'identify' | 'group'
    [field: string]: unknown
  }
  /** As the Segment Function has them; the plugin's are made of these. */
  settings?: {
    customerId?: string
    featureNames?: Record<string, string>
    paths?: string[]
    traits?: string[]
  }
  /** The fields that tell the case from others; `undefined` for one that must not be there. */
  gives: Fields | { skipped: string }
}

const track = { type: 'track', event: 'Import' } as const
const page = { type: 'page' } as const
const screen = { type: 'screen' } as const
const identify = { type: 'identify' } as const
const group = { type: 'group', groupId: 'acme' } as const
const nobody = { userId: null }

const named = (name: string) => ({ event: JSON.stringify({ name, event_name: 'feature' }) })
const url = (given: string) => ({ ...track, context: { page: { url: given } } })
const at = (path: string) => ({
  ...page,
  context: { page: { path, url: `https://a.example${path}` } },
})

const calls: Case[] = [
  { what: 'a track call', event: track, gives: { action: 'ev', ...named('Import') } },
  { what: 'a page', event: { ...page, name: 'Home' }, gives: { action: 'ev', ...named('Home') } },
  {
    what: 'a screen',
    event: { ...screen, name: 'Home' },
    gives: { action: 'ev', ...named('Home') },
  },
  { what: 'an identify', event: identify, gives: { action: 'ui', identity: '{"id":"alice"}' } },
  { what: 'a group', event: group, gives: { action: 'ui', customer_id: 'acme' } },
  {
    what: "Segment's own event of a changed consent",
    event: { ...track, event: 'Segment Consent Preference Updated' },
    gives: { skipped: 'unsupported' },
  },
  { what: 'a screen without a name', event: screen, gives: { skipped: 'no-name' } },
]

const names: Case[] = [
  ['with space around and in it', ' \n Import  a\tfile ', 'Import a file'],
  ['of other space', '\u00a0Import\u2003file\u2028', 'Import file'],
  ['that is long', 'x'.repeat(300), 'x'.repeat(255)],
  ['of long characters', '😀'.repeat(300), '😀'.repeat(255)],
  ['with half a character', 'Import \ud83d', 'Import \ufffd'],
  ['in another script', '画面を開く', '画面を開く'],
].map(([what = '', event = '', name = '']) => ({
  what: `a name ${what}`,
  event: { ...track, event },
  gives: named(name),
}))

const pages: Case[] = [
  {
    what: 'a page with a category',
    event: { ...page, category: 'Docs', name: 'Install' },
    gives: named('Docs Install'),
  },
  {
    what: 'a screen with a category',
    event: { ...screen, category: 'Docs', name: 'Install' },
    gives: named('Docs Install'),
  },
  { what: 'a path', event: at('/projects/settings'), gives: named('/projects/settings') },
  { what: 'a path with a number', event: at('/users/4711'), gives: named('/users/:id') },
  {
    what: 'a path with a UUID',
    event: at('/a/0b9f2a3c-1d4e-4f6a-8b7c-9d0e1f2a3b4c/edit'),
    gives: named('/a/:id/edit'),
  },
  {
    what: 'a path with a hash',
    event: at('/projects/8f14e45f/edit'),
    gives: named('/projects/:id/edit'),
  },
  {
    what: 'a path with an address',
    event: at('/users/jane%40a.example'),
    gives: named('/users/:id'),
  },
  {
    what: 'a path of a hash router',
    event: { ...page, context: { page: { path: '/', url: 'https://a.example/#/users/7' } } },
    gives: named('/users/:id'),
  },
  {
    what: 'a path of a route',
    event: at('/blog/hello-world'),
    settings: { paths: ['/blog/[slug]'] },
    gives: named('/blog/:slug'),
  },
  { what: 'a path with words', event: at('/oauth2/2fa'), gives: named('/oauth2/2fa') },
  { what: 'the root', event: at('/'), gives: named('/') },
]

const renamed: Case[] = [
  {
    what: 'a feature with another name',
    event: track,
    settings: { featureNames: { Import: 'Data import' } },
    gives: named('Data import'),
  },
  {
    what: 'a feature without any',
    event: track,
    settings: { featureNames: { Import: '' } },
    gives: { skipped: 'feature-name' },
  },
  {
    what: "a call's own name",
    event: { ...track, integrations: { Skalin: { featureName: ' Own ' } } },
    settings: { featureNames: { Import: 'Data import' } },
    gives: named('Own'),
  },
  {
    what: 'a call that names itself away',
    event: { ...track, integrations: { Skalin: { featureName: null } } },
    gives: { skipped: 'feature-name' },
  },
]

const people: Case[] = [
  {
    what: 'an e-mail address',
    event: { ...identify, traits: { email: ' Alice@a.example ' } },
    gives: { identity: '{"id":"alice","email":"Alice@a.example"}' },
  },
  {
    what: 'an e-mail address alone',
    event: { ...identify, ...nobody, traits: { email: 'alice@a.example' } },
    gives: { identity: '{"email":"alice@a.example"}' },
  },
  {
    what: 'a user id that is one',
    event: { ...track, userId: 'alice@a.example' },
    gives: { identity: '{"id":"alice@a.example","email":"alice@a.example"}' },
  },
  {
    what: "the context's traits",
    event: { ...track, context: { traits: { email: 'alice@a.example' } } },
    gives: { identity: '{"id":"alice","email":"alice@a.example"}' },
  },
  {
    what: 'an e-mail address that is none',
    event: { ...identify, traits: { email: 'alice' } },
    gives: { identity: '{"id":"alice"}' },
  },
  {
    what: 'an id with quotes and half a character',
    event: { ...track, userId: ' al"i\\ce\ud83d ' },
    gives: { identity: '{"id":"al\\"i\\\\ce\ufffd"}' },
  },
  {
    what: 'nobody',
    event: { ...identify, ...nobody, traits: { plan: 'pro' } },
    gives: { skipped: 'no-identity' },
  },
  { what: 'a group of nobody', event: { ...group, ...nobody }, gives: { skipped: 'no-identity' } },
  {
    what: 'chosen traits',
    event: { ...identify, traits: { plan: 'pro', seats: 3, trial: false, end: null, tags: ['a'] } },
    settings: { traits: ['plan', 'seats', 'trial', 'end', 'tags', 'id'] },
    gives: { identity: '{"id":"alice","end":null,"plan":"pro","seats":3,"trial":false}' },
  },
  {
    what: 'chosen traits that are too large',
    event: { ...identify, traits: { plan: 'x'.repeat(20_000), email: 'alice@a.example' } },
    settings: { traits: ['plan'] },
    gives: { identity: '{"id":"alice","email":"alice@a.example"}' },
  },
]

const missing: Case[] = [
  {
    what: 'a user id that is none',
    event: { ...identify, userId: 'undefined' },
    gives: { skipped: 'no-identity' },
  },
  {
    what: 'an id with invisible characters around it',
    event: { ...track, userId: '\u200balice\ufeff' },
    gives: { identity: '{"id":"alice"}' },
  },
  {
    what: 'a customer that is none',
    event: { ...track, context: { groupId: 'null' } },
    gives: { customer_id: undefined },
  },
]

const customers: Case[] = [
  {
    what: 'a customer of the call',
    event: { ...track, integrations: { Skalin: { customerId: 'own' } } },
    settings: { customerId: 'setting' },
    gives: { customer_id: 'own' },
  },
  {
    what: 'a customer of the settings',
    event: { ...track, context: { groupId: 'context' } },
    settings: { customerId: 'setting' },
    gives: { customer_id: 'setting' },
  },
  {
    what: 'a customer of a trait',
    event: { ...identify, traits: { groupId: 7 } },
    gives: { customer_id: '7' },
  },
  {
    what: "a customer as in Segment's example",
    event: { ...identify, traits: { trait: { groupId: 'myCustomerID' } } },
    gives: { customer_id: 'myCustomerID' },
  },
  {
    what: 'a customer of the context',
    event: { ...track, context: { groupId: ' acme ' } },
    gives: { customer_id: 'acme' },
  },
  {
    what: 'a group whose context says another customer',
    event: { ...group, context: { groupId: 'context' } },
    gives: { customer_id: 'context' },
  },
  { what: 'no customer', event: track, gives: { customer_id: undefined } },
]

const places: Case[] = [
  [
    'with a query and a fragment',
    'https://app.example.com/a?token=1#access_token=2',
    'https://app.example.com/a',
  ],
  ['with credentials', 'https://user:secret@app.example.com/a', 'https://app.example.com/a'],
  ['of an application', 'app://localhost/index.html?a=1', 'app://localhost/index.html'],
  [
    'in another script',
    'https://app.example.com/réglages',
    'https://app.example.com/r%C3%A9glages',
  ],
  ['that is none', '/a/b', undefined],
  ['of no page', 'about:blank', undefined],
].map(([what, given, sent]) => ({
  what: `a URL ${what ?? ''}`,
  event: url(given ?? ''),
  gives: { url: sent },
}))

const times: Case[] = [
  {
    what: 'an old time',
    event: { ...track, timestamp: '2020-02-29T23:59:59.999Z' },
    gives: { ts: '2020-02-29T23:59:59', localtime: '00:59:59' },
  },
  {
    what: 'a time of another zone, in summer',
    event: { ...track, timestamp: '2026-07-01T12:00:00+09:00' },
    gives: { ts: '2026-07-01T03:00:00', localtime: '05:00:00' },
  },
]

/** What a hit says in the fields of `gives`. */
export const told = (hit: Fields, gives: Fields): Fields =>
  Object.fromEntries(Object.keys(gives).map((name) => [name, hit[name]]))

/** Read by the tests of the mapping, and by those that put the plugin and the Function side by side. */
export const corpus: Case[] = [
  ...calls,
  ...names,
  ...pages,
  ...renamed,
  ...people,
  ...missing,
  ...customers,
  ...places,
  ...times,
]
