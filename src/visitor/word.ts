/**
 * Something that somebody says about a person, from the moment of the call on. Until it has arrived,
 * which may be never, what was said before counts.
 */
export type Word<Value> = {
  said?: { value: Value }
  before?: Word<Value> | undefined
  /** How many before it have not arrived. */
  open?: number
}

export const said = <Value>(value: Value): Word<Value> => ({ said: { value } })

const latestWord = <Value>(word: Word<Value> | undefined): Word<Value> | undefined => {
  let latest = word
  while (latest && !latest.said) latest = latest.before
  return latest
}

/** Apart from its value, which may be `undefined` and said so: absent where nothing was said. */
export const latestSaid = <Value>(word: Word<Value> | undefined): { value: Value } | undefined =>
  latestWord(word)?.said

export const latest = <Value>(word: Word<Value> | undefined): Value | undefined =>
  latestSaid(word)?.value

/** It is on its way. */
export const isOpen = (word: Word<unknown> | undefined): boolean =>
  word !== undefined && word.said === undefined

/** One that is on its way. A page whose words never arrive keeps 100 of them. */
export function saying<Value>(before: Word<Value> | undefined): Word<Value> {
  const open = before && !before.said ? (before.open ?? 0) + 1 : 0
  return open < 100 ? { before, open } : { before: latestWord(before) }
}

export function arrive<Value>(word: Word<Value>, value: Value): void {
  word.said = { value }
  word.before = undefined
}
