import { short } from '../testing/printable.ts'
import { mustBe } from '../testing/rules.ts'
import { parseOptions } from './args.ts'
import { checkCommand } from './check-command.ts'
import { collectorCommand } from './collector-command.ts'
import type { CliIo, Command } from './command.ts'
import { functionCommand } from './function-command.ts'
import { createOutput } from './output.ts'

declare const __VERSION__: string

const usage = `Usage: skalin-analytics-plugin <command> [options]

  collector   a local stand-in for Skalin's collector, with an inspector of what arrives
  check       whether an endpoint takes hits from the pages of your application
  function    prints the code of the Segment Function

  -h, --help  print this help, or with a command that of the command
  --version   print the version`

const commands: Readonly<Record<string, Command>> = {
  collector: collectorCommand,
  check: checkCommand,
  function: functionCommand,
}

/** The command `skalin-analytics-plugin`: resolves to its exit code. */
export const runCli = async (args: string[], io: CliIo): Promise<number> => {
  const [name, ...rest] = args
  const command = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined
  const help = command?.usage ?? usage
  const refuse = (problem: string): number => {
    io.err(`${problem}\n\n${help}`)
    return 2
  }
  if (args.includes('--help') || args.includes('-h')) {
    io.out(help)
    return 0
  }
  if (args.includes('--version')) {
    io.out(__VERSION__)
    return 0
  }
  if (name?.startsWith('-')) return refuse(`Unknown option \`${short(name)}\`.`)
  if (!command) {
    const known = Object.keys(commands).map((each) => `\`${each}\``)
    return refuse(
      mustBe('command', `${known.slice(0, -1).join(', ')} or ${known.at(-1) ?? ''}`, name),
    )
  }
  const parsed = parseOptions(rest, command.options)
  if ('problem' in parsed) return refuse(parsed.problem)
  const end = await command.run(parsed.given, io)
  return typeof end === 'number' ? end : refuse(end.problem)
}

/** {@link runCli} for this process. */
export const main = async (): Promise<void> => {
  const stop = new AbortController()
  const abort = (): void => stop.abort()
  process.once('SIGINT', abort).once('SIGTERM', abort)
  const { out, err, finish } = createOutput(abort)
  const code = await runCli(process.argv.slice(2), { out, err, signal: stop.signal })
  const hasFailed = await finish()
  // What nobody reads would keep the process alive.
  process.exit(hasFailed ? 1 : code)
}
