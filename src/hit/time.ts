import { dateMs } from './read.ts'

/**
 * When an event happened. Segment's `timestamp` is a Date, a string once the event was restored from
 * storage, or whatever the caller gave; one that is no time in the years 0000 to 9999 is `now`.
 */
export function eventTime(timestamp: unknown, now: number): Date {
  // Not by Date.parse, which Datejs replaces.
  const isWritten = typeof timestamp === 'string' || typeof timestamp === 'number'
  const date = new Date(dateMs(isWritten ? new Date(timestamp) : timestamp))
  const year = date.getUTCFullYear()
  return year >= 0 && year <= 9999 ? date : new Date(now)
}

/** `YYYY-MM-DDTHH:MM:SS`, UTC. */
export function formatTs(time: Date): string {
  // `Www, dd Mmm yyyy hh:mm:ss GMT`. Not by toISOString, which pages replace to have JSON in local time.
  const text = time.toUTCString()
  const month = String(time.getUTCMonth() + 1).padStart(2, '0')
  return `${text.slice(12, 16)}-${month}-${text.slice(5, 7)}T${text.slice(17, 25)}`
}

/** `HH:MM:SS`, in the zone of this browser. */
export function formatLocaltime(time: Date): string {
  return time.toTimeString().slice(0, 8)
}
