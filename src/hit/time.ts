import { dateMs } from './read.ts'

function validTime(ms: number): Date | undefined {
  const date = new Date(ms)
  const year = date.getUTCFullYear()
  return year >= 0 && year <= 9999 ? date : undefined
}

/**
 * When an event happened. Segment's `timestamp` is a Date, a string once the event was restored from
 * storage, or whatever the caller gave; one that is no time in the years 0000 to 9999 is `now`.
 */
export function eventTime(timestamp: unknown, now: number): Date {
  const ms =
    typeof timestamp === 'string'
      ? // Not by Date.parse, which Datejs replaces.
        dateMs(new Date(timestamp))
      : typeof timestamp === 'number'
        ? timestamp
        : dateMs(timestamp)
  return validTime(ms) ?? new Date(now)
}

/** `YYYY-MM-DDTHH:MM:SS`, UTC. */
export function formatTs(time: Date): string {
  return time.toISOString().slice(0, 19)
}

/** `HH:MM:SS`, in the zone of this browser. */
export function formatLocaltime(time: Date): string {
  return [time.getHours(), time.getMinutes(), time.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':')
}
