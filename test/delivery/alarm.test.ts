import { afterEach, expect, test, vi } from 'vitest'
import { createAlarm } from '../../src/delivery/alarm.ts'
import type { Page } from '../../src/delivery/attempt.ts'

const day = 24 * 60 * 60 * 1000
const page: Page = {
  isOnline: () => true,
  isHidden: () => false,
  isLeaving: () => false,
  hasLeft: () => false,
  returns: () => 0,
  noCors: () => false,
}

afterEach(() => vi.useRealTimers())

// A clock that is set back leaves rows that come due in months.
test('a time that is further off than a timer can count is not now', () => {
  vi.useFakeTimers()
  const rang: number[] = []
  const start = Date.now()
  const setAlarm = createAlarm(page, () => rang.push(Date.now() - start))
  setAlarm(start + 100 * day)
  vi.advanceTimersByTime(24 * day)
  expect(rang).toEqual([])
  // Then whoever set it looks again at what it is to be set for.
  vi.advanceTimersByTime(day)
  expect(rang).toEqual([2 ** 31 - 1])
})

// `let id = setTimeout(…); while (id--) clearTimeout(id)` is how some pages tidy up.
test('a time that a page has taken away with all its timers is set anew', () => {
  vi.useFakeTimers()
  const ring = vi.fn()
  const setAlarm = createAlarm(page, ring)
  const at = Date.now() + 10_000
  setAlarm(at)
  vi.clearAllTimers()
  vi.advanceTimersByTime(1000)
  setAlarm(at)
  vi.advanceTimersByTime(9000)
  expect(ring).toHaveBeenCalledOnce()
})
