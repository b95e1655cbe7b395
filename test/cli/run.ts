import { EventEmitter, once } from 'node:events'
import { onTestFinished } from 'vitest'
import { runCli } from '../../src/cli/cli.ts'

export type Run = {
  out: string[]
  err: string[]
  exit: Promise<number>
  stop: () => void
  /** Waits until there are so many lines of standard output. */
  lines: (count: number) => Promise<string[]>
}

/** The command line with these arguments, until its test is over. */
export const run = (...args: string[]): Run => {
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
