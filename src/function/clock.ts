import { text } from '../hit/read.ts'

/** The local date and time of a person. */
export type WallClock = { day: string; time: string }

function format(time: Date, timeZone: string): string {
  return new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  }).format(time)
}

/** What the clock shows in a zone; in UTC where the zone is missing or is none. */
export function wallClock(time: Date, timeZone: unknown): WallClock {
  let shown: string
  try {
    shown = format(time, text(timeZone) ?? 'UTC')
  } catch {
    shown = format(time, 'UTC')
  }
  const [day = '', clock = ''] = shown.split(', ')
  return { day, time: clock }
}
