/** 16 hexadecimal digits at random. `crypto.randomUUID` is only for secure contexts; this is not. */
export function randomId(): string {
  let words: ArrayLike<number>
  try {
    words = crypto.getRandomValues(new Uint16Array(4))
  } catch {
    // A page without `crypto`: these ids need not be secret, only different.
    words = [0, 0, 0, 0].map(() => Math.floor(Math.random() * 0x10000))
  }
  let id = ''
  for (let at = 0; at < 4; at += 1) id += (words[at] ?? 0).toString(16).padStart(4, '0')
  return id
}
