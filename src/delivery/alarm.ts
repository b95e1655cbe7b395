import { now } from '../browser/clock.ts'
import type { Page } from './attempt.ts'

/** The one timer of delivery: none while hidden or offline, which end by an event. */
export type Alarm = {
  /** Sets it for this time, in place of what it was set for; `Infinity` for none. */
  set: (at: number) => void
  clear: () => void
}

/** Timers overflow at 2^31 milliseconds, and then go off at once. */
const maxDelayMs = 2 ** 31 - 1

export function createAlarm(page: Page, work: () => void): Alarm {
  let timer: ReturnType<typeof setTimeout> | undefined
  let setFor = Infinity

  function clear(): void {
    clearTimeout(timer)
    setFor = Infinity
  }

  return {
    clear,
    set(at) {
      if (at === setFor) return
      clear()
      if (at === Infinity || page.isHidden() || !page.isOnline()) return
      setFor = at
      const ring = () => {
        setFor = Infinity
        work()
      }
      timer = setTimeout(ring, Math.min(Math.max(at - now(), 1), maxDelayMs))
    },
  }
}
