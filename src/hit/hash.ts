import { wellFormed } from './read.ts'

const offsetBasis = 0xcbf29ce484222325n
const prime = 0x100000001b3n

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
  let hash = offsetBasis
  for (let at = 0; at < bytes.length; at += 1) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(bytes.charCodeAt(at))) * prime)
  }
  return hash.toString(16).padStart(16, '0')
}

/** The id of a list of parts; each part's length goes before it, so that no two lists look alike. */
export function idOf(...parts: string[]): string {
  return fnv1a64(parts.map((part) => `${part.length}:${part}`).join(''))
}
