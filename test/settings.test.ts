import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { resolveSettings } from '../src/settings.ts'
import { alive, anyValue } from './support/hostile.ts'

const resolve = (given: object) => resolveSettings({ clientId: 'client', ...given })
const nothing = () => undefined

test('the client id alone is enough: everything else has a default', () => {
  expect(resolveSettings({ clientId: 'client' })).toEqual({
    settings: {
      clientId: 'client',
      endpoint: 'https://collect.skalin.io/hit',
      enabled: true,
      customerId: undefined,
      featureName: undefined,
      paths: [],
      traits: [],
      url: undefined,
      anonymous: 'hold',
      visitTimeoutMs: 1_800_000,
      consent: undefined,
      respectGpc: false,
      onDelivery: undefined,
    },
    errors: [],
    warnings: [],
  })
})

test.each([
  'YOUR_CLIENT_ID',
  'your client id',
  '<client id>',
  '{{ CLIENT_ID }}',
  '${SKALIN_CLIENT_ID}',
  '%VITE_CLIENT_ID%',
  '<%= clientId %>',
])('the client id %j is used, with a warning', (clientId) => {
  // prettier-ignore
  const { settings, errors, warnings } = resolveSettings({ clientId })
  expect({ ...settings, errors }).toMatchObject({ clientId, errors: [] })
  expect(warnings).toEqual([`\`clientId\` looks like a placeholder: "${clientId}"`])
})

test.each([
  { endpoint: 'https://YOUR_DOMAIN/hit' },
  { endpoint: 'https://hits.example/{{ path }}' },
  { customerId: '{{ customer.id }}' },
  { customerId: '%CUSTOMER%' },
])('%j is used, with a warning', (given) => {
  const [[name, value] = ['', '']] = Object.entries(given)
  const { settings, warnings } = resolve(given)
  expect(settings).toBeDefined()
  expect(warnings).toEqual([`\`${name}\` looks like a placeholder: "${value}"`])
})

test.each([
  { endpoint: 'https://yours.example/a%20b' },
  { customerId: '{6F9619FF-8B86-D011-B42D-00CF4FC964FF}' },
  { customerId: 'Growth 100%' },
  { customerId: 'R&D <EMEA>' },
  { customerId: 'tour_de_your_life' },
])('%j is none that was forgotten', (given) => {
  expect(resolve(given).warnings).toEqual([])
})

test.each(['client', '7d3f0c52-9be1-4d0e', 'acme:eu/prod', 'yourcompany', 'not-your-id', 'a$b'])(
  'the client id %j is none that was forgotten',
  (clientId) => {
    expect(resolveSettings({ clientId }).warnings).toEqual([])
  },
)

test('`undefined` means not given', () => {
  const names = [
    'endpoint', 'enabled', 'customerId', 'featureName', 'paths', 'traits', 'url', 'anonymous', 'visitTimeoutMs',
    'consent', 'respectGpc', 'onDelivery', 'apiKey', 'unknown',
  ] // prettier-ignore
  const given = resolve(Object.fromEntries(names.map((name) => [name, undefined])))
  expect(given).toEqual({ ...resolve({}), settings: expect.any(Object) as unknown })
  expect(given.settings).toMatchObject({ anonymous: 'hold', visitTimeoutMs: 1_800_000, traits: [] })
})

