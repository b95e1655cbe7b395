/** The time that one invocation has. */
export type Timer = {
  limitMs: number
  isOver: () => boolean
  /** Resolves when it is over. */
  over: Promise<void>
}

/**
 * Segment halts an invocation after 5 seconds and tries all of it again. Ended a second before, a
 * batch still tells what of it has arrived.
 *
 * @see {@link https://segment.com/docs/connections/functions/usage/ | Segment: Functions usage limits}
 */
const limitMs = 4000

export async function inTime<Result>(work: (timer: Timer) => Promise<Result>): Promise<Result> {
  let isOver = false
  let stop = (): void => undefined
  const over = new Promise<void>((resolve) => {
    const timeout = setTimeout(() => {
      isOver = true
      resolve()
    }, limitMs)
    stop = () => clearTimeout(timeout)
  })
  try {
    return await work({ limitMs, isOver: () => isOver, over })
  } finally {
    stop()
  }
}
