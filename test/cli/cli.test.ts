import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import type { ReceivedRequest } from '../../src/testing/index.ts'
import { featureHit, identityHit, rawRequest, startCollector } from '../testing/support.ts'
import { run } from './run.ts'

const send = (endpoint: string, hit: Record<string, string>): Promise<Response> =>
  fetch(endpoint, { method: 'POST', body: new URLSearchParams(hit) })

const endpointIn = (line: string | undefined): string =>
  /http:\/\/127\.0\.0\.1:\d+\/hit/.exec(line ?? '')?.[0] ?? 'no endpoint'

const usage = `Usage: skalin-analytics-plugin <command> [options]

  collector   a local stand-in for Skalin's collector, with an inspector of what arrives
  check       whether an endpoint takes hits from the pages of your application
  function    prints the code of the Segment Function

  -h, --help  print this help, or with a command that of the command
  --version   print the version`

const collectorUsage = `Usage: skalin-analytics-plugin collector [--port <number>] [--host <address>] [--json]

Starts a local stand-in for Skalin's collector, prints each request it gets, and shows them live in
an inspector in the browser.

  --port <number>   port, 0 for any free one (default 4747)
  --host <address>  address to listen on (default 127.0.0.1: only this machine)
  --json            print each request as one line of JSON
  -h, --help        print this help`

describe('collector', () => {
  test('prints its address and each request as a line to read', async () => {
    const { lines, exit, stop, err } = run('collector', '--port', '0')
    const [address, inspector] = await lines(2)
    expect(address).toMatch(/^POST hits to http:\/\/127\.0\.0\.1:\d+\/hit, end with Ctrl\+C\.$/)
    expect(inspector).toMatch(/^See them live at http:\/\/localhost:\d+\/$/)
    const endpoint = endpointIn(address)
    await send(endpoint, featureHit({ customer_id: 'acme' }))
    await send(endpoint, identityHit())
    await send(endpoint, featureHit({ action: 'ev', visitor_id: undefined }))
    await send(endpoint, featureHit({ event: '{"name":"\\u001b[2J\\n","event_name":"feature"}' }))
    await send(endpoint, featureHit({ action: '\u009b2J', customer_id: 'a\u202e' }))
    await send(endpoint, identityHit({ identity: '{"id":"a\u202e"}' }))
    await fetch(endpoint, { method: 'OPTIONS' })
    const printed = (await lines(9)).slice(2)
    expect(printed.map((line) => line.replace(/^\d\d:\d\d:\d\d /, ''))).toEqual([
      '✓ 200 ev "Import" customer "acme" visitor 8f14e45f',
      '✓ 200 ui {"id":"alice","email":"a@example.com"} visitor 8f14e45f',
      '✗ 400 ev "Import": `visitor_id` must be 16 characters (received: nothing).',
      '✓ 200 ev "\\u001b[2J\\u000a" visitor 8f14e45f',
      '✗ 400 \\u009b2J "Import" customer "a\\u202e" visitor 8f14e45f: `action` must be `ui` or `ev` (received: "\\u009b2J").',
      '✓ 200 ui {"id":"a\\u202e"} visitor 8f14e45f',
      '✗ 204 OPTIONS /hit: A preflight came: a hit is a CORS-simple request, without headers of its own.',
    ])
    stop()
    expect(await exit).toBe(0)
    expect(err).toEqual([])
    await expect(fetch(endpoint)).rejects.toThrow('fetch failed')
  })

  test('prints nothing but JSON with --json, each request on one line', async () => {
    const { lines, exit, stop, err, out } = run('collector', '--json', '--port=0')
    await expect.poll(() => err).toHaveLength(2)
    const hit = featureHit({ customer_id: '\u009b2J\u{e0041}\n' })
    await send(endpointIn(err[0]), hit)
    const [line = ''] = await lines(1)
    expect(line).toContain('"customer_id":"\\u009b2J\\udb40\\udc41\\n"')
    expect(JSON.parse(line) as ReceivedRequest).toMatchObject({
      method: 'POST',
      hit,
      problems: [],
      status: 200,
      accepted: true,
    })
    stop()
    expect(await exit).toBe(0)
    expect(out).toHaveLength(1)
  })

  test('ends at once when it was stopped before it began', async () => {
    const { exit, stop } = run('collector', '--port', '0')
    stop()
    expect(await exit).toBe(0)
  })

  test('names an address that is its own where another has the same port', async () => {
    const other = createServer().listen(0, '::1')
    onTestFinished(() => void other.close())
    // Not every machine has IPv6.
    const [reason] = (await Promise.race([once(other, 'listening'), once(other, 'error')])) as [
      unknown,
    ]
    if (reason !== undefined) return
    const { port } = other.address() as AddressInfo
    const [address, inspector] = await run('collector', '--port', String(port)).lines(2)
    expect(address).toContain(`http://127.0.0.1:${port}/hit`)
    expect(inspector).toBe(`See them live at http://127.0.0.1:${port}/`)
  })

  test('says so when the port is taken', async () => {
    const { origin } = await startCollector()
    const { port } = new URL(origin)
    const { exit, err, out } = run('collector', '--port', port)
    expect(await exit).toBe(1)
    expect(err).toEqual([
      `Port ${port} is taken: stop what uses it, or choose another with \`--port\`.`,
    ])
    expect(out).toEqual([])
  })
})

