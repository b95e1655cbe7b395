import { EventEmitter, once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createSecureServer as createHttp2Server } from 'node:http2'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Finding } from '../../src/cli/check/finding.ts'
import { explainFailure } from '../../src/cli/check/failure.ts'
import { diagnose } from '../../src/cli/check/findings.ts'
import { type Answer, probe } from '../../src/cli/check/probe.ts'
import { hour } from '../../src/delivery/limits.ts'
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

const started = async (server: Server): Promise<string> => {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `127.0.0.1:${(server.address() as AddressInfo).port}/hit`
}

const serve = async (listener: RequestListener): Promise<string> =>
  `http://${await started(createServer(listener))}`

/** With a certificate that nobody knows. */
const pem = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}.pem`, import.meta.url))
const secrets = { key: pem('key'), cert: pem('cert') }

const serveSecurely = async (listener?: RequestListener): Promise<string> =>
  `https://${await started(createSecureServer(secrets, listener))}`

describe('a healthy endpoint', () => {
  test('raises no doubt, and gets no hit unless told', async () => {
    const collector = await startCollector()
    const { code, verdict, of } = await check(collector.endpoint, '--origin', origin)
    expect({ code, verdict }).toEqual({ code: 0, verdict: 'unknown' })
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
    const more = [...person, '--customer-id', 'acme']
    const { code, verdict, of } = await check(collector.endpoint, ...more)
    expect({ code, verdict }).toEqual({ code: 0, verdict: 'readable' })
    expect(of('POST')).toMatchObject({ state: 'ok' })
    const posts = collector.requests.filter(({ method }) => method === 'POST')
    expect(posts.map(({ body }) => checkHit(new URLSearchParams(body)))).toEqual([[]])
    expect(posts[0]?.headers['content-type']).toBe('application/x-www-form-urlencoded')
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
    // On a quick machine the first answer takes as long as the second.
    const plain = (line: string) => line.replace(/\d+ ms(, the first time in \d+ ms)?\./, '<ms>.')
    expect(out.map(plain)).toEqual([
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
      '✓ Time        It answers in <ms>.',
      `✓ Policy      If your pages have a Content-Security-Policy: connect-src ${collector.origin}`,
      '',
      'Whether it takes hits, only a hit tells: one that `--send` sends, or a page.',
    ])
  })
})

