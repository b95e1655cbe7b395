import { describe, expect, test } from 'vitest'
import type { SegmentEvent } from '../../src/hit/event.ts'
import type { SkalinSettings } from '../../src/settings.ts'
import { at, hitOf, nameOf, page, screen, skipOf, track } from '../support/events.ts'

const both = [
  ['page', page],
  ['screen', screen],
] as const

describe('a name', () => {
  test.each([
    ['as it came', 'Import', 'Import'],
    ['in its own case', 'imPORT', 'imPORT'],
    ['without the space around it', ' \n Import\t', 'Import'],
    ['without other space around it', '\u00a0\u2003\ufeffImport\u2028', 'Import'],
    ['with one space for many', 'Import  \t\r\n file', 'Import file'],
    ['with a space for another white space', 'Import\u00a0file\nnow', 'Import file now'],
    ['up to 255 characters', 'x'.repeat(255), 'x'.repeat(255)],
    ['cut after 255', 'x'.repeat(256), 'x'.repeat(255)],
    ['cut after 255 whole characters', '😀'.repeat(256), '😀'.repeat(255)],
    ['trimmed again where it was cut', `${'x'.repeat(254)} y`, 'x'.repeat(254)],
    ['collapsed before it is cut', `${'x '.repeat(127)}  yz`, `${'x '.repeat(127)}y`],
    [
      'without what is invisible around it',
      '\u200b\u2060 Import\u00ad\u200f \u202c\u200d',
      'Import',
    ],
    ['with what is invisible in an emoji', '👩\u200d💻\ufe0f', '👩\u200d💻\ufe0f'],
    ['with the flag of a country in a country', '🏴\u{e0067}\u{e007f}', '🏴\u{e0067}\u{e007f}'],
    ['with what is invisible within', 'می\u200cخواهم', 'می\u200cخواهم'],
    [
      'without what is invisible and joins nothing',
      'Einstel\u00adlungen\u200b \ufeffa\u2060b',
      'Einstellungen ab',
    ],
    ['without half a character', 'Import \ud83d', 'Import \ufffd'],
    ['with the other half gone', '\ude00 Import', '\ufffd Import'],
    ['zero', '0', '0'],
  ])('is sent %s', (_, event, name) => {
    expect(nameOf(track({ event }))).toBe(name)
  })

  test.each([
    undefined,
    null,
    '',
    ' \n\t\u00a0',
    '\u200b \ufeff',
    7,
    true,
    ['Import'],
    { name: 'Import' },
  ])('is missing: %j', (event) => {
    expect(skipOf(track({ event }))).toBe('no-name')
  })
})

describe.each(both)('a %s', (_, call) => {
  test.each<[SegmentEvent, string]>([
    [{ category: 'Docs', name: 'Install' }, 'Docs Install'],
    [{ name: 'Install' }, 'Install'],
    [{ category: 'Docs' }, 'Docs'],
    [{ category: ' ', name: 'Install' }, 'Install'],
    [{ category: 'Docs', name: '' }, 'Docs'],
    [{ category: null, name: 'Install' }, 'Install'],
    [{ category: 7, name: 'Install' }, 'Install'],
    [{ category: ' Docs \n', name: ' Install  it ' }, 'Docs Install it'],
    [{ category: 'x'.repeat(254), name: 'y' }, 'x'.repeat(254)],
    [{ category: 'x'.repeat(253), name: 'yz' }, `${'x'.repeat(253)} y`],
    [{ event: 'Import', name: 'Install' }, 'Install'],
    // A name is what somebody chose, whatever it looks like.
    [{ name: '/users/7' }, '/users/7'],
  ])('with %j is named %j', (fields, name) => {
    expect(nameOf(call(fields))).toBe(name)
  })
})

