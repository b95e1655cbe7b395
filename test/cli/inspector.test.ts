import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { inspectorPages } from '../../src/cli/pages.ts'
import type { Pages } from '../../src/testing/routes.ts'
import { rawRequest } from '../testing/support.ts'
import { run } from './run.ts'

/** The command's collector, which unlike that of the test kit has pages. */
const startCommand = async (): Promise<string> => {
  const [address = ''] = await run('collector', '--port', '0').lines(1)
  return /http:\/\/127\.0\.0\.1:\d+/.exec(address)?.[0] ?? 'no address'
}

const foreign = 'https://evil.example'

describe('who may change what the command answers', () => {
  const orders: [path: string, body: string][] = [
    ['clear', ''],
    ['fault', '{"kind":"status","status":503}'],
  ]
  const give = async (origin: string, headers: Record<string, string>) => {
    const answers = orders.map(([path, body]) =>
      rawRequest(`${origin}/control/${path}`, { method: 'POST', headers, body }),
    )
    return (await Promise.all(answers)).map(({ status }) => status)
  }
  const isHealthy = async (origin: string) => {
    const { status } = await rawRequest(`${origin}/hit`, { method: 'POST' })
    return status !== 503
  }

  test.each<[string, Record<string, string>]>([
    ['another site', { origin: foreign }],
    ['a sandboxed frame', { origin: 'null' }],
    ['another port', { origin: 'http://127.0.0.1:1' }],
    ['who says no origin', {}],
    ['who says no origin but to be of here', { 'sec-fetch-site': 'same-origin' }],
  ])('not %s', async (_, headers) => {
    const origin = await startCommand()
    expect(await give(origin, headers)).toEqual([403, 403])
    expect(await isHealthy(origin)).toBe(true)
  })

  test('its own pages, by either name of this machine', async () => {
    const origin = await startCommand()
    expect(await give(origin, { origin })).toEqual([204, 204])
    expect(await isHealthy(origin)).toBe(false)
    const { host } = new URL(origin.replace('127.0.0.1', 'localhost'))
    expect(await give(origin, { host, origin: `http://${host}` })).toEqual([204, 204])
  })
})

describe('who may read what came', () => {
  /** The status alone: a stream that is allowed does not end. */
  const read = async (origin: string, headers: Record<string, string>) => {
    const asked = get(`${origin}/control/events`, { agent: false, headers })
    onTestFinished(() => void asked.destroy())
    const [{ statusCode }] = (await once(asked, 'response')) as [{ statusCode: number }]
    return statusCode
  }

  test.each<[string, Record<string, string>]>([
    ['another site', { origin: foreign }],
    ['another site that says no origin', { 'sec-fetch-site': 'cross-site' }],
    ['another port, which is of the same site', { 'sec-fetch-site': 'same-site' }],
  ])('not %s', async (_, headers) => {
    expect(await read(await startCommand(), headers)).toBe(403)
  })

  test.each<[string, Record<string, string>]>([
    ['its own pages', { 'sec-fetch-site': 'same-origin' }],
    ['a program, or a browser that says nothing', {}],
  ])('%s', async (_, headers) => {
    expect(await read(await startCommand(), headers)).toBe(200)
  })
})

test.each(['/', '/inspect', '/control/events', '/control/clear'])(
  'a foreign name that leads here gets nothing at %s',
  async (path) => {
    const origin = await startCommand()
    // A page of that name would be of the same origin as what it asks.
    const host = `evil.example:${new URL(origin).port}`
    const headers = { host, origin: `http://${host}`, 'sec-fetch-site': 'same-origin' }
    for (const method of ['GET', 'POST']) {
      const { status, text } = await rawRequest(origin + path, { method, headers })
      expect(status).toBe(421)
      expect(text).toContain('answers only to the hosts')
    }
  },
)

describe('the pages', () => {
  /** Files as the package has them. */
  const pagesOf = async () => {
    const folder = await mkdtemp(join(tmpdir(), 'skalin-pages-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    await mkdir(join(folder, 'inspector'))
    const names = ['cli.js', 'inspect.js', 'inspector/index.html', 'inspector/inspector.js']
    for (const name of [...names, 'inspector/notes.md']) await writeFile(join(folder, name), name)
    return inspectorPages(pathToFileURL(`${folder}/`))
  }
  const policyOf = (page: Awaited<ReturnType<Pages>>) => page?.headers['Content-Security-Policy']

  test('load nothing and ask nobody but the collector', async () => {
    const page = await (await pagesOf())('/')
    expect(page?.body.toString()).toBe('inspector/index.html')
    expect(page?.headers).toMatchObject({
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
    })
    expect(String(policyOf(page)).split('; ').sort()).toEqual([
      "base-uri 'none'",
      "connect-src 'self'",
      "default-src 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "img-src 'self'",
      "require-trusted-types-for 'script'",
      "script-src 'self'",
      "style-src 'self'",
      "trusted-types 'none'",
    ])
  })

  test('have the same policy by their own name', async () => {
    const pages = await pagesOf()
    expect(policyOf(await pages('/index.html'))).toBe(policyOf(await pages('/')))
  })

  test('give other origins `inspect()`, and nothing else', async () => {
    const pages = await pagesOf()
    const helper = await pages('/inspect.js')
    expect(helper?.body.toString()).toBe('inspect.js')
    expect(helper?.headers).toMatchObject({ 'Access-Control-Allow-Origin': '*' })
    const own = await pages('/inspector.js')
    expect(own?.body.toString()).toBe('inspector/inspector.js')
    expect(own?.headers).not.toHaveProperty('Access-Control-Allow-Origin')
  })

  test.each([
    '/cli.js',
    '/../cli.js',
    '/..%2fcli.js',
    '/inspector/index.html',
    '//etc/hosts.html',
    '/notes.md',
    '/inspector.js/',
    '/none.js',
  ])('are not to be had at %s', async (path) => {
    expect(await (await pagesOf())(path)).toBeUndefined()
  })
})