describe('a right setting', () => {
  test.each<[string, unknown, unknown]>([
    ['clientId', 'abc', 'abc'],
    ['clientId', ' abc\n', 'abc'],
    ['clientId', '\u200babc\u200e', 'abc'],
    ['endpoint', 'https://proxy.example/skalin', 'https://proxy.example/skalin'],
    ['endpoint', 'http://127.0.0.1:4000/hit?a=1', 'http://127.0.0.1:4000/hit?a=1'],
    // As the browser writes it: the outbox compares endpoints.
    ['endpoint', 'HTTPS://Proxy.example', 'https://proxy.example/'],
    ['enabled', true, true],
    ['enabled', false, false],
    ['customerId', 'acme', 'acme'],
    ['customerId', '', ''],
    ['customerId', nothing, nothing],
    ['featureName', nothing, nothing],
    ['paths', [], []],
    ['traits', [], []],
    ['traits', ['plan', 'seats'], ['plan', 'seats']],
    ['traits', ['b', 'a', 'B', 'b'], ['B', 'a', 'b']],
    ['traits', ['id', 'plan', 'email'], ['plan']],
    ['url', nothing, nothing],
    ['anonymous', 'hold', 'hold'],
    ['anonymous', 'send', 'send'],
    ['anonymous', 'drop', 'drop'],
    ['visitTimeoutMs', 1, 1],
    ['visitTimeoutMs', 0.5, 0.5],
    ['respectGpc', true, true],
    ['respectGpc', false, false],
    ['onDelivery', nothing, nothing],
  ])('%s: %j', (name, value, resolved) => {
    const { settings, errors, warnings } = resolve({ [name]: value })
    expect({ errors, warnings }).toEqual({ errors: [], warnings: [] })
    expect(settings?.[name as keyof typeof settings]).toEqual(resolved)
  })

  test('consent: the categories', () => {
    const { settings, errors } = resolve({ consent: { categories: ['Analytics', 'Ads'] } })
    expect(errors).toEqual([])
    expect(settings?.consent).toEqual(['Analytics', 'Ads'])
  })

  test('is not what the page makes of its lists later', () => {
    const categories = ['Analytics']
    const traits = ['plan']
    const { settings } = resolve({ consent: { categories }, traits })
    categories.pop()
    traits.push('phone')
    expect(settings).toMatchObject({ consent: ['Analytics'], traits: ['plan'] })
  })
})

