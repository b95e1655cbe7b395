import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { curlCommand, shellQuote } from '../../demo/curl.ts'

/** What a POSIX shell makes of the words. */
const words = (line: string, cwd = tmpdir()) =>
  execFileSync('/bin/sh', ['-c', `printf '%s\\0' ${line}`], { cwd, encoding: 'utf8' })
    .split('\0')
    .slice(0, -1)

test("a text with '; touch x runs nothing", () => {
  const folder = mkdtempSync(join(tmpdir(), 'curl-'))
  const hostile = `'; touch x; '`
  const line = curlCommand(`http://127.0.0.1/${hostile}`, `rec=1&event=${hostile}`)
  expect(words(line, folder)).toEqual([
    'curl',
    '--data-raw',
    `rec=1&event=${hostile}`,
    `http://127.0.0.1/${hostile}`,
  ])
  expect(readdirSync(folder)).toEqual([])
})

test('every text comes through a shell as it was, as one word', () => {
  // No shell has a word with a NUL in it.
  const texts = fc.array(
    fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0')),
    { minLength: 1, maxLength: 20 },
  )
  fc.assert(
    fc.property(texts, (given) => {
      expect(words(given.map(shellQuote).join(' '))).toEqual(given)
    }),
    { numRuns: 50 },
  )
})

test('the body is never read from a file', () => {
  expect(curlCommand('http://127.0.0.1/hit', '@/etc/passwd')).toMatch(/^curl --data-raw /)
})
