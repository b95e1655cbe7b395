import { elapsed, now } from '../browser/clock.ts'
import type { Page } from './attempt.ts'
import { second } from './limits.ts'

/**
 * The one timer of delivery: none while hidden or offline, which end by an event. Set for a time, in
 * place of what it was set for; `Infinity` for none.
 */
export type Alarm = (at: number) => void

/** Timers overflow at 2^31 milliseconds, and then go off at once. */
const maxDelayMs = 2 ** 31 - 1

export function createAlarm(page: Page, work: () => void): Alarm {
  let timer: ReturnType<typeof setTimeout> | undefined
  let setFor = Infinity
  let setAt = -Infinity

  return (at) => {
    // Some pages stop all timers: an old one may not be there any more.
    if (at === setFor && elapsed() - setAt < second) return
    clearTimeout(timer)
    setFor = Infinity
    if (at === Infinity || page.isHidden() || !page.isOnline()) return
    setFor = at
    setAt = elapsed()
    const ring = () => {
      setFor = Infinity
      work()
    }
    timer = setTimeout(ring, Math.min(Math.max(at - now(), 1), maxDelayMs))
  }
}
