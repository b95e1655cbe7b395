/** 16 hexadecimal digits at random. `crypto.randomUUID` is only for secure contexts; this is not. */
export function randomId(): string {
  const words = new Uint16Array(4)
  try {
    crypto.getRandomValues(words)
  } catch {
    // A page without `crypto`: these ids need not be secret, only different.
    for (let at = 0; at < 4; at += 1) words[at] = Math.random() * 0x10000
  }
  let id = ''
  for (let at = 0; at < 4; at += 1) id += (words[at] ?? 0).toString(16).padStart(4, '0')
  return id
}
