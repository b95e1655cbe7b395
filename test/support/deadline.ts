import { setTimeout as sleep } from 'node:timers/promises'

type Truthy<T> = Exclude<T, false | 0 | '' | null | undefined>

/** How long tests wait for what comes within a second where nothing else is to be done. */
export const patienceMs = 20_000

/** Asks until the answer is truthy and returns it. Throws at the deadline, naming what `message` says. */
export async function until<T>(
  ask: () => T | Promise<T>,
  { message, deadlineMs = patienceMs }: { message: string | (() => string); deadlineMs?: number },
): Promise<Truthy<T>> {
  const end = performance.now() + deadlineMs
  let cause: unknown
  do {
    try {
      const answer = await ask()
      if (answer) return answer as Truthy<T>
    } catch (error) {
      // A page asked while it navigates throws: that is a "not yet" too.
      cause = error
    }
    await sleep(25)
  } while (performance.now() < end)
  const what = typeof message === 'string' ? message : message()
  throw new Error(`Waited ${deadlineMs} ms in vain for ${what}`, { cause })
}
