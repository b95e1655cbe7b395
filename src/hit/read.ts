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
  // An error takes time to make, and most of what is asked is no object.
  if (typeof value !== 'object') return NaN
  try {
    return Date.prototype.getTime.call(value as Date)
  } catch {
    return NaN
  }
}

/** Half a surrogate pair is no character: it cannot be encoded, and would read differently at the other end. */
export function wellFormed(text: string): string {
  // By the flag, one of its own.
  return text.replace(/[\ud800-\udfff]/gu, '\ufffd')
}

/** White space, and what is as invisible: zero-width characters, byte order and bidi marks. */
const invisibleStart = /^[\s\p{Default_Ignorable_Code_Point}]+/u
/** Not what says how the character before it looks. */
const invisibleEnd = /^(?![\ufe00-\ufe0f])[\s\p{Default_Ignorable_Code_Point}]$/u

/** Soft hyphens, and zero-width characters that join nothing. */
const pointless = /[\u00ad\u200b\u2060\ufeff]/g

/** Printable ASCII without outer space, as most texts are. The patterns for others cost a page's first call time. */
const plain = /^[!-~]([ -~]*[!-~])?$/

/** Without invisible characters at its ends; within, an emoji may need those that join. */
function trim(given: string): string {
  if (plain.test(given)) return given
  const text = given.replace(pointless, '').replace(invisibleStart, '')
  let end = text.length
  // Not by /\s+$/: in a long run of spaces that is not at the end it would freeze the page.
  while (end > 0 && invisibleEnd.test(text.charAt(end - 1))) end -= 1
  return text.slice(0, end)
}

/** One line without outer space. */
export function tidy(text: string): string {
  return trim(wellFormed(text)).replace(/\s+/g, ' ')
}

/** Names are no longer, in code points. */
export const maxNameLength = 255

export const cutName = (text: string): string => /^.{0,255}/su.exec(text)?.[0] ?? ''

/** Words that are left where an id was missing. As ids, they would make one of many people. */
const notIds = /^(undefined|null|NaN|true|false|\[object \w+\])$/

/** The word that stands where an id was missing, for a warning. */
export function lostId(value: unknown): string | undefined {
  const word = typeof value === 'string' ? trim(value) : ''
  return notIds.test(word) ? word : undefined
}

/**
 * An id: a string without the space around it, a finite number as one. Everything else is missing,
 * and so are nothing and the words `undefined`, `null`, `[object Object]` and their like.
 */
export function text(value: unknown): string | undefined {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value)
  if (typeof value !== 'string' || lostId(value) !== undefined) return undefined
  return wellFormed(trim(value)) || undefined
}
