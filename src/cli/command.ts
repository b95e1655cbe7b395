import type { Given, OptionRules } from './args.ts'

/** What a command is given besides its arguments. */
export type CliIo = {
  /** Takes each line for standard output, without its line break. */
  out: (line: string) => void
  /** Takes each line for standard error, without its line break. */
  err: (line: string) => void
  /** Ends a command that runs. */
  signal: AbortSignal
}

/** One of the things that the command line does. */
export type Command = {
  usage: string
  options: OptionRules
  /** Resolves to the exit code, or to the one sentence that says what is wrong with the arguments. */
  run: (given: Given, io: CliIo) => Promise<number | { problem: string }>
}
