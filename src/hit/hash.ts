import { wellFormed } from './read.ts'

/**
 * FNV-1a, 64 bits, as 16 lower-case hexadecimal digits. Not cryptographic: it makes short, stable
 * ids, and hides nothing.
 *
 * @see {@link https://datatracker.ietf.org/doc/html/rfc9923 | The FNV non-cryptographic hash algorithm}
 */
export function fnv1a64(text: string): string {
  // UTF-8, a character a byte; pages, and jsdom, may have no TextEncoder.
  const bytes = encodeURIComponent(wellFormed(text)).replace(/%(..)/g, (_, hex: string) =>
    String.fromCharCode(parseInt(hex, 16)),
  )
  // In two halves, since BigInt takes half as long again. The prime is 2 ** 40 + 435.
  let high = 0xcbf29ce4
  let low = 0x84222325
  for (let at = 0; at < bytes.length; at += 1) {
    const mixed = (low ^ bytes.charCodeAt(at)) >>> 0
    const product = mixed * 435
    high = (high * 435 + Math.floor(product / 2 ** 32) + ((mixed << 8) >>> 0)) >>> 0
    low = product >>> 0
  }
  const digits = (half: number) => half.toString(16).padStart(8, '0')
  return digits(high) + digits(low)
}

/** The id of a list of parts; each part's length goes before it, so that no two lists look alike. */
export function idOf(...parts: string[]): string {
  return fnv1a64(parts.map((part) => `${part.length}:${part}`).join(''))
}

/** The id of a person or a visitor, whose calls mostly follow each other. */
export function sameIdOf(kind: string): (id: string) => string {
  let last: { of: string; id: string } | undefined
  return (of) => {
    if (last?.of !== of) last = { of, id: idOf(kind, of) }
    return last.id
  }
}
