import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Finding } from '../../src/cli/check/finding.ts'
import { explainFailure } from '../../src/cli/check/failure.ts'
import { diagnose } from '../../src/cli/check/findings.ts'
import { onOutcome } from '../../src/delivery/policy.ts'
import { checkHit } from '../../src/testing/protocol.ts'
import type { Fault } from '../../src/testing/index.ts'
import { attemptAt, now, outcomes, states } from '../delivery/support.ts'
import { startCollector } from '../testing/support.ts'
import { run } from './run.ts'

const origin = 'https://app.example.com'
const person = ['--send', '--user-id', 'u-1', '--email', 'jane@example.com']

type Result = { verdict: string; says: string; findings: Finding[] }

/** What `check --json` finds, and its exit code. */
const check = async (endpoint: string, ...more: string[]) => {
  const given = ['--client-id', 'my-client', '--endpoint', endpoint, '--json']
  const { exit, out, err } = run('check', ...given, ...more)
  const code = await exit
  expect(err).toEqual([])
  const result = JSON.parse(out[0] ?? '') as Result
  const of = (name: string) => result.findings.find((each) => each.check === name)
  return { code, of, ...result }
}

const serve = async (listener: RequestListener): Promise<string> => {
  const server = createServer(listener)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hit`
}

describe('a healthy endpoint', () => {
  test('will do, and gets no hit unless told', async () => {
    const collector = await startCollector()
    const { code, verdict, of } = await check(collector.endpoint, '--origin', origin)
    expect({ code, verdict }).toEqual({ code: 0, verdict: 'readable' })
    expect(of('POST')).toMatchObject({ state: 'not tried' })
    expect(of('CORS')).toMatchObject({
      state: 'ok',
      says: `Pages of ${origin} may read its answers.`,
    })
    expect(of('Policy')?.says).toContain(`connect-src ${new URL(collector.endpoint).origin}`)
    expect(of('Browser')?.says).toContain('Chrome asks the person')
    expect(collector.requests.map(({ method, body }) => [method, body])).toEqual([
      ['GET', ''],
      ['GET', ''],
    ])
    expect(collector.requests[0]?.headers.origin).toBe(origin)
  })

  test('gets one valid `ui` hit with --send, about the person that was named', async () => {
    const collector = await startCollector()
    const { code, of } = await check(collector.endpoint, ...person, '--customer-id', 'acme')
    expect(code).toBe(0)
    expect(of('POST')).toMatchObject({ state: 'ok' })
    const posts = collector.requests.filter(({ method }) => method === 'POST')
    expect(posts.map(({ body }) => checkHit(new URLSearchParams(body)))).toEqual([[]])
    expect(posts[0]?.hit).toMatchObject({
      client_id: 'my-client',
      action: 'ui',
      identity: '{"id":"u-1","email":"jane@example.com"}',
      customer_id: 'acme',
    })
  })

  test('is told of in a table of sentences', async () => {
    const collector = await startCollector()
    const endpoint = ['--endpoint', collector.endpoint]
    const { exit, out } = run(
      'check',
      '--client-id',
      'c',
      ...endpoint,
      '--origin',
      'http://localhost:80',
    )
    expect(await exit).toBe(0)
    expect(out.map((line) => line.replaceAll(/\d+ ms/g, '<ms>'))).toEqual([
      `${collector.endpoint}, for pages of http://localhost`,
      '',
      `✓ Reachable   ${new URL(collector.endpoint).host} answers.`,
      '✓ TLS         None, and on this machine none is needed.',
      '✓ Redirects   None.',
      '✓ Answer      It answers 400 to a GET; what it says to a POST, only `--send` tells.',
      '– POST        A hit is usage, so none was sent.',
      '              → Add `--send` and `--user-id` or `--email` to send one `ui` hit.',
      '✓ CORS        Pages of http://localhost may read its answers.',
      '! Retry-After Pages cannot read it: after a 429 or 503 the plugin goes by its own times, 1 s to 7.5 min.',
      '              → Have `Access-Control-Expose-Headers: Retry-After` sent, above all with 429 and 503.',
      '✓ Time        It answers in <ms>, the first time in <ms>.',
      `✓ Policy      If your pages have a Content-Security-Policy: connect-src ${collector.origin}`,
      '',
      'The plugin will deliver to it, and know of each hit whether it was taken.',
    ])
  })
})

