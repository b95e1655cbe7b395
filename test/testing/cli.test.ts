import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { runCli } from '../../src/testing/cli.ts'
import type { ReceivedRequest } from '../../src/testing/index.ts'
import { featureHit, identityHit, startCollector } from './support.ts'

type Run = {
  out: string[]
  err: string[]
  exit: Promise<number>
  stop: () => void
  /** Waits until there are so many lines of standard output. */
  lines: (count: number) => Promise<string[]>
}

const run = (...args: string[]): Run => {
  const out: string[] = []
  const err: string[] = []
  const news = new EventEmitter()
  const controller = new AbortController()
  const into = (lines: string[]) => (line: string) => {
    lines.push(line)
    news.emit('line')
  }
  const exit = runCli(args, { out: into(out), err: into(err), signal: controller.signal })
  const stop = (): void => controller.abort()
  onTestFinished(stop)
  const lines = async (count: number): Promise<string[]> => {
    while (out.length < count) await once(news, 'line')
    return out
  }
  return { out, err, exit, stop, lines }
}

const send = (endpoint: string, hit: Record<string, string>): Promise<Response> =>
  fetch(endpoint, { method: 'POST', body: new URLSearchParams(hit) })

const endpointIn = (line: string | undefined): string =>
  /http:\/\/127\.0\.0\.1:\d+\/hit/.exec(line ?? '')?.[0] ?? 'no endpoint'

const usage = `Usage: skalin-analytics-plugin collector [--port <number>] [--json]

Starts a local stand-in for Skalin's collector and prints each request it gets.

  --port <number>  port on 127.0.0.1, 0 for any free one (default 4747)
  --json           print each request as one line of JSON
  -h, --help       print this help`

describe('collector', () => {
  test('prints its address and each request as a line to read', async () => {
    const { lines, exit, stop, err } = run('collector', '--port', '0')
    const [address] = await lines(1)
    expect(address).toMatch(/^POST hits to http:\/\/127\.0\.0\.1:\d+\/hit, end with Ctrl\+C\.$/)
    const endpoint = endpointIn(address)
    await send(endpoint, featureHit({ customer_id: 'acme' }))
    await send(endpoint, identityHit())
    await send(endpoint, featureHit({ action: 'ev', visitor_id: undefined }))
    await send(endpoint, featureHit({ event: '{"name":"\\u001b[2J\\n","event_name":"feature"}' }))
    await send(endpoint, featureHit({ action: '\u009b2J', customer_id: '\u202e' }))
    await send(endpoint, identityHit({ identity: '{"id":"\u202e"}' }))
    await fetch(endpoint, { method: 'OPTIONS' })
    const printed = (await lines(8)).slice(1)
    expect(printed.map((line) => line.replace(/^\d\d:\d\d:\d\d /, ''))).toEqual([
      '✓ 200 ev "Import" customer "acme" visitor 8f14e45f',
      '✓ 200 ui {"id":"alice","email":"a@example.com"} visitor 8f14e45f',
      '✗ 400 ev "Import": `visitor_id` must be 16 characters (received: nothing).',
      '✓ 200 ev "\\u001b[2J\\u000a" visitor 8f14e45f',
      '✗ 400 \\u009b2J "Import" customer "\\u202e" visitor 8f14e45f: `action` must be `ui` or `ev` (received: "\\u009b2J").',
      '✓ 200 ui {"id":"\\u202e"} visitor 8f14e45f',
      '✗ 204 OPTIONS /hit: A preflight came: a hit is a CORS-simple request, without headers of its own.',
    ])
    stop()
    expect(await exit).toBe(0)
    expect(err).toEqual([])
    await expect(fetch(endpoint)).rejects.toThrow('fetch failed')
  })

  test('prints nothing but JSON with --json, each request on one line', async () => {
    const { lines, exit, stop, err, out } = run('collector', '--json', '--port=0')
    await expect.poll(() => err).toHaveLength(1)
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

test.each([['--help'], ['-h'], ['collector', '--help'], ['nonsense', '--port', 'x', '-h']])(
  '%s %s %s %s prints the usage',
  async (...args) => {
    const { exit, out, err } = run(...args)
    expect(await exit).toBe(0)
    expect(out).toEqual([usage])
    expect(err).toEqual([])
  },
)

test.each<[string[], string]>([
  [[], '`command` must be `collector` (received: nothing).'],
  [['serve'], '`command` must be `collector` (received: "serve").'],
  [['collector', 'now'], 'Unexpected argument `now`.'],
  [['collector', '--prot', '1'], 'Unknown option `--prot`.'],
  [['collector', '-p', '1'], 'Unknown option `-p`.'],
  [['collector', '--constructor'], 'Unknown option `--constructor`.'],
  [['collector', '--\u001b[2J'], 'Unknown option `--\\u001b[2J`.'],
  [['collector', '--json=yes'], '`--json` takes no value.'],
  [['collector', '--port'], '`--port` must be a number from 0 to 65535 (received: nothing).'],
  [['collector', '--port='], '`--port` must be a number from 0 to 65535 (received: "").'],
  [
    ['collector', '--port', '--json'],
    '`--port` must be a number from 0 to 65535 (received: "--json").',
  ],
  [
    ['collector', '--port', '65536'],
    '`--port` must be a number from 0 to 65535 (received: "65536").',
  ],
  [
    ['collector', '--port', '0x50'],
    '`--port` must be a number from 0 to 65535 (received: "0x50").',
  ],
  [['collector', '--port', '-1'], '`--port` must be a number from 0 to 65535 (received: "-1").'],
])('%j is refused', async (args, problem) => {
  const { exit, out, err } = run(...args)
  expect(await exit).toBe(2)
  expect(err).toEqual([`${problem}\n\n${usage}`])
  expect(out).toEqual([])
})

describe('the process', () => {
  let directory = ''
  let program = ''

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'skalin-cli-'))
    program = join(directory, 'cli.mjs')
    await build({
      entryPoints: [join(import.meta.dirname, '../../src/testing/bin.ts')],
      outfile: program,
      bundle: true,
      platform: 'node',
      format: 'esm',
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

  test('passes the exit code on', async () => {
    const child = spawn(process.execPath, [program, 'nonsense'])
    expect(await once(child, 'exit')).toEqual([2, null])
  })
})