describe('--host', () => {
  test('says who can reach it, and answers by that address', async () => {
    const { lines, err } = run('collector', '--port', '0', '--host', '0.0.0.0')
    const [address] = await lines(2)
    await expect.poll(() => err.length).toBeGreaterThan(0)
    expect(err[0]).toBe(
      'Warning: whoever reaches this machine by network can send hits here, read all that came, and set faults.',
    )
    const response = await send(endpointIn(address), featureHit())
    expect(response.status).toBe(200)
  })

  test.each(['0', '0:0:0:0:0:0:0:0'])('%s is every address', async (host) => {
    const { lines, err, exit } = run('collector', '--port', '0', '--host', host)
    // Not every machine has IPv6.
    const address = await Promise.race([lines(2), exit])
    if (typeof address === 'number') return
    await expect.poll(() => err.length).toBeGreaterThan(0)
    expect((await send(endpointIn(address[0]), featureHit())).status).toBe(200)
  })

  test.each(['0.0.0.0', '::'])('%s names the addresses that answer', async (host) => {
    const { lines, err, exit } = run('collector', '--port', '0', '--host', host)
    // Not every machine has IPv6.
    if (typeof (await Promise.race([lines(2), exit])) === 'number') return
    const urls = err.flatMap((line) => /^Reached at (.+)$/.exec(line)?.[1] ?? [])
    for (const url of urls) expect((await rawRequest(url)).status).toBe(200)
    const ofIpv4 = Object.values(networkInterfaces())
      .flatMap((all = []) => all)
      .filter(({ family, internal }) => family === 'IPv4' && !internal)
    const named = urls.map((url) => new URL(url).hostname)
    expect(named).toEqual(expect.arrayContaining(ofIpv4.map(({ address }) => address)))
  })

  test('that is none of this machine is refused in words', async () => {
    const { exit, err } = run('collector', '--port', '0', '--host', '192.0.2.1')
    expect(await exit).toBe(1)
    expect(err[0]).toMatch(/^Port 0 of 192\.0\.2\.1 cannot be listened on: .*EADDRNOTAVAIL/)
  })
})

test.each<[string[], string]>([
  [['--help'], usage],
  [['-h'], usage],
  [['collector', '--help'], collectorUsage],
  [['collector', '--port', '-h'], collectorUsage],
  [['nonsense', '--port', 'x', '-h'], usage],
])('%j prints the usage', async (args, text) => {
  const { exit, out, err } = run(...args)
  expect(await exit).toBe(0)
  expect(out).toEqual([text])
  expect(err).toEqual([])
})

test.each([[['--version']], [['collector', '--version']]])(
  '%j prints the version',
  async (args) => {
    const { exit, out } = run(...args)
    expect(await exit).toBe(0)
    expect(out).toEqual([packageJson.version])
  },
)