describe('an endpoint that fails', () => {
  test.each<[string, Fault, string, Partial<Finding>, string[]?]>([
    [
      '503',
      { kind: 'status', status: 503 },
      'failing',
      { check: 'Answer', says: 'It answers 503 now: hits would wait.' },
    ],
    [
      '429',
      { kind: 'status', status: 429, retryAfter: 30 },
      'failing',
      {
        check: 'Answer',
        says: 'It answers 429 now: hits would wait. It asks to come again after 30.',
      },
    ],
    [
      'a redirect',
      { kind: 'status', status: 307, location: '/v2/hit' },
      'failing',
      { check: 'Redirects' },
    ],
    ['a reset', { kind: 'reset' }, 'unreachable', { check: 'Reachable' }],
    [
      'a hang before the headers',
      { kind: 'hang', at: 'headers' },
      'unreachable',
      { check: 'Time' },
      ['--timeout', '300'],
    ],
    [
      'a hang before the body',
      { kind: 'hang', at: 'body' },
      'unreachable',
      { check: 'Time' },
      ['--timeout', '300'],
    ],
  ])('by %s will not do', async (_, fault, verdict, finding, more = []) => {
    const collector = await startCollector()
    collector.fault(fault)
    const result = await check(collector.endpoint, ...more)
    expect(result).toMatchObject({ code: 1, verdict })
    expect(result.of(finding.check ?? '')).toMatchObject({ state: 'failed', ...finding })
  })

  test.each<[Fault, string]>([
    [{ kind: 'status', status: 400 }, 'It refused the hit with 400: the plugin would drop it.'],
    [{ kind: 'status', status: 503 }, 'It answered 503: hits would wait and be tried again.'],
    [
      { kind: 'status', status: 404 },
      'It answered 404: hits would wait, and be tried a few times an hour.',
    ],
    [{ kind: 'status', status: 302 }, 'It redirects: 302.'],
    [{ kind: 'reset' }, 'It cuts the connection. (read ECONNRESET)'],
  ])('only to a POST, by %j, shows with --send', async (fault, says) => {
    const collector = await startCollector()
    collector.fault({ ...fault, where: ({ action }) => action === 'ui' })
    expect((await check(collector.endpoint)).code).toBe(0)
    const { code, of } = await check(collector.endpoint, ...person)
    expect(code).toBe(1)
    expect(of('POST')).toMatchObject({ state: 'failed', says })
  })

  test('slowly, but within 10 s, will do', async () => {
    const get = { ms: 3000, status: 200, headers: new Headers(), text: '' }
    const tried = { endpoint: new URL('https://a.example/hit'), origin, isGiven: true, get }
    const { findings } = diagnose(tried)
    expect(findings.find((each) => each.check === 'Time')).toMatchObject({ state: 'warning' })
    const collector = await startCollector()
    collector.fault({ kind: 'slow', ms: 100 })
    expect((await check(collector.endpoint)).code).toBe(0)
  })

  // A resolver without a network may take its time to say so.
  test('by a name that does not resolve will not do', async () => {
    const { code, of } = await check('https://nobody.invalid/hit', '--timeout', '30000')
    expect(code).toBe(1)
    expect(of('Reachable')?.says).toMatch(
      /^Its name has no address here\. \(.*(ENOTFOUND|EAI_AGAIN)/,
    )
  })

  test('by a port where nobody listens will not do', async () => {
    const collector = await startCollector()
    await collector.down()
    const { code, of } = await check(collector.endpoint)
    expect(code).toBe(1)
    expect(of('Reachable')?.says).toContain('Nothing listens there')
  })

  test('by a self-signed certificate will not do', async () => {
    const pem = (name: string) =>
      readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url))
    const server = createSecureServer({ key: pem('key'), cert: pem('cert') })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    const { code, of } = await check(`https://127.0.0.1:${port}/hit`)
    expect(code).toBe(1)
    expect(of('TLS')).toMatchObject({
      state: 'failed',
      says: expect.stringMatching(/^Its certificate is signed by nobody/) as string,
    })
  })

  test.each([
    ['CERT_HAS_EXPIRED', 'TLS'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'TLS'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'TLS'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'TLS'],
    ['UND_ERR_CONNECT_TIMEOUT', 'Reachable'],
    ['SOMETHING_NEW', 'Reachable'],
  ])('by %s is about %s', (code, about) => {
    expect(explainFailure({ ms: 1, code, message: 'x' })).toMatchObject({
      check: about,
      state: 'failed',
    })
  })
})