describe('a page without a name', () => {
  const path = '/from/path'
  const url = 'https://app.example/from/url?a=1#b'
  test.each([
    ['its path', path, url, path],
    ['the path of its URL', undefined, url, '/from/url'],
    ['the path of its URL', '', url, '/from/url'],
    ['the path of its URL', 7, url, '/from/url'],
    ['the path of its URL, the root', undefined, 'https://app.example', '/'],
  ])('is named by %s: %j, %j', (_, from, href, name) => {
    expect(nameOf(at(from, href))).toBe(name)
  })

  test.each([
    [undefined, undefined],
    ['', 'not a URL'],
    [undefined, '/from/url'],
    [null, 7],
  ])('has none by path %j and URL %j', (from, href) => {
    expect(skipOf(at(from, href))).toBe('no-name')
  })

  test('has none without any context', () => {
    expect(skipOf(page({ context: null }))).toBe('no-name')
  })
})

describe('the template of a path', () => {
  test.each([
    // numbers, and what is more than a number
    ['/users/7', '/users/:id'],
    ['/users/0012345678901', '/users/:id'],
    ['/users/-7', '/users/:id'],
    ['/users/~4711/926,316', '/users/:id/:id'],
    ['/users/\u0664\u0667\u0661\u0661', '/users/:id'],
    ['/users/7a', '/users/7a'],
    ['/users/7.0', '/users/7.0'],
    ['/v2', '/v2'],
    ['/docs/1.2.3/16:9/24-7', '/docs/1.2.3/16:9/24-7'],
    ['/from/10.0.0.1', '/from/:id'],
    // dates
    ['/days/2024-05-12', '/days/:id'],
    ['/days/2024-05/edit', '/days/:id/edit'],
    ['/days/12.05.24', '/days/:id'],
    ['/days/report-12-May-2024', '/days/:id'],
    ['/days/report-12-december-2024', '/days/:id'],
    ['/posts/invoice-2024', '/posts/invoice-2024'],
    // keys
    ['/issues/ENG-123', '/issues/:id'],
    ['/issues/P2P-191', '/issues/:id'],
    ['/issues/order-4711', '/issues/:id'],
    ['/issues/UTF-8', '/issues/UTF-8'],
    ['/models/GPT-4', '/models/GPT-4'],
    ['/pricing/TIER_1', '/pricing/TIER_1'],
    // hashes and random strings
    ['/a/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee/b', '/a/:id/b'],
    ['/projects/8f14e45f/edit', '/projects/:id/edit'],
    ['/projects/deadbeef', '/projects/deadbeef'],
    ['/projects/face2face', '/projects/face2face'],
    ['/orders/01arz3ndektsv4rrffq69g5fav', '/orders/:id'],
    ['/watch/dQw4w9WgXcQ', '/watch/:id'],
    ['/files/main.8f14e45f.js', '/files/:id'],
    // anything with @
    ['/users/@jane/posts', '/users/:id/posts'],
    ['/users/jane@example.com', '/users/:id'],
    ['/users/jane%40example.com', '/users/:id'],
    ['/users/jane%2540example.com', '/users/:id'],
    // decoded to be looked at, and to be read
    ['/caf%C3%A9/%37', '/caf\u00e9/:id'],
    ['/cafe\u0301', '/caf\u00e9'],
    ['/r%C3%A9glages/menu%20du%20jour', '/r\u00e9glages/menu du jour'],
    ['/posts/%61bc-12345', '/posts/:id'],
    ['/a%2Fb/100%25/a%0Ab', '/a%2Fb/100%25/a%0Ab'],
    ['/what%3Fnext/c%23', '/what%3Fnext/c%23'],
    ['/posts/a%0A1234567890', '/posts/:id'],
    ['/sale/100%', '/sale/100%'],
    ['/sale/%E0%A4%A', '/sale/%E0%A4%A'],
    ['/sale/jane@100%', '/sale/:id'],
    ['/sale/jane%E9%40example.com', '/sale/:id'],
    ['/sale/%%34%30x', '/sale/%2540x'],
    // what links in mails carry
    ['/reset-password/summer2024', '/reset-password/:id'],
    ['/invite/team', '/invite/team'],
    ['/invite/team/summer2024', '/invite/team/:id'],
    ['/verify/2fa', '/verify/2fa'],
    ['/presets/retro80s', '/presets/retro80s'],
    // slashes
    ['/', '/'],
    ['//', '/'],
    ['/a/', '/a'],
    ['/a///', '/a'],
    ['/a/%20', '/a'],
    ['/a//b', '/a//b'],
    ['//a', '//a'],
    ['/7/', '/:id'],
    ['7', ':id'],
    // what is no path
    ['/a?token=1', '/a'],
    ['/a#/b\n/c', '/a'],
    // the rules for names
    ['/a b/  c', '/a b/ c'],
    [`/${'x'.repeat(300)}`, `/${'x'.repeat(254)}`],
    [`/${encodeURIComponent('請'.repeat(40))}`, `/${'請'.repeat(40)}`],
    [
      `/post/${encodeURIComponent('請求書の自動作成機能と会計ソフト連携の設定方法を簡単に解説')}-8f14e45f`,
      '/post/:id',
    ],
    [`/${encodeURIComponent('請'.repeat(400))}`, `/${'請'.repeat(254)}`],
    [`/${encodeURIComponent('😀'.repeat(400))}`, `/${'😀'.repeat(254)}`],
    [`/a${encodeURIComponent('😀'.repeat(400))}`, `/a${'😀'.repeat(253)}`],
    // parameters of a segment
    ['/login;jsessionid=5F2A9C1E77B04D3E', '/login'],
    ['/login%3Bjsessionid=5F2A9C1E77B04D3E', '/login'],
    ['/projects;id=7/edit', '/projects/edit'],
    ['/;a=b', '/'],
    // secrets
    ['/login/token=abc12345', '/login/:id'],
    ['/login&lang=fr&token=abc12345', '/:id'],
    // files of one record
    ['/articles/38.html', '/articles/:id'],
    ['/articles/38.amp.html', '/articles/:id'],
    ['/videos/38.mp4', '/videos/:id'],
    ['/backups/12.tar.gz', '/backups/:id'],
    ['/invoices/12.pdf', '/invoices/:id'],
    ['/about.html', '/about.html'],
    ['/v1.2', '/v1.2'],
  ])('%s is %s', (path, name) => {
    expect(nameOf(at(path))).toBe(name)
  })

  // In the square of its length, this would take minutes.
  test('takes no time for a link made to take long', () => {
    expect(nameOf(at(`/a${'/'.repeat(200_000)}b`))).toBe(`/a${'/'.repeat(253)}`)
  })
})

