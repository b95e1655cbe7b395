import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { type Collector, createCollector } from './collector.ts'
import { requestLine } from './line.ts'
import type { ReceivedRequest } from './log.ts'
import { printable, short } from './printable.ts'
import { mustBe } from './rules.ts'

/** What the command is given besides its arguments. */
export type CliIo = {
  /** Takes each line for standard output, without its line break. */
  out: (line: string) => void
  /** Takes each line for standard error, without its line break. */
  err: (line: string) => void
  /** Ends a collector that runs. */
  signal: AbortSignal
}

type Order = { port: number; json: boolean } | 'help' | { problem: string }

const USAGE = `Usage: skalin-analytics-plugin collector [--port <number>] [--json]

Starts a local stand-in for Skalin's collector and prints each request it gets.

  --port <number>  port on 127.0.0.1, 0 for any free one (default 4747)
  --json           print each request as one line of JSON
  -h, --help       print this help`

const options = {
  port: { type: 'string', default: '4747' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h' },
} as const

const parse = (args: string[]): Order => {
  // Not `strict`: its messages are several sentences and quote arguments as they are.
  const { values, positionals, tokens } = parseArgs({
    args,
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const { port, json, help } = values
  if (help === true) return 'help'
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const name = short(token.rawName)
    if (!Object.hasOwn(options, token.name)) return { problem: `Unknown option \`${name}\`.` }
    if (token.value !== undefined && token.name !== 'port') {
      return { problem: `\`${name}\` takes no value.` }
    }
  }
  const [command, surplus] = positionals
  if (command !== 'collector') return { problem: mustBe('command', '`collector`', command) }
  if (surplus !== undefined) return { problem: `Unexpected argument \`${short(surplus)}\`.` }
  const isPort = typeof port === 'string' && /^\d{1,5}$/.test(port) && Number(port) <= 65535
  return isPort
    ? { port: Number(port), json: json === true }
    : { problem: mustBe('--port', 'a number from 0 to 65535', port === true ? undefined : port) }
}

const noPort = (port: number, error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException
  return code === 'EADDRINUSE'
    ? `Port ${port} is taken: stop what uses it, or choose another with \`--port\`.`
    : `Port ${port} cannot be listened on: ${message}.`
}

/**
 * The command `skalin-analytics-plugin`: resolves to its exit code, once the signal has ended a
 * collector that it started.
 */
export const runCli = async (args: string[], { out, err, signal }: CliIo): Promise<number> => {
  const order = parse(args)
  if (order === 'help') {
    out(USAGE)
    return 0
  }
  if ('problem' in order) {
    err(`${order.problem}\n\n${USAGE}`)
    return 2
  }
  const { port, json } = order
  const collector: Collector | undefined = await createCollector({
    port,
    onRequest: (received: ReceivedRequest) => {
      out(json ? printable(JSON.stringify(received)) : requestLine(received))
      // What is printed need not be remembered: the command may run for days.
      collector?.clear()
    },
  }).catch((error: unknown) => {
    err(noPort(port, error))
    return undefined
  })
  if (!collector) return 1
  // With `--json`, standard output is for programs.
  const announce = json ? err : out
  announce(`POST hits to ${collector.endpoint}, end with Ctrl+C.`)
  if (!signal.aborted) await once(signal, 'abort')
  await collector.close()
  return 0
}

/** {@link runCli} for this process. */
export const main = async (): Promise<void> => {
  const stop = new AbortController()
  const abort = (): void => stop.abort()
  process.once('SIGINT', abort).once('SIGTERM', abort)
  // The reader of a pipe has gone, such as `head -1`: nobody is left to print for.
  process.stdout.on('error', abort)
  process.exitCode = await runCli(process.argv.slice(2), {
    out: (line) => process.stdout.write(`${line}\n`),
    err: (line) => process.stderr.write(`${line}\n`),
    signal: stop.signal,
  })
}