describe('a wrong setting that decides whether, where, about whom or what is sent', () => {
  const endpoint = 'the `endpoint` setting must be an absolute http(s) URL without credentials'
  const consent =
    'the `consent` setting must be { categories } with a non-empty array of non-empty strings'

  test.each<[string, unknown, string]>([
    ['clientId', undefined, 'the `clientId` setting must be a non-empty string (received: undefined)'],
    ['clientId', null, 'the `clientId` setting must be a non-empty string (received: null)'],
    ['clientId', '', 'the `clientId` setting must be a non-empty string (received: "")'],
    ['clientId', ' \n', 'the `clientId` setting must be a non-empty string (received: " \\n")'],
    ['clientId', '\u200b', 'the `clientId` setting must be a non-empty string (received: "\u200b")'],
    // Of a build without the variable.
    ['clientId', 'undefined', 'the `clientId` setting must be a non-empty string (received: "undefined")'],
    ['clientId', 'null', 'the `clientId` setting must be a non-empty string (received: "null")'],
    ['clientId', 7, 'the `clientId` setting must be a non-empty string (received: 7)'],
    ['clientId', ['a'], 'the `clientId` setting must be a non-empty string (received: array)'],
    ['clientId', 7n, 'the `clientId` setting must be a non-empty string (received: bigint)'],
    ['endpoint', null, `${endpoint} (received: null)`],
    ['endpoint', 7, `${endpoint} (received: 7)`],
    ['endpoint', '', `${endpoint} (received: "")`],
    ['endpoint', '/hit', `${endpoint} (received: "/hit")`],
    ['endpoint', '//proxy.example/hit', `${endpoint} (received: "//proxy.example/hit")`],
    ['endpoint', 'proxy.example/hit', `${endpoint} (received: "proxy.example/hit")`],
    ['endpoint', 'ftp://proxy.example/', `${endpoint} (received: "ftp://proxy.example/")`],
    ['endpoint', 'xhttp://proxy.example/', `${endpoint} (received: "xhttp://proxy.example/")`],
    ['endpoint', 'https://jane@proxy.example/', `${endpoint} (received: one with credentials)`],
    ['endpoint', 'https://:secret@proxy.example/', `${endpoint} (received: one with credentials)`],
    // Wherever it is wrong besides.
    ['endpoint', '//jane:secret@proxy.example/', `${endpoint} (received: one with credentials)`],
    ['endpoint', 'jane:secret@proxy.example/hit', `${endpoint} (received: one with credentials)`],
    ['endpoint', 'ftp://jane:a/b@proxy.example/', `${endpoint} (received: one with credentials)`],
    ['endpoint', new URL('https://proxy.example/'), `${endpoint} (received: object)`],
    ['endpoint', ['https://proxy.example/'], `${endpoint} (received: array)`],
    ['customerId', null, 'the `customerId` setting must be a string or a function (received: null)'],
    ['customerId', 7, 'the `customerId` setting must be a string or a function (received: 7)'],
    ['url', 'https://app.example/', 'the `url` setting must be a function (received: "https://app.example/")'],
    ['url', 'https://jane:secret@app.example/', 'the `url` setting must be a function (received: one with credentials)'],
    ['url', false, 'the `url` setting must be a function (received: false)'],
    ['anonymous', 'keep', 'the `anonymous` setting must be \'hold\', \'send\' or \'drop\' (received: "keep")'],
    ['anonymous', true, "the `anonymous` setting must be 'hold', 'send' or 'drop' (received: true)"],
    ['consent', true, `${consent} (received: true)`],
    ['consent', ['Analytics'], `${consent} (received: array)`],
    ['consent', {}, `${consent} (received: object)`],
    ['consent', { categories: 'Analytics' }, `${consent} (received: object)`],
    ['consent', { categories: [] }, `${consent} (received: object)`],
    ['consent', { categories: ['Analytics', ''] }, `${consent} (received: object)`],
    ['consent', { categories: ['Analytics', 7] }, `${consent} (received: object)`],
    // Holes would be asked about nothing, and say yes.
    ['consent', { categories: new Array(2) }, `${consent} (received: object)`],
    ['enabled', 'false', 'the `enabled` setting must be a boolean (received: "false")'],
    ['enabled', null, 'the `enabled` setting must be a boolean (received: null)'],
    ['enabled', 0, 'the `enabled` setting must be a boolean (received: 0)'],
    ['respectGpc', 'true', 'the `respectGpc` setting must be a boolean (received: "true")'],
    ['respectGpc', 1, 'the `respectGpc` setting must be a boolean (received: 1)'],
    ['respectGpc', null, 'the `respectGpc` setting must be a boolean (received: null)'],
  ])('makes the plugin inert: %s: %o', (name, value, error) => {
    expect(resolve({ [name]: value })).toEqual({
      settings: undefined,
      errors: [error],
      warnings: [],
    })
  }) // prettier-ignore
})

describe('another wrong setting', () => {
  test.each<[string, unknown, unknown, string]>([
    ['featureName', 'Import', undefined, 'a function (received: "Import")'],
    ['featureName', null, undefined, 'a function (received: null)'],
    ['traits', 'plan', [], 'an array of non-empty strings (received: "plan")'],
    ['traits', ['plan', ' '], [], 'an array of non-empty strings (received: array)'],
    ['traits', ['plan', 7], [], 'an array of non-empty strings (received: array)'],
    ['traits', new Array(1), [], 'an array of non-empty strings (received: array)'],
    ['traits', new Set(['plan']), [], 'an array of non-empty strings (received: object)'],
    ['visitTimeoutMs', 0, 1_800_000, 'a positive number of milliseconds (received: 0)'],
    ['visitTimeoutMs', -1, 1_800_000, 'a positive number of milliseconds (received: -1)'],
    ['visitTimeoutMs', NaN, 1_800_000, 'a positive number of milliseconds (received: NaN)'],
    ['visitTimeoutMs', Infinity, 1_800_000, 'a positive number of milliseconds (received: Infinity)'],
    ['visitTimeoutMs', '1000', 1_800_000, 'a positive number of milliseconds (received: "1000")'],
    ['onDelivery', {}, undefined, 'a function (received: object)'],
    ['onDelivery', Symbol('a'), undefined, 'a function (received: symbol)'],
  ])('gets its default: %s: %o', (name, value, resolved, allowed) => {
    const { settings, errors } = resolve({ [name]: value })
    expect(errors).toEqual([`the \`${name}\` setting must be ${allowed}`])
    expect(settings?.[name as keyof typeof settings]).toEqual(resolved)
  }) // prettier-ignore

  test('leaves the others as they are', () => {
    const given = { clientId: 'abc', customerId: 'acme', anonymous: 'send', traits: 7 }
    expect(resolveSettings(given).settings).toMatchObject({
      clientId: 'abc',
      customerId: 'acme',
      anonymous: 'send',
    })
  })
})