describe('a hash route', () => {
  test.each([
    ['#/projects/7', '/projects/:id'],
    ['#!/projects/7?tab=a', '/projects/:id'],
    ['#/', '/'],
    ['#!/', '/'],
    ['#/r%C3%A9glages#top', '/réglages'],
    // Not the page's path.
    ['', '/from/path'],
    ['#', '/from/path'],
    ['#section', '/from/path'],
    ['#!section', '/from/path'],
    ['#access_token=a/b', '/from/path'],
    ['#?/a', '/from/path'],
    [undefined, '/from/path'],
  ])('%j at the call makes %s', (fragment, name) => {
    const world = fragment === undefined ? {} : { fragment }
    expect(nameOf(at('/from/path', 'https://app.example/from/url'), world)).toBe(name)
  })

  test('goes by the context where the call says it', () => {
    const event = at('/', 'https://app.example/#/projects/7')
    expect(nameOf(event)).toBe('/projects/:id')
    expect(nameOf(event, { fragment: '#/teams' })).toBe('/teams')
  })

  test('is a path also where the page itself has none', () => {
    const event = at('/C:/app/index.html', 'file:///C:/app/index.html')
    expect(nameOf(event, { fragment: '#/projects/7' })).toBe('/projects/:id')
  })

  test('names no page that has a name', () => {
    expect(nameOf(page({ name: 'Home' }), { fragment: '#/projects/7' })).toBe('Home')
  })
})

