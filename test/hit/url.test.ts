import { describe, expect, test } from 'vitest'
import { hitOf, track } from '../support/events.ts'

const on = (url: unknown) => track({ context: { page: { url, path: '/path' } } })

describe('by default the URL', () => {
  test.each([
    ['https://app.example/projects/7', 'https://app.example/projects/7'],
    ['https://app.example', 'https://app.example/'],
    ['https://app.example:8443/a', 'https://app.example:8443/a'],
    ['http://localhost:3000/a', 'http://localhost:3000/a'],
    ['https://app.example/a?token=1&email=a@example.com', 'https://app.example/a'],
    ['https://app.example/a#access_token=1', 'https://app.example/a'],
    ['https://app.example/a?#', 'https://app.example/a'],
    ['https://jane:secret@app.example/a', 'https://app.example/a'],
    ['https://jane@app.example/a?b#c', 'https://app.example/a'],
    ['HTTPS://App.Example/Caf\u00e9', 'https://app.example/Caf%C3%A9'],
    ['capacitor://localhost/a?b#c', 'capacitor://localhost/a'],
    ['app://jane:secret@-/index.html', 'app://-/index.html'],
    ['chrome-extension://abc/popup.html#x', 'chrome-extension://abc/popup.html'],
    ['tauri://localhost', 'tauri://localhost'],
    ['app:/index.html?b', 'app:/index.html'],
    ['app:index.html?b#c', 'app:index.html'],
    ['https://app.example/unsubscribe/jane@example.com', 'https://app.example/unsubscribe/:id'],
    ['https://app.example/users/jane%40example.com/a', 'https://app.example/users/:id/a'],
    ['https://app.example/users/jane%2540example.com', 'https://app.example/users/:id'],
    ['https://app.example/users/jane%252540example.com', 'https://app.example/users/:id'],
    ['https://app.example/otp/83xk20', 'https://app.example/otp/:id'],
    ['https://app.example/footprint/83xk20', 'https://app.example/footprint/83xk20'],
    ['https://app.example/@jane/4711', 'https://app.example/@jane/4711'],
    ['https://app.example/reset-password/x7Kq2m', 'https://app.example/reset-password/:id'],
    ['https://app.example/reset/MQ/c5h2gl-7a3f0e/', 'https://app.example/reset/MQ/:id/'],
    ['https://app.example/invite/team', 'https://app.example/invite/team'],
    [
      'https://app.example/in/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.Vb3kQ9',
      'https://app.example/in/:id',
    ],
    [
      'https://app.example/www.long-example-name.com',
      'https://app.example/www.long-example-name.com',
    ],
    ['https://app.example/home;jsessionid=0A1B2C3D4E5F6071', 'https://app.example/home'],
    ['https://app.example/home%3Bjsessionid=0A1B2C3D4E5F6071', 'https://app.example/home'],
    ['https://app.example/login&lang=fr&token=abcd1234', 'https://app.example/:id'],
    ['https://app.example/hero;id=15/edit', 'https://app.example/hero/edit'],
    ['https://app.example/apptoken/abc12345', 'https://app.example/apptoken/:id'],
    ['https://app.example/preset/abc12345', 'https://app.example/preset/abc12345'],
    [
      'https://app.example/(S(lit3py55t21z5v55vlm25s55))/orders.aspx',
      'https://app.example/:id/orders.aspx',
    ],
    ['https://app.example/reset-password=abc123def4', 'https://app.example/:id'],
    ['https://app.example/x/token=8f14e45fceea167a/y', 'https://app.example/x/:id/y'],
    ['https://app.example/sort=8f14e45f/tag:blue', 'https://app.example/sort=8f14e45f/tag:blue'],
    ['app:jane@example.com', 'app::id'],
    ['tauri://localhost/invite/4711', 'tauri://localhost/invite/:id'],
  ])('%s is sent as %s', (url, sent) => {
    expect(hitOf(on(url)).url).toBe(sent)
  })

  test.each([
    'file:///C:/docs/a.html?b#c',
    'file://server/share/a.html',
    'content://downloads/a.html',
    'about:blank',
    'about:srcdoc',
    'data:text/html,secret',
    'blob:https://app.example/0b6d',
    undefined,
    null,
    '',
    'not a URL',
    '/projects/7',
    '//app.example/a',
    'https://',
    7,
    { href: 'https://app.example/' },
    new URL('https://app.example/'),
  ])('%s is not sent', (url) => {
    expect(hitOf(on(url))).not.toHaveProperty('url')
  })

  test('is not made of anything else', () => {
    const properties = { url: 'https://app.example/', path: '/' }
    expect(hitOf(track({ properties, context: {} }))).not.toHaveProperty('url')
    expect(hitOf(track({ properties, context: null }))).not.toHaveProperty('url')
  })

  test('is cut after 2048 characters', () => {
    const longest = 'https://app.example/'.padEnd(2048, 'x')
    expect(hitOf(on(longest)).url).toBe(longest)
    expect(hitOf(on(`${longest}y`)).url).toBe(longest)
  })

  test('is cut between two characters', () => {
    const { url = '' } = hitOf(on(`https://app.example/${'設'.repeat(300)}`))
    expect(decodeURI(url)).toBe(`https://app.example/${'設'.repeat(225)}`)
  })
})

describe('the `url` setting', () => {
  const raw = 'https://jane:secret@app.example/a?b=1#c'
  const choosing = (answer: unknown, warnings: string[] = []) => ({
    settings: { url: () => answer as string },
    warnings,
  })

  test('is given the whole URL', () => {
    const url = ({ href }: URL) => href
    expect(hitOf(on(raw), { settings: { url } }).url).toBe(raw)
  })

  test('is not asked about what is no URL', () => {
    const warnings: string[] = []
    expect(hitOf(on('/a'), choosing('https://app.example/', warnings))).not.toHaveProperty('url')
    expect(warnings).toEqual([])
  })

  test('may send what the default leaves out', () => {
    const url = ({ pathname, search }: URL) => `https://app.example/${pathname}${search}`
    expect(hitOf(on('about:blank?b=1'), { settings: { url } }).url).toBe(
      'https://app.example/blank?b=1',
    )
  })

  test.each([[null], ['']])('sends nothing by %j', (answer) => {
    const warnings: string[] = []
    expect(hitOf(on(raw), choosing(answer, warnings))).not.toHaveProperty('url')
    expect(warnings).toEqual([])
  })

  test.each([
    // A function that changes the URL it is given and forgets to return.
    [undefined, 'undefined'],
    [7, 'number'],
    [new URL('https://app.example/'), 'object'],
    ['/a', 'string'],
    [' ', 'string'],
  ])('sends nothing, never the raw URL, by the wrong %j', (answer, type) => {
    const warnings: string[] = []
    expect(hitOf(on(raw), choosing(answer, warnings))).not.toHaveProperty('url')
    expect(warnings).toEqual([`\`url\` returned the wrong type (${type}) and was ignored.`])
  })

  test('sends nothing, never the raw URL, when it throws', () => {
    const warnings: string[] = []
    const url = () => {
      throw new Error('of the site')
    }
    expect(hitOf(on(raw), { settings: { url }, warnings })).not.toHaveProperty('url')
    expect(warnings).toEqual(['`url` threw and was ignored.'])
  })

  test('is cut after 2048 characters, without half a character at the end', () => {
    const answer = `${'https://app.example/'.padEnd(2047, 'x')}😀`
    expect(hitOf(on(raw), choosing(answer)).url).toBe(`${answer.slice(0, 2047)}\ufffd`)
  })
})