describe('the `paths` setting', () => {
  const namesOf = (paths: unknown) => resolve({ paths }).settings?.paths.map(({ name }) => name)

  test('is read once, in its order', () => {
    const paths = ['/blog/[slug]', '/projects/:projectId/*']
    expect(resolve({ paths })).toMatchObject({ errors: [], warnings: [] })
    expect(namesOf(paths)).toEqual(['/blog/:slug', '/projects/:projectId/*'])
  })

  test('leaves out what is no pattern, and names all of it in one message', () => {
    const paths = ['/a/:id(', '/b', 7, null, `/${'c'.repeat(50)}?d=1`]
    const { errors, warnings } = resolve({ paths })
    expect(errors).toEqual([])
    expect(warnings).toEqual([
      `\`paths\` has what is no route pattern: "/a/:id(", 7, null, "/${'c'.repeat(39)}"`,
    ])
    expect(namesOf(paths)).toEqual(['/b'])
  })

  test.each([['/a'], [null], [{ 0: '/a' }]])('must be an array: %j', (paths) => {
    const { errors } = resolve({ paths })
    expect(errors).toEqual([expect.stringMatching(/`paths` setting must be an array of route/)])
    expect(namesOf(paths)).toEqual([])
  })
})

test('all wrong settings are named, in one order', () => {
  const given = { onDelivery: 1, traits: 2, url: 3, endpoint: 4 }
  expect(resolveSettings(given)).toEqual({
    settings: undefined,
    errors: [
      'the `clientId` setting must be a non-empty string (received: undefined)',
      'the `endpoint` setting must be an absolute http(s) URL without credentials (received: 4)',
      'the `traits` setting must be an array of non-empty strings (received: 2)',
      'the `url` setting must be a function (received: 3)',
      'the `onDelivery` setting must be a function (received: 1)',
    ],
    warnings: [],
  })
})

test('only the beginning of a long value is told', () => {
  expect(resolve({ anonymous: 'x'.repeat(100) }).errors).toEqual([
    `the \`anonymous\` setting must be 'hold', 'send' or 'drop' (received: "${'x'.repeat(40)}")`,
  ])
})

test('switched off, the plugin needs no client id, which tests may not have', () => {
  const { settings, errors, warnings } = resolveSettings({ enabled: false })
  expect({ errors, warnings }).toEqual({ errors: [], warnings: [] })
  expect(settings).toMatchObject({ enabled: false, clientId: '' })
  expect(resolveSettings({ enabled: false, clientId: 7 }).errors).toHaveLength(1)
})

describe('an unknown setting', () => {
  const known =
    'known are clientId, endpoint, enabled, customerId, featureName, paths, traits, url, anonymous, visitTimeoutMs, consent, respectGpc, onDelivery'

  test.each([
    [{ clientID: 'a' }, `unknown setting \`clientID\`; ${known}`],
    [{ client_id: 'a', tags: null }, `unknown setting \`client_id\`, \`tags\`; ${known}`],
    // A name that every object has.
    [{ constructor: 'a' }, `unknown setting \`constructor\`; ${known}`],
  ])('is worth one warning: %j', (given, warning) => {
    const { settings, errors, warnings } = resolve(given)
    expect({ errors, warnings }).toEqual({ errors: [], warnings: [warning] })
    expect(settings).toBeDefined()
  })
})