describe('a page without a web address', () => {
  test.each([
    ['/C:/Users/jane/index.html', 'file:///C:/Users/jane/index.html'],
    ['/a.html', 'file://server/a.html'],
    ['srcdoc', 'about:srcdoc'],
    ['blank', 'about:blank'],
    ['text/html,a', 'data:text/html,a'],
    ['https://app.example/0b6d', 'blob:https://app.example/0b6d'],
    [undefined, 'file:///home/jane/a.html'],
    ['/document/raw', 'content://downloads/document/raw'],
  ])('has no name of its own, and is told to have one: %j, %s', (path, url) => {
    const warnings: string[] = []
    expect(skipOf(at(path, url), { warnings })).toBe('no-name')
    expect(warnings).toEqual(['A page without a web address has no path: give `page()` a name.'])
    expect(nameOf({ ...at(path, url), name: 'Home' })).toBe('Home')
  })

  test.each([
    ['/settings', 'app://-/settings'],
    ['/settings', 'tauri://localhost/settings'],
    ['/settings', 'capacitor://localhost/settings'],
    ['/settings', 'chrome-extension://abc/settings'],
  ])('is none by the scheme of an application: %s, %s', (path, url) => {
    expect(nameOf(at(path, url))).toBe('/settings')
  })
})

describe('the `paths` setting', () => {
  const settings = { paths: ['/projects/new', '/projects/:projectId/*', '/menu du jour/[plat]'] }
  test.each([
    ['/projects/new', '/projects/new'],
    ['/projects/acme/', '/projects/:projectId/*'],
    ['/projects/acme/files/7', '/projects/:projectId/*'],
    ['/Menu%20du%20jour/42?a', '/menu du jour/:plat'],
    ['/users/7', '/users/:id'],
  ])('names %s %s', (path, name) => {
    expect(nameOf(at(path), { settings })).toBe(name)
    expect(nameOf(at('/'), { settings, fragment: `#${path}` })).toBe(name)
  })

  test('names no page that has a name', () => {
    expect(nameOf(page({ name: '/projects/7' }), { settings })).toBe('/projects/7')
  })
})

describe('a name that holds an identifier', () => {
  const advice =
    'A name holds an identifier, so each record is a feature: put it into the properties, or rename it by the `featureName` setting.'

  test.each([
    ['Viewed invoice 4711', 'Viewed invoice :id'],
    ['Opened 5f0c1a2b', 'Opened :id'],
    ['Mail to jane@example.com sent', 'Mail to :id sent'],
    ['Closed ENG-123', 'Closed :id'],
  ])('is sent as it is, and the developer is told what to write: %s', (event, example) => {
    const warnings: string[] = []
    expect(nameOf(track({ event }), { warnings })).toBe(event)
    expect(nameOf(page({ name: event }), { warnings })).toBe(event)
    expect(warnings).toEqual([`${advice} ${example}`, `${advice} ${example}`])
  })

  test.each([
    'Step 7 of 10',
    'Error 404',
    'Uploaded MP4',
    'OAuth2 connected',
    'Import',
    'Signed by eIDAS/eSign',
    'Signed up @ the fair',
  ])('is not seen in %s', (event) => {
    const warnings: string[] = []
    expect(nameOf(track({ event }), { warnings })).toBe(event)
    expect(warnings).toEqual([])
  })

  test.each([
    ['/projects/4711', '/projects/:id'],
    ['/en-US/iOS', '/en-US/iOS'],
    ['/en-GB/eIDAS', '/en-GB/eIDAS'],
    ['/@jane', '/@:user'],
  ])('is none in a page named by its path: %s', (path, name) => {
    const warnings: string[] = []
    expect(nameOf(at(path), { settings: { paths: ['/@:user'] }, warnings })).toBe(name)
    expect(warnings).toEqual([])
  })

  test('is no matter once it has been renamed', () => {
    const warnings: string[] = []
    const settings = { featureName: () => 'Viewed invoice' }
    expect(nameOf(track({ event: 'Viewed invoice 4711' }), { settings, warnings })).toBe(
      'Viewed invoice',
    )
    expect(warnings).toEqual([])
  })
})

