/**
 * Control and format characters, line separators and lone surrogates: what moves a terminal's
 * cursor, forges a line or reverses the text around it. https://trojansource.codes
 */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

/** Long enough to recognise a value by, short enough for a line to hold a few. */
const MAX_SHOWN = 60

// Unit by unit: the only escape that JSON knows, so escaped JSON stays JSON.
const escapeUnits = (character: string): string =>
  Array.from(
    { length: character.length },
    (_, unit) => `\\u${character.charCodeAt(unit).toString(16).padStart(4, '0')}`,
  ).join('')

/** A stranger's text, safe to print: unprintable characters become `\uXXXX`. */
export const printable = (text: string): string => text.replace(UNPRINTABLE, escapeUnits)

/** A stranger's text, printable and cut after 60 characters. */
export const short = (text: string): string => {
  let kept = ''
  for (const character of text) {
    const next = printable(character)
    // Half an escape would read as something else.
    if (kept.length + next.length > MAX_SHOWN) return `${kept}…`
    kept += next
  }
  return kept
}

/** A stranger's value, printable: a string short and in quotes, an object only named. */
export const shown = (value: unknown): string => {
  if (value === undefined) return 'nothing'
  if (typeof value === 'string') return `"${short(value)}"`
  if (value === null || typeof value === 'number' || typeof value === 'boolean') {
    return String(value)
  }
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
