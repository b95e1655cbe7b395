import { expect, test } from 'vitest'
import { type Word, isOpen, latest, said, saying } from '../../src/visitor/word.ts'

/** A word and all that it keeps of what was said before it. */
function chain(word: Word<string> | undefined): Word<string>[] {
  return word ? [word, ...chain(word.before)] : []
}

test('of words that never arrive a page keeps 100, and what was said before them', () => {
  let word: Word<string> | undefined = said('alice')
  let longest = 0
  for (let call = 0; call < 1000; call += 1) {
    word = saying(word)
    longest = Math.max(longest, chain(word).length)
    expect([isOpen(word), latest(word)]).toEqual([true, 'alice'])
  }
  expect(longest).toBe(101)
})