describe('CORS', () => {
  const answering = (headers: Record<string, string>) =>
    serve((_req, res) => void res.writeHead(200, headers).end())

  test('that is missing makes the endpoint opaque, which the plugin can do with', async () => {
    const { code, verdict, of } = await check(await answering({}), '--origin', origin)
    expect({ code, verdict }).toEqual({ code: 0, verdict: 'opaque' })
    expect(of('CORS')).toMatchObject({
      state: 'warning',
      says: `Its answers carry no \`Access-Control-Allow-Origin\`: pages of ${origin} cannot read them.`,
    })
  })

  test('for another origin does not help', async () => {
    const other = 'https://www.example.com'
    const { verdict, of } = await check(
      await answering({ 'access-control-allow-origin': other }),
      '--origin',
      origin,
    )
    expect(verdict).toBe('opaque')
    expect(of('CORS')?.says).toContain(`Its answers are for ${other}`)
  })

  test('for this origin does, and exposes Retry-After', async () => {
    const headers = {
      'access-control-allow-origin': origin,
      'access-control-expose-headers': 'X-Other, retry-after',
    }
    const { verdict, of } = await check(await answering(headers), '--origin', origin)
    expect(verdict).toBe('readable')
    expect(of('Retry-After')?.state).toBe('ok')
  })

  test('is not needed on the same origin', async () => {
    const endpoint = await answering({})
    const { verdict, of } = await check(endpoint, '--origin', new URL(endpoint).origin)
    expect(verdict).toBe('readable')
    expect(of('CORS')?.says).toBe('The page is of the same origin.')
    expect(of('Browser')).toBeUndefined()
  })

  test('of the answer to the hit counts for more than of that to a look', async () => {
    const endpoint = await serve((req, res) => {
      const headers = req.method === 'POST' ? { 'access-control-allow-origin': '*' } : {}
      res.writeHead(200, headers).end()
    })
    expect((await check(endpoint)).verdict).toBe('opaque')
    expect((await check(endpoint, ...person)).verdict).toBe('readable')
  })
})

test('of every status it says what the plugin does with it', () => {
  const text = ''
  const headers = new Headers()
  for (let status = 200; status < 600; status += 1) {
    if (status >= 300 && status < 400) continue
    const { verdict } = onOutcome(states.readable, outcomes.answer(status), attemptAt(now))
    const fate =
      verdict.outcome !== 'waiting'
        ? { accepted: 'It took the hit', dropped: 'would drop it' }[verdict.outcome as 'dropped']
        : 'due' in verdict
          ? 'tried a few times an hour'
          : 'wait and be tried again'
    const post = { ms: 1, status, headers, text }
    const endpoint = new URL('https://collect.example/hit')
    const { findings } = diagnose({ endpoint, origin, isGiven: true, get: post, post })
    expect(findings.find(({ check }) => check === 'POST')?.says).toContain(fate)
  }
})

test('http is refused for https pages, unless it is on this machine', () => {
  const get = { ms: 1, status: 200, headers: new Headers(), text: '' }
  const tls = (endpoint: string, page: string) =>
    diagnose({ endpoint: new URL(endpoint), origin: page, isGiven: true, get }).findings.find(
      (each) => each.check === 'TLS',
    )?.state
  expect(tls('http://collect.example/hit', origin)).toBe('failed')
  expect(tls('http://collect.example/hit', 'http://app.example.com')).toBe('warning')
  expect(tls('http://localhost:4747/hit', origin)).toBe('ok')
  expect(tls('https://collect.example/hit', origin)).toBe('ok')
})

test.each([
  [[], '`--client-id` must be your Skalin Client ID (received: nothing).'],
  [['--client-id', ' '], '`--client-id` must be your Skalin Client ID (received: " ").'],
  [
    ['--client-id', 'c', '--endpoint', 'collect.example/hit'],
    '`--endpoint` must be an absolute http(s) URL without credentials (received: "collect.example/hit").',
  ],
  [
    ['--client-id', 'c', '--endpoint', 'ftp://a.example'],
    '`--endpoint` must be an absolute http(s) URL without credentials (received: "ftp://a.example").',
  ],
  [
    ['--client-id', 'c', '--origin', 'https://a.example/app'],
    '`--origin` must be an origin, such as https://app.example.com (received: "https://a.example/app").',
  ],
  [
    ['--client-id', 'c', '--timeout', '0'],
    '`--timeout` must be milliseconds from 1 to 2147483647 (received: "0").',
  ],
  [
    ['--client-id', 'c', '--send', '--email', 'jane'],
    '`--email` must be an e-mail address (received: "jane").',
  ],
  [['--client-id', 'c', '--send'], '`--send` needs a person: add `--user-id` or `--email`.'],
  [['--client-id', 'c', '--email', 'j@example.com'], '`--email` goes with `--send`.'],
  [['--client-id', 'c', 'now'], 'Unexpected argument `now`.'],
])('%j is refused, and nothing is sent', async (args, problem) => {
  const { exit, err, out } = run('check', ...args)
  expect(await exit).toBe(2)
  expect(err[0]?.split('\n')[0]).toBe(problem)
  expect(err[0]).toContain('Usage: skalin-analytics-plugin check')
  expect(out).toEqual([])
})

test('Ctrl+C ends it, whatever the endpoint does', async () => {
  const endpoint = await serve(() => undefined)
  const { exit, stop } = run('check', '--client-id', 'c', '--endpoint', endpoint)
  stop()
  expect(await exit).toBe(130)
})

test('a path where nothing is raises a doubt', async () => {
  const endpoint = await serve((_, res) => res.writeHead(404).end())
  const { of } = await check(endpoint)
  expect(of('Answer')).toMatchObject({
    state: 'warning',
    todo: 'Is the path right? Try with `--send`.',
  })
})
