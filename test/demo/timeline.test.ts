import { expect, test } from 'vitest'
import { createTimeline, span } from '../../demo/inspector/timeline.ts'
import { now } from './support.ts'

const tally = (calls: number, accepted: number, waiting: number) => ({
  calls,
  accepted,
  waiting,
  sending: 0,
  dropped: 0,
  skipped: 0,
})

const last = (lines: number[][], count: number) => lines.slice(1).map((line) => line.slice(-count))

test('each second has its calls, its accepted hits and what waited at its end', () => {
  const timeline = createTimeline(now)
  timeline.take(now, tally(0, 0, 0))
  timeline.take(now + 100, tally(3, 1, 2))
  timeline.take(now + 1000, tally(4, 1, 3))
  timeline.take(now + 1500, tally(5, 1, 4))
  expect(last(timeline.lines(), 2)).toEqual([
    [3, 2],
    [1, 0],
    [2, 4],
  ])
})

test('what is only told again is no call of now', () => {
  const timeline = createTimeline(now)
  timeline.take(now, tally(40, 38, 2), false)
  timeline.take(now + 100, tally(60, 58, 2), false)
  timeline.take(now + 200, tally(61, 58, 3))
  expect(last(timeline.lines(), 1)).toEqual([[1], [0], [3]])
})

test('a tab in the background fills what it missed with what it knew', () => {
  const timeline = createTimeline(now)
  timeline.take(now, tally(1, 0, 1))
  timeline.take(now + 3000, tally(1, 1, 0))
  expect(last(timeline.lines(), 4)).toEqual([
    [0, 0, 0, 0],
    [0, 0, 0, 1],
    [1, 1, 1, 0],
  ])
})

test('it is two minutes long, always', () => {
  const timeline = createTimeline(now)
  timeline.take(now + 500_000, tally(0, 0, 0))
  for (const line of timeline.lines()) expect(line).toHaveLength(span)
})