test.each<[string[], string, string?]>([
  [[], '`command` must be `collector`, `check` or `function` (received: nothing).'],
  [['serve'], '`command` must be `collector`, `check` or `function` (received: "serve").'],
  [
    ['constructor'],
    '`command` must be `collector`, `check` or `function` (received: "constructor").',
  ],
  [['--json'], 'Unknown option `--json`.'],
  [['collector', 'now'], 'Unexpected argument `now`.', collectorUsage],
  [['collector', '--prot', '1'], 'Unknown option `--prot`.', collectorUsage],
  [['collector', '-p', '1'], 'Unknown option `-p`.', collectorUsage],
  [['collector', '--constructor'], 'Unknown option `--constructor`.', collectorUsage],
  [['collector', '--\u001b[2J'], 'Unknown option `--\\u001b[2J`.', collectorUsage],
  [['collector', '--json=yes'], '`--json` takes no value.', collectorUsage],
  [['collector', '--json', '--json'], '`--json` must come once.', collectorUsage],
  ...['--port', '--port=', '--port=--json', '--port=65536', '--port=0x50', '--port=-1'].map(
    (option): [string[], string, string] => {
      const [, value] = option.split('=')
      const received = value === undefined ? 'nothing' : `"${value}"`
      return [
        ['collector', option],
        `\`--port\` must be a number from 0 to 65535 (received: ${received}).`,
        collectorUsage,
      ]
    },
  ),
  [
    ['collector', '--host', 'fe80::1%eth0'],
    '`--host` must be an address of this machine (received: "fe80::1%eth0").',
    collectorUsage,
  ],
  [
    ['collector', '--port', '--json'],
    '`--port` must be a number from 0 to 65535 (received: the option `--json`; `--port=…` takes any value).',
    collectorUsage,
  ],
  [
    ['collector', '--host='],
    '`--host` must be an address of this machine (received: "").',
    collectorUsage,
  ],
])('%j is refused', async (args, problem, help = usage) => {
  const { exit, out, err } = run(...args)
  expect(await exit).toBe(2)
  expect(err).toEqual([`${problem}\n\n${help}`])
  expect(out).toEqual([])
})

describe('the process', () => {
  let directory = ''
  let program = ''

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'skalin-cli-'))
    program = join(directory, 'cli.mjs')
    await build({
      entryPoints: [join(import.meta.dirname, '../../src/cli/bin.ts')],
      outfile: program,
      bundle: true,
      platform: 'node',
      format: 'esm',
      define: { __VERSION__: '"1.2.3"' },
    })
  })
  afterAll(() => rm(directory, { recursive: true }))

  const start = async (...args: string[]): Promise<[ChildProcessWithoutNullStreams, string]> => {
    const child = spawn(process.execPath, [program, ...args])
    onTestFinished(() => void child.kill('SIGKILL'))
    const stream = args.includes('--json') ? child.stderr : child.stdout
    const [chunk] = (await once(stream, 'data')) as [Buffer]
    return [child, endpointIn(chunk.toString())]
  }

  test.each(['SIGINT', 'SIGTERM'] as const)('ends cleanly by %s', async (signal) => {
    const [child] = await start('collector', '--port', '0')
    child.kill(signal)
    expect(await once(child, 'exit')).toEqual([0, null])
  })

  test('ends when nobody reads on', async () => {
    const [child, endpoint] = await start('collector', '--port', '0', '--json')
    const exit = once(child, 'exit')
    await once(child.stdout.destroy(), 'close')
    await send(endpoint, featureHit())
    expect(await exit).toEqual([0, null])
  })

  test('ends by a signal with lines that nobody has read', async () => {
    const [child, endpoint] = await start('collector', '--port', '0', '--json')
    child.stdout.pause()
    for (let sent = 0; sent < 1000; sent += 100) {
      await Promise.all(Array.from({ length: 100 }, () => send(endpoint, featureHit())))
    }
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
    // Not `exit`, at which what it said may still be on its way.
    const closed = once(child, 'close')
    child.kill('SIGTERM')
    // Read no sooner, or its lines are not lost: a pipe that is full keeps it from closing.
    await once(child, 'exit')
    child.stdout.resume()
    expect(await closed).toEqual([0, null])
    expect(said).toContain('The last lines are lost: nobody read them.\n')
  })

  test
    .skipIf(!existsSync('/dev/full'))
    .each([['--help'], ['collector', '--port', '0'], ['nonsense', '--help']])(
    'fails when what it prints cannot be written: %s %s',
    async (...args) => {
      const full = openSync('/dev/full', 'w')
      onTestFinished(() => closeSync(full))
      const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', full, 'pipe'] })
      onTestFinished(() => void child.kill('SIGKILL'))
      let said = ''
      child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()))
      expect(await once(child, 'close')).toEqual([1, null])
      expect(said).toMatch(/^What was to be printed is lost: ENOSPC.*\.\n$/)
    },
  )

  test('passes the exit code on', async () => {
    const child = spawn(process.execPath, [program, 'nonsense'])
    expect(await once(child, 'exit')).toEqual([2, null])
  })
})
