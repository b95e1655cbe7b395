import { readFile } from 'node:fs/promises'
import type { Command } from './command.ts'

const usage = `Usage: skalin-analytics-plugin function

Prints the code of the Segment Function, for what no browser sends: apps, servers, Engage.
Paste it into a destination function of Segment, as is told in
https://github.com/skalin-analytics-plugin/skalin-analytics-plugin/blob/main/docs/server.md

  -h, --help  print this help`

/** `skalin-analytics-plugin function`: the file that the package has beside the command line. */
export const functionCommand: Command = {
  usage,
  options: {},
  run: async (_given, { out }) => {
    const code = await readFile(new URL('segment-function.js', import.meta.url), 'utf8')
    out(code.trimEnd())
    return 0
  },
}
