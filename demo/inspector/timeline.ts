// Pure: the last two minutes, second by second.
import type { Tally } from './status.ts'

export const span = 120

/** Seconds since 1970, calls in that second, accepted in that second, waiting at its end. */
export type Timeline = [number[], number[], number[], number[]]

export function createTimeline(start: number) {
  const second = (ms: number) => Math.floor(ms / 1000)
  let seen: Pick<Tally, 'calls' | 'accepted'> | undefined
  const first = second(start) - span
  const lines: Timeline = [[], [], [], []]
  for (let at = first; at < first + span; at += 1) append(at, 0, 0, 0)

  function append(...values: [number, number, number, number]): void {
    lines.forEach((line, index) => {
      line.push(values[index] ?? 0)
      if (line.length > span) line.shift()
    })
  }

  return {
    /**
     * Takes the numbers as they are now; a tab in the background comes less than once a second. What is
     * only being read again, because it was before, is not `live`.
     */
    take(now: number, { calls, accepted, waiting, sending }: Tally, live = true): void {
      const last = span - 1
      const level = waiting + sending
      for (let at = (lines[0][last] ?? 0) + 1; at <= second(now); at += 1) {
        append(at, 0, 0, lines[3][last] ?? 0)
      }
      if (seen && live) {
        lines[1][last] = (lines[1][last] ?? 0) + Math.max(0, calls - seen.calls)
        lines[2][last] = (lines[2][last] ?? 0) + Math.max(0, accepted - seen.accepted)
      }
      lines[3][last] = level
      seen = { calls, accepted }
    },
    lines: (): Timeline => lines,
  }
}