describe('an endpoint that fails', () => {
  test.each<[string, Fault, string, Partial<Finding>, string[]?]>([
    ['a reset', { kind: 'reset' }, 'unreachable', { check: 'Reachable' }],
    [
      'a hang before the headers',
      { kind: 'hang', at: 'headers' },
      'failing',
      { check: 'Time' },
      ['--timeout', '300'],
    ],
    [
      'a hang before the body',
      { kind: 'hang', at: 'body' },
      'failing',
      { check: 'Time' },
      ['--timeout', '300'],
    ],
  ])('by %s will not do, sent a hit or not', async (_, fault, verdict, finding, more = []) => {
    const collector = await startCollector()
    collector.fault(fault)
    for (const sent of [[], person]) {
      const result = await check(collector.endpoint, ...more, ...sent)
      expect(result).toMatchObject({ code: 1, verdict })
      expect(result.of(finding.check ?? '')).toMatchObject({ state: 'failed', ...finding })
    }
  })

  test.each<[Fault, string]>([
    [{ kind: 'status', status: 400 }, 'It refused the hit with 400: the plugin would drop it.'],
    [{ kind: 'status', status: 503 }, 'It answered 503: hits would wait and be tried again.'],
    [
      { kind: 'status', status: 404 },
      'It answered 404: hits would wait, and be tried a few times an hour.',
    ],
    [{ kind: 'status', status: 302 }, 'It redirects: 302. The plugin does not follow.'],
    [
      { kind: 'status', status: 429, retryAfter: 30 },
      'It answered 429: hits would wait and be tried again. It asks to come again after 30.',
    ],
    [{ kind: 'reset' }, 'It cuts the connection. (read ECONNRESET)'],
  ])('only to a POST, by %j, shows with --send', async (fault, says) => {
    const collector = await startCollector()
    collector.fault({ ...fault, where: ({ action }) => action === 'ui' })
    expect((await check(collector.endpoint)).code).toBe(0)
    const { code, of } = await check(collector.endpoint, ...person)
    expect(code).toBe(1)
    expect(of('POST')).toMatchObject({ state: 'failed', says })
    expect(of('Answer')).toBeUndefined()
  })

  test.each<[string, Fault, Partial<Finding>, string[]?]>([
    [
      '503',
      { kind: 'status', status: 503, retryAfter: 30 },
      {
        check: 'Answer',
        says: 'It answers 503 to a GET. It asks to come again after 30. If it does so to a POST, hits wait.',
      },
    ],
    ['501', { kind: 'status', status: 501 }, { check: 'Answer' }],
    [
      'a redirect',
      { kind: 'status', status: 302, location: '/docs' },
      {
        check: 'Redirects',
        says: expect.stringMatching(/^It answers 302 to a GET, to http.*\/docs\.$/) as string,
      },
    ],
    ['a reset', { kind: 'reset' }, { state: 'failed' }],
    ['a hang', { kind: 'hang', at: 'headers' }, { check: 'Time', state: 'failed' }],
  ])('only to a GET, by %s, takes a hit all the same', async (_, fault, expected) => {
    const collector = await startCollector()
    collector.fault({ ...fault, where: ({ action }) => action === undefined })
    const seen = await check(collector.endpoint, '--timeout', '500')
    const { state = 'warning' } = expected
    expect(seen.code).toBe(state === 'warning' ? 0 : 1)
    const failed = expected.check === 'Time' ? 'failing' : 'unreachable'
    expect(seen.verdict).toBe(state === 'warning' ? 'unknown' : failed)
    expect(seen.of(expected.check ?? 'Reachable')).toMatchObject({ ...expected, state })
    const { code, verdict } = await check(collector.endpoint, '--timeout', '500', ...person)
    expect({ code, verdict }).toEqual({ code: 0, verdict: 'readable' })
  })

  test('only to a GET, by a 304, leads nowhere else', async () => {
    const collector = await startCollector()
    collector.fault({ kind: 'status', status: 304 })
    expect((await check(collector.endpoint)).of('Redirects')?.says).toBe('None.')
  })

  test.each([
    [1999, 'ok', 'readable'],
    [3000, 'warning', 'readable'],
    [11_000, 'failed', 'failing'],
  ])('to a hit after %i ms, however fast to a GET, is %s', (ms, state, verdict) => {
    const headers = new Headers({ 'access-control-allow-origin': '*' })
    const get = { ms: 5, status: 200, headers, text: '' }
    const tried = { endpoint: new URL('https://a.example/hit'), origin, isGiven: true, get }
    const found = diagnose({ ...tried, again: get, post: { ...get, ms } })
    expect(found.verdict).toBe(verdict)
    expect(found.findings.find((each) => each.check === 'Time')).toMatchObject({
      state,
      says: expect.stringContaining(`It answers in ${ms} ms, the first time in 5 ms.`) as string,
    })
  })

  test('slowly, but within 10 s, will do', async () => {
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

  test('by nobody, past a proxy, says nothing of what browsers will do', async () => {
    const collector = await startCollector()
    await collector.down()
    vi.stubEnv('HTTPS_PROXY', 'http://127.0.0.1:9')
    onTestFinished(() => void vi.unstubAllEnvs())
    const { code, verdict, of } = await check(collector.endpoint)
    expect({ code, verdict }).toEqual({ code: 1, verdict: 'unknown' })
    expect(of('Proxy')).toMatchObject({ state: 'warning' })
    vi.stubEnv('NODE_USE_ENV_PROXY', '1')
    expect((await check(collector.endpoint)).of('Proxy')).toBeUndefined()
  })

  test('by a self-signed certificate will not do', async () => {
    const { code, of } = await check(await serveSecurely())
    expect(code).toBe(1)
    expect(of('TLS')).toMatchObject({
      state: 'failed',
      says: expect.stringMatching(/^Its certificate is signed by nobody/) as string,
    })
  })

  test.each([
    ['CERT_HAS_EXPIRED', 'TLS'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'TLS'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'TLS', 'NODE_EXTRA_CA_CERTS'],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'TLS', 'NODE_EXTRA_CA_CERTS'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'TLS', 'NODE_EXTRA_CA_CERTS'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'TLS', 'speaks TLS at this port'],
    ['ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL', 'Protocol', 'HTTP/1.1'],
    ['UND_ERR_CONNECT_TIMEOUT', 'Reachable'],
    ['SOMETHING_NEW', 'Reachable'],
  ])('by %s is about %s', (code, about, todo = '') => {
    expect(explainFailure({ ms: 1, code, message: 'x' })).toMatchObject({
      check: about,
      state: 'failed',
      todo: expect.stringContaining(todo) as string,
    })
  })

  test('by HTTP/2 alone says nothing of what browsers will do', async () => {
    const server = createHttp2Server(secrets)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    const { code, verdict, of } = await check(`https://127.0.0.1:${port}/hit`)
    expect({ code, verdict }).toEqual({ code: 1, verdict: 'unknown' })
    expect(of('Protocol')?.says).toMatch(/^It takes HTTP\/2 alone/)
  })

  describe('whatever is collected as garbage', () => {
    beforeEach(() => {
      setFlagsFromString('--expose-gc')
      const collecting = setInterval(runInNewContext('gc') as () => void, 50)
      onTestFinished(() => clearInterval(collecting))
    })
    const options = { origin, timeoutMs: 1000 }

    test('by a body without end will not do, and is not read on', async () => {
      const closed = new EventEmitter()
      const gone = once(closed, 'close')
      const endpoint = await serve((_req, res) => {
        const chunk = Buffer.alloc(65_536, 'x')
        const more = (): void => {
          while (!res.destroyed && res.write(chunk));
        }
        res.once('close', () => closed.emit('close'))
        res.writeHead(200).on('drain', more)
        more()
      })
      expect(await probe(endpoint, options)).toMatchObject({ code: 'TIMEOUT' })
      await gone
    })

    test('by a body that stalls will not do', async () => {
      const endpoint = await serve((_req, res) => void res.writeHead(200).write('x'))
      expect(await probe(endpoint, options)).toMatchObject({ code: 'TIMEOUT' })
    })
  })

  test('by a long body is quoted, not kept', async () => {
    const endpoint = await serve((_req, res) => void res.writeHead(404).end('x'.repeat(1_000_000)))
    const { text } = (await probe(endpoint, { origin, timeoutMs: 10_000 })) as Answer
    expect(text).toBe('x'.repeat(4096))
  })
})

describe('CORS', () => {
  const answering = (headers: Record<string, string>) =>
    serve((_req, res) => void res.writeHead(200, headers).end())

  const asked = ['--origin', origin, ...person]

  test('that is missing makes the endpoint opaque, which the plugin can do with', async () => {
    const { code, verdict, of } = await check(await answering({}), ...asked)
    expect({ code, verdict }).toEqual({ code: 0, verdict: 'opaque' })
    expect(of('CORS')).toMatchObject({
      state: 'warning',
      says: `Its answers carry no \`Access-Control-Allow-Origin\`: pages of ${origin} cannot read them.`,
    })
  })

  test('for another origin does not help', async () => {
    const other = 'https://www.example.com'
    const endpoint = await answering({ 'access-control-allow-origin': other })
    const { verdict, of } = await check(endpoint, ...asked)
    expect(verdict).toBe('opaque')
    expect(of('CORS')?.says).toContain(`Its answers are for ${other}`)
  })

  test('for this origin does, and exposes Retry-After', async () => {
    const headers = {
      'access-control-allow-origin': origin,
      'access-control-expose-headers': 'X-Other, retry-after',
    }
    const { verdict, of } = await check(await answering(headers), ...asked)
    expect(verdict).toBe('readable')
    expect(of('Retry-After')?.state).toBe('ok')
  })

  test('is not needed on the same origin', async () => {
    const endpoint = await answering({ 'cross-origin-resource-policy': 'same-origin' })
    const own = ['--origin', new URL(endpoint).origin]
    const { verdict, of } = await check(endpoint, ...own, ...person)
    expect(verdict).toBe('readable')
    expect(of('CORS')?.says).toBe('The page is of the same origin.')
    expect(of('Browser')).toBeUndefined()
  })

  test('of the answer to the hit counts for more than of that to a look', async () => {
    const endpoint = await serve((req, res) => {
      const headers = req.method === 'POST' ? { 'access-control-allow-origin': '*' } : {}
      res.writeHead(200, headers).end()
    })
    const { code, verdict, of } = await check(endpoint)
    expect({ code, verdict }).toEqual({ code: 0, verdict: 'unknown' })
    expect(of('CORS')?.state).toBe('warning')
    expect((await check(endpoint, ...person)).verdict).toBe('readable')
  })

  const policy = 'cross-origin-resource-policy'

  test('that is missing, with a policy against other origins, will not do', async () => {
    const endpoint = await answering({ [policy]: 'same-origin' })
    for (const more of [[], person]) {
      const { code, verdict, of } = await check(endpoint, '--origin', origin, ...more)
      expect({ code, verdict }).toEqual({ code: 1, verdict: 'failing' })
      expect(of('CORS')).toMatchObject({
        state: 'failed',
        says: `Its answers carry no \`Access-Control-Allow-Origin\`, but \`Cross-Origin-Resource-Policy: same-origin\`: to pages of ${origin} each hit looks like a network error, and waits.`,
      })
    }
  })

  test.each([
    ['same-origin', 'https://hits.example.com', 'failing'],
    ['same-site', 'https://hits.example.com', 'opaque'],
    ['same-site', 'https://app.example.com:8443', 'opaque'],
    ['same-site', 'https://hits.example.org', 'failing'],
    ['same-site', 'https://10.0.0.1', 'failing'],
    ['cross-origin', 'https://hits.example.org', 'opaque'],
    ['nonsense', 'https://hits.example.org', 'opaque'],
  ])('that is missing, with the policy %s at %s: %s', (value, endpoint, verdict) => {
    const get = { ms: 1, status: 200, headers: new Headers({ [policy]: value }), text: '' }
    const tried = { endpoint: new URL(endpoint), origin, isGiven: true, get, post: get }
    expect(diagnose(tried).verdict).toBe(verdict)
  })

  test.each([
    ['https://app.example.com', 'http://app.example.com', 'failing'],
    ['https://10.0.0.1', 'https://11.0.0.1', 'failing'],
  ])('of one site is told by scheme and address: %s from %s', (endpoint, page, verdict) => {
    const get = { ms: 1, status: 200, headers: new Headers({ [policy]: 'same-site' }), text: '' }
    const tried = { endpoint: new URL(endpoint), origin: page, isGiven: true, get, post: get }
    expect(diagnose(tried).verdict).toBe(verdict)
  })

  test('that errors lack loses hits, and a look at them promises nothing', async () => {
    for (const [status, code] of [
      [404, 1],
      [410, 1],
      [405, 0],
      [400, 0],
    ] as const) {
      const seen = await check(await serve((_, res) => void res.writeHead(status).end()))
      expect([status, seen.code, seen.verdict]).toEqual([status, code, 'unknown'])
      expect(seen.of('Answer')?.says).toContain('hits count as accepted, and are lost')
    }
  })
})

const answerOf = (status: number, headers: Record<string, string> = {}): Answer => ({
  ms: 1,
  status,
  headers: new Headers(headers),
  text: '',
})

const statuses = Array.from({ length: 400 }, (_, index) => index + 200)
const readable = { 'access-control-allow-origin': '*' }

/** What is said of an endpoint that answers so to a hit. */
const saidOf = (post: Answer) => {
  const endpoint = new URL('https://collect.example/hit')
  const { findings, verdict } = diagnose({ endpoint, origin, isGiven: true, get: post, post })
  return { verdict, says: findings.find(({ check }) => check === 'POST')?.says }
}

test('of every status that no page can read it says what the plugin makes of it', () => {
  // It sends the hit once more, follows redirects, and hears of no status: twice, and it counts.
  const first = onOutcome(states.new, outcomes.network, attemptAt(now))
  expect(first.verdict.outcome).toBe('again')
  const noCors = attemptAt(now, { mode: 'no-cors', reachedAt: now - hour })
  const { verdict: fate } = onOutcome(first.state, outcomes.opaque, noCors)
  expect(fate).toMatchObject({ outcome: 'accepted', reason: 'unconfirmed' })
  for (const status of statuses) {
    const isTaken = status < 300
    const { verdict, says } = saidOf(answerOf(status))
    if ([307, 308].includes(status)) {
      // Whoever follows sends all of it once more. https://fetch.spec.whatwg.org/#http-redirect-fetch
      expect([verdict, says]).toEqual([
        'unknown',
        `It redirects: ${status}. Hits would follow, and count as accepted wherever they arrive.`,
      ])
      continue
    }
    expect([status, verdict]).toEqual([status, isTaken ? 'opaque' : 'losing'])
    expect(says).toContain(isTaken ? 'It took the hit' : 'would count as accepted, and be lost')
  }
  // Where browsers reject that request, too, the plugin knows of a failure.
  const blocked = saidOf(answerOf(404, { 'cross-origin-resource-policy': 'same-origin' }))
  expect(blocked.verdict).toBe('failing')
  expect(blocked.says).toContain('hits would wait')
})

test('of every status it says what the plugin does with it', () => {
  for (const status of statuses) {
    if ([301, 302, 303, 307, 308].includes(status)) continue
    const { verdict } = onOutcome(states.readable, outcomes.answer(status), attemptAt(now))
    const fate =
      verdict.outcome !== 'waiting'
        ? { accepted: 'It took the hit', dropped: 'would drop it' }[verdict.outcome as 'dropped']
        : 'due' in verdict
          ? 'tried a few times an hour'
          : 'wait and be tried again'
    expect(saidOf(answerOf(status, readable)).says).toContain(fate)
  }
})

test('http is refused for https pages, unless it is on this machine', () => {
  const get = { ms: 1, status: 200, headers: new Headers(), text: '' }
  const stateOf = (check: string) => (endpoint: string, page: string) =>
    diagnose({ endpoint: new URL(endpoint), origin: page, isGiven: true, get }).findings.find(
      (each) => each.check === check,
    )?.state
  const tls = stateOf('TLS')
  const browser = stateOf('Browser')
  expect(tls('http://collect.example/hit', origin)).toBe('failed')
  expect(tls('http://collect.example/hit', 'http://app.example.com')).toBe('warning')
  for (const host of ['localhost', 'app.localhost', 'app.localhost.', '127.0.0.2', '[::1]']) {
    expect(tls(`http://${host}:4747/hit`, origin)).toBe('ok')
    expect(browser(`http://${host}:4747/hit`, origin)).toBe('warning')
    expect(browser(`http://127.0.0.1:4747/hit`, `http://${host}:3000`)).toBeUndefined()
  }
  for (const host of ['mylocalhost', 'localhost.example']) {
    expect(tls(`http://${host}/hit`, origin)).toBe('failed')
    expect(browser(`http://${host}/hit`, origin)).toBeUndefined()
  }
  expect(tls('https://collect.example/hit', origin)).toBe('ok')
})

test('a certificate that Node was told not to verify is not called valid', async () => {
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
  onTestFinished(() => void vi.unstubAllEnvs())
  const endpoint = await serveSecurely((_, res) => void res.writeHead(200, readable).end())
  expect((await check(endpoint, ...person)).of('TLS')).toMatchObject({
    state: 'warning',
    says: 'The certificate was not verified: NODE_TLS_REJECT_UNAUTHORIZED is 0.',
  })
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
    ['--client-id', 'c', '--endpoint', 'https://jane:secret@a.example'],
    '`--endpoint` must be an absolute http(s) URL without credentials (received: one with credentials).',
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
  ...['user-id', 'email', 'customer-id'].map((name): [string[], string] => [
    ['--client-id', 'c', '--send', `--${name}`, '--json'],
    expect.stringMatching(
      `^\`--${name}\` must be an? .* \\(received: the option \`--json\`; \`--${name}=…\` takes any value\\)\\.$`,
    ) as string,
  ]),
  [
    ['--client-id', '--send'],
    '`--client-id` must be your Skalin Client ID (received: the option `--send`; `--client-id=…` takes any value).',
  ],
  [
    ['--client-id', 'undefined'],
    '`--client-id` must be your Skalin Client ID (received: "undefined").',
  ],
  [
    ['--client-id', 'c', '--send', '--user-id', ' null '],
    '`--user-id` must be a user id (received: " null ").',
  ],
  [['--client-id', 'c', 'now'], 'Unexpected argument `now`.'],
])('%j is refused, and nothing is sent', async (args, problem) => {
  const { exit, err, out } = run('check', ...args)
  expect(await exit).toBe(2)
  expect(err[0]?.split('\n')[0]).toEqual(problem)
  expect(err[0]).toContain('Usage: skalin-analytics-plugin check')
  expect(out).toEqual([])
})

test('Ctrl+C ends it, whatever the endpoint does', async () => {
  const endpoint = await serve(() => undefined)
  const { exit, stop } = run('check', '--client-id', 'c', '--endpoint', endpoint)
  stop()
  expect(await exit).toBe(130)
})

test('a path where nothing is will not do', async () => {
  const endpoint = await serve((_, res) => res.writeHead(404, readable).end())
  const { code, verdict, of } = await check(endpoint)
  expect({ code, verdict }).toEqual({ code: 1, verdict: 'unknown' })
  expect(of('Answer')).toMatchObject({
    state: 'failed',
    todo: 'Is the path right? Try with `--send`.',
  })
})
