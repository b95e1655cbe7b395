/** A number from 0 to below `below`. */
type Random = (below: number) => number

/** Mulberry32: the same numbers for the same seed. */
function randomOf(seed: number): Random {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

const digits = '0123456789'
const lower = 'abcdefghijklmnopqrstuvwxyz'
const upper = lower.toUpperCase()
const hex = `${digits}abcdef`
const base36 = digits + lower
const base62 = base36 + upper
const base64url = `${base62}-_`
const base58 = base62.replace(/[0OIl]/g, '')
const crockford = (digits + upper).replace(/[ILOU]/g, '')
const capitals = digits + upper

const titles = 'how to make better plans for a small team and launch new features in summer'.split(
  ' ',
)
const months = 'jan feb mar apr may jun jul aug sep oct nov dec'.split(' ')

/** What makes the identifiers of a scheme. */
function maker(random: Random) {
  const pick = <T>(from: ArrayLike<T>): T => from[random(from.length)] as T
  const of = (alphabet: string, length: number) =>
    Array.from({ length }, () => pick(alphabet)).join('')
  const from = (least: number, most: number) => String(least + random(most - least + 1))
  const two = (least: number, most: number) => from(least, most).padStart(2, '0')
  const slug = () => Array.from({ length: 2 + random(3) }, () => pick(titles)).join('-')
  const date = () => [from(1990, 2039), two(1, 12), two(1, 28)] as const
  const clock = () => [two(0, 23), two(0, 59), two(0, 59)].join(':')
  return { pick, of, from, two, slug, date, clock }
}

type Maker = ReturnType<typeof maker>

/** Schemes that have a standard, or that every reader knows: all of these must be taken out. */
const standard: Record<string, (make: Maker) => string> = {
  integer: ({ of, from }) => from(1, 9) + of(digits, Number(from(0, 12))),
  UUID: ({ of }) => [8, 4, 4, 4, 12].map((length) => of(hex, length)).join('-'),
  'UUID in capitals': ({ of }) =>
    [8, 4, 4, 4, 12].map((length) => of(hex, length).toUpperCase()).join('-'),
  'UUID without dashes': ({ of }) => of(hex, 32),
  ULID: ({ of }) => `01${of(crockford, 24)}`,
  ObjectId: ({ of }) => `6${of(hex, 23)}`,
  'SHA-1': ({ of }) => of(hex, 40),
  'SHA-256': ({ of }) => of(hex, 64),
  'e-mail address': ({ pick, from }) => `${pick(titles)}.${pick(titles)}${from(0, 99)}@example.com`,
  JWT: ({ of }) => `eyJhbGciOiJIUzI1NiJ9.eyJ${of(base64url, 40)}.${of(base64url, 43)}`,
  'ISO date': ({ date }) => date().join('-'),
  'ISO date and time': ({ date, clock }) => `${date().join('-')}T${clock()}Z`,
  'date without dashes': ({ date }) => date().join(''),
  'date, day first': ({ date }) => [...date()].reverse().join('.'),
}

const others: Record<string, (make: Maker) => string> = {
  'year and month': ({ date }) => date().slice(0, 2).join('-'),
  'ISO week': ({ from, two }) => `${from(2000, 2039)}-W${two(1, 53)}`,
  'date with the month as a word': ({ from, pick, two }) =>
    `${two(1, 28)}-${pick(months)}-${from(1990, 2039)}`,
  'nanoid of 21': ({ of }) => of(base64url, 21),
  'nanoid of 12': ({ of }) => of(base64url, 12),
  'nanoid of 10': ({ of }) => of(base64url, 10),
  YouTube: ({ of }) => of(base64url, 11),
  'Stripe customer': ({ of }) => `cus_${of(base62, 14)}`,
  'Stripe payment': ({ of }) => `pi_${of(base62, 24)}`,
  Airtable: ({ pick, of }) => pick(['rec', 'app', 'tbl', 'viw']) + of(base62, 14),
  'Firebase push id': ({ of }) => `-O${of(base64url, 18)}`,
  'Firebase user id': ({ of }) => of(base62, 28),
  Firestore: ({ of }) => of(base62, 20),
  'short hash of 7': ({ of }) => of(hex, 7),
  'short hash of 8': ({ of }) => of(hex, 8),
  'short hash of 12': ({ of }) => of(hex, 12),
  'hashids of 8': ({ of }) => of(base62, 8),
  'sqids of 6': ({ of }) => of(base62, 6),
  'base 36 of 8': ({ of }) => of(base36, 8),
  'base 36 of 10': ({ of }) => of(base36, 10),
  'short UUID': ({ of }) => of(base58, 22),
  'base64url of 22': ({ of }) => of(base64url, 22),
  Slack: ({ pick, of }) => pick('UCT') + of(capitals, 10),
  'old Slack': ({ pick, of }) => pick('UCT') + of(capitals, 8),
  cuid: ({ of }) => `c${of(base36, 24)}`,
  cuid2: ({ pick, of }) => pick(lower) + of(base36, 23),
  KSUID: ({ of }) => `2${of(base62, 26)}`,
  xid: ({ of }) => of(`${digits}abcdefghijklmnopqrstuv`, 20),
  TypeID: ({ pick, of }) => `${pick(['user', 'org'])}_01h${of(crockford.toLowerCase(), 23)}`,
  Snowflake: ({ of }) => `1${of(digits, 17)}`,
  'Shopify gid': ({ from }) => `gid://shopify/Product/${from(1e9, 1e13)}`,
  'Salesforce of 18': ({ of }) => `003${of(base62, 15)}`,
  'Google Docs': ({ of }) => `1${of(base64url, 43)}`,
  ASIN: ({ of }) => `B0${of(capitals, 8)}`,
  'key with a number': ({ pick, of, from }) => `${of(upper, 2 + pick([0, 1, 2]))}-${from(1, 9999)}`,
  'MAC address': ({ of }) => Array.from({ length: 6 }, () => of(`${digits}ABCDEF`, 2)).join(':'),
  'short IPv6 address': ({ of, from }) => `${of(hex, 4)}::${from(1, 99)}`,
  'key of OData': ({ pick, from }) => `${pick(['Users', 'Orders'])}(${from(1, 999)})`,
  'matrix parameter': ({ pick, from }) => `${pick(['user;id', 'id'])}=${from(1, 999)}`,
  'word with a number': ({ pick, from }) => `${pick(['user', 'order'])}-${from(1000, 99_999)}`,
  'invoice number': ({ from }) => `INV-${from(2015, 2030)}-${from(1, 9999).padStart(4, '0')}`,
  '~ and a number': ({ from }) => `~${from(1, 99_999)}`,
  'number with a comma': ({ from }) => `${from(1, 999)},${from(100, 999)}`,
  coordinates: ({ from }) =>
    `${from(-89, 89)}.${from(1000, 9999)},${from(0, 179)}.${from(1000, 9999)}`,
  'telephone number': ({ from }) => `+33${from(100_000_000, 999_999_999)}`,
  'licence key': ({ of }) => [1, 2, 3, 4].map(() => of(capitals, 5)).join('-'),
  'slug with a random tail of 10': ({ slug, of }) => `${slug()}-${of(base36, 10)}`,
  'slug with a hash': ({ slug, of }) => `${slug()}-${of(hex, 12)}`,
  'slug with a number': ({ slug, from }) => `${slug()}-${from(10_000, 9_999_999)}`,
  'number with a slug': ({ slug, from }) => `${from(1000, 9_999_999)}-${slug()}`,
  'file with a hash': ({ pick, of }) => `${pick(['main', 'vendor'])}.${of(hex, 8)}.js`,
}

/** A way to write identifiers, with some of it. */
export type Scheme = { name: string; isStandard: boolean; ids: string[] }

/** `count` identifiers of every scheme; the same each time. */
export function sampleSchemes(count: number): Scheme[] {
  const make = maker(randomOf(1))
  return Object.entries({ ...standard, ...others }).map(([name, id]) => ({
    name,
    isStandard: name in standard,
    ids: Array.from({ length: count }, () => id(make)),
  }))
}

/** Page names that are no records, however much they look like some. */
export const trickyNames = `
  oauth2 s3 v1.2 step-1 web3 ipv4 http2 base64 fr-FR zh-Hans 2fa h264 mp4 1-1 1on1 b2b 24h 30-days
  last_7_days top-10 covid19 a11y k8s n8n office365-integration 3d-models 4k windows-11 form-w2
  401k-plan soc2-type2 utf-8 auth0 html5 h1 x509 sha256 q1 fy24 phase-2 rc1 HowItWorks
  billingSettings GDPR SAML2 OpenIDConnect GraphQL iOS eCommerce 80-20-rule 9-box-grid index.html
  .well-known OAuth2 iso-27001 ed25519 rfc-7231 SHA-256 wcag21 icd-10 en-US pt_BR sr-Latn-RS es-419
  1.2.3 v2.0.0-beta.3 1.0.0-rc.1 python3 es2022 tls1.3 i18n e2e 9to5 24-7 16:9 x86_64 arm64 json2csv
  peer2peer face2face 3rd-party 21st-century day-30 90-day-plan 360-feedback fortune-500 route-66
  year-2000 fy2024 q1-2024 roadmap-2025 vision2030 1000-hours mp3 w9 k-12 p60 gpt-4o llama3.1
  macOS YouTube McDonalds PostgreSQL JavaScript SaaS DevOps iPhone15 XMLHttpRequest
  getElementById FAQs réglages œuvre szczegóły настройки 設定 第3章 GitHub連携 html2pdf HtmlToPdf kubectl nginx wysiwyg rhythms
`
  .trim()
  .split(/\s+/)
