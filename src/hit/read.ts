/**
 * A field of something foreign. Events carry whatever the page put into them: a getter that throws
 * and a field that is missing are the same to us.
 */
export function field(source: unknown, name: string): unknown {
  if (typeof source !== 'object' || source === null) return undefined
  try {
    return (source as Record<string, unknown>)[name]
  } catch {
    return undefined
  }
}

/** The time of a Date of whichever frame, epoch milliseconds; NaN for everything else. */
export function dateMs(value: unknown): number {
  try {
    return Date.prototype.getTime.call(value as Date)
  } catch {
    return NaN
  }
}

/** Half a surrogate pair is no character: it cannot be encoded, and would read differently at the other end. */
export function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd')
}

/** A string without the space around it, a finite number as one; everything else, and nothing, is missing. */
export function text(value: unknown): string | undefined {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value)
  if (typeof value !== 'string') return undefined
  return wellFormed(value.trim()) || undefined
}