describe('the `featureName` setting', () => {
  type Rename = NonNullable<SkalinSettings['featureName']>
  const renaming = (answer: unknown) => ({ settings: { featureName: (() => answer) as Rename } })
  const naming = (featureName: unknown) => ({ integrations: { Skalin: { featureName } } })

  test('says so by the alternative name of the destination as well', () => {
    const integrations = { skalin: { featureName: 'Export' } }
    expect(nameOf(track({ integrations }), renaming('Setting'))).toBe('Export')
  })

  test('is told the event and the name that would be sent', () => {
    const asked: unknown[] = []
    const featureName: Rename = (...args) => void asked.push(args)
    const events = [track({ event: ' Import ' }), at('/users/7')]
    for (const event of events) hitOf(event, { settings: { featureName } })
    expect(asked).toEqual([
      [events[0], 'Import'],
      [events[1], '/users/:id'],
    ])
  })

  test.each([
    ['Upload', 'Upload'],
    ['  Up \n load ', 'Up load'],
    ['😀'.repeat(256), '😀'.repeat(255)],
    // A name that somebody gave is no path.
    ['/users/7', '/users/7'],
    [undefined, 'Import'],
  ])('answers %j: %j', (answer, name) => {
    const warnings: string[] = []
    expect(nameOf(track(), { ...renaming(answer), warnings })).toBe(name)
    expect(warnings).toEqual([])
  })

  test.each([[null], [''], [' \n ']])('answers %j: skipped', (answer) => {
    const warnings: string[] = []
    expect(skipOf(track(), { ...renaming(answer), warnings })).toBe('feature-name')
    expect(warnings).toEqual([])
  })

  test.each([
    [7, 'number'],
    [false, 'boolean'],
    [['Upload'], 'object'],
    [Promise.resolve('Upload'), 'object'],
  ])('that answers with the wrong type is as good as not given: %j', (answer, type) => {
    const warnings: string[] = []
    expect(nameOf(track(), { ...renaming(answer), warnings })).toBe('Import')
    expect(warnings).toEqual([`\`featureName\` returned the wrong type (${type}) and was ignored.`])
  })

  test('that throws is as good as not given', () => {
    const warnings: string[] = []
    const featureName = () => {
      throw new Error('of the site')
    }
    expect(nameOf(track(), { settings: { featureName }, warnings })).toBe('Import')
    expect(warnings).toEqual(['`featureName` threw and was ignored.'])
  })

  test('is not asked about a call without a name', () => {
    expect(skipOf(track({ event: '' }), renaming('Upload'))).toBe('no-name')
  })

  test.each([
    ['Upload', 'Upload'],
    [' Up  load ', 'Up load'],
    ['😀'.repeat(256), '😀'.repeat(255)],
  ])("goes after the call's own name %j", (own, name) => {
    expect(nameOf(track(naming(own)), renaming('Setting'))).toBe(name)
  })

  test.each([null, '', '  '])('goes after a call that wants none by %j', (own) => {
    expect(skipOf(track(naming(own)), renaming('Setting'))).toBe('feature-name')
  })

  test.each([undefined, 7, false, {}, () => 'Upload'])(
    "is asked where the call's own name is none: %j",
    (own) => {
      expect(nameOf(track(naming(own)), renaming('Setting'))).toBe('Setting')
    },
  )

  test("a call's own name names what had none", () => {
    expect(nameOf(screen(naming('Upload')))).toBe('Upload')
    expect(nameOf(track({ event: undefined, ...naming('Upload') }))).toBe('Upload')
  })

  test.each([true, null, 'Upload', [], undefined])('has nothing to do with %j', (Skalin) => {
    expect(nameOf(track({ integrations: { Skalin } }), renaming('Setting'))).toBe('Setting')
  })
})
