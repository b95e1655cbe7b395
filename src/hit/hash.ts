const offsetBasis = 0xcbf29ce484222325n
const prime = 0x100000001b3n

/**
 * FNV-1a, 64 bits, as 16 lower-case hexadecimal digits. Not cryptographic: it makes short, stable
 * ids, and hides nothing.
 *
 * @see {@link https://datatracker.ietf.org/doc/html/rfc9923 | The FNV non-cryptographic hash algorithm}
 */
export function fnv1a64(text: string): string {
  let hash = offsetBasis
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * prime)
  }
  return hash.toString(16).padStart(16, '0')
}

/** The id of a list of parts; each part's length goes before it, so that no two lists look alike. */
export function idOf(...parts: string[]): string {
  return fnv1a64(parts.map((part) => `${part.length}:${part}`).join(''))
}
