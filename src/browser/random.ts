/** 16 hexadecimal digits at random. `crypto.randomUUID` is only for secure contexts; this is not. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