describe('an API key', () => {
  const secret = 'sk-1234567890'
  const warning = '`apiKey` is a secret: take it out of the browser'

  test.each([secret, '', null, { secret }])(
    'has a warning of its own, without it: %j',
    (apiKey) => {
      const { settings, errors, warnings } = resolve({ apiKey })
      expect({ errors, warnings }).toEqual({ errors: [], warnings: [warning] })
      expect(JSON.stringify(settings)).not.toContain(secret)
    },
  )

  test('is named beside what is unknown, and when all is wrong', () => {
    const { errors, warnings } = resolveSettings({ apiKey: secret, ApiKey: secret })
    expect(warnings).toEqual([expect.stringMatching(/^unknown setting `ApiKey`; /), warning])
    expect([...errors, ...warnings].join()).not.toContain(secret)
  })
})

describe('whatever is given', () => {
  const noClientId = 'the `clientId` setting must be a non-empty string (received: undefined)'

  test.each([undefined, null, 'client', 7, true, nothing, Symbol('a')])(
    'as all the settings, nothing throws and nothing is sent: %o',
    (raw) => {
      const inert = { settings: undefined, errors: [noClientId], warnings: [] }
      expect(resolveSettings(raw)).toEqual(inert)
    },
  )

  const check = {
    seed: Number(process.env['SEED'] ?? 1),
    numRuns: Number(process.env['NUM_RUNS'] ?? 300),
  }

  test('as all the settings, nothing throws', () => {
    fc.assert(
      fc.property(anyValue, (given) => {
        const { settings, errors } = resolveSettings(alive(given))
        expect(settings === undefined).toBe(errors.length > 0)
      }),
      check,
    )
  })

  test('as a setting, it is right or it is told, and nothing throws', () => {
    const vital = [
      'clientId', 'endpoint', 'enabled', 'customerId', 'url', 'anonymous', 'consent', 'respectGpc',
    ] // prettier-ignore
    const others = ['featureName', 'traits', 'visitTimeoutMs', 'onDelivery']
    fc.assert(
      fc.property(fc.constantFrom(...vital, ...others), anyValue, (name, given) => {
        const { settings, errors } = resolve({ [name]: alive(given) })
        expect(errors.length).toBeLessThanOrEqual(1)
        expect(settings === undefined).toBe(errors.length > 0 && vital.includes(name))
        expect(errors.join('').length).toBeLessThan(400)
      }),
      check,
    )
  })

  test('as the categories of the consent, it is right or it is told', () => {
    fc.assert(
      fc.property(anyValue, (given) => {
        const { settings, errors } = resolve({ consent: { categories: alive(given) } })
        expect(settings === undefined).toBe(errors.length > 0)
        if (settings) expect(settings.consent?.length).toBeGreaterThan(0)
      }),
      check,
    )
  })
})

test('space around a category or a trait is no part of it', () => {
  const { settings } = resolveSettings({
    clientId: 'c',
    consent: { categories: ['Analytics '] },
    traits: [' plan'],
  })
  expect(settings).toMatchObject({ consent: ['Analytics'], traits: ['plan'] })
})

test('the categories that were checked are those that count, whatever a getter says later', () => {
  const answers = [['Analytics'], undefined]
  const consent = {
    get categories() {
      return answers.shift()
    },
  }
  expect(resolve({ consent }).settings?.consent).toEqual(['Analytics'])
})

test('what an endpoint has in its query is not printed', () => {
  const { errors } = resolveSettings({ clientId: 'c', endpoint: 'hits.example/hit?key=secret' })
  expect(errors).toEqual([expect.stringContaining('"hits.example/hit?…"')])
})
