import { setTimeout as sleep } from 'node:timers/promises'

/** How long a reader that has stopped reading is waited for. */
const PATIENCE_MS = 1000

/** What is printed, and what becomes of it. */
export type Output = {
  out: (line: string) => void
  err: (line: string) => void
  /** Waits for what is not read yet, a second at most, and says what is lost. Resolves to a failure. */
  finish: () => Promise<boolean>
}

const written = (stream: NodeJS.WriteStream): Promise<'written'> =>
  new Promise((resolve) => {
    stream.write('', () => resolve('written'))
  })

/** Prints to this process's streams. `onGone` is told when nothing can be printed any more. */
export const createOutput = (onGone: () => void): Output => {
  const { stdout, stderr } = process
  let hasFailed = false
  stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    // A reader that has gone, such as `head -1`, has all that it wanted.
    if (code !== 'EPIPE' && !hasFailed) {
      hasFailed = true
      err(`What was to be printed is lost: ${message}.`)
    }
    onGone()
  })
  // There is nobody left to tell.
  stderr.on('error', onGone)

  const err = (line: string): void => void stderr.write(`${line}\n`)

  return {
    out: (line) => void stdout.write(`${line}\n`),
    err,
    finish: async () => {
      const isRead = await Promise.race([written(stdout), sleep(PATIENCE_MS)])
      if (!isRead) err('The last lines are lost: nobody read them.')
      return hasFailed
    },
  }
}
