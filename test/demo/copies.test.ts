import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { curlCommand, jsonLines, shellQuote, testLine } from '../../demo/inspector/copies.ts'
import { createCollector } from '../../src/testing/index.ts'
import { arrival, hit, now } from './support.ts'

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

test('the line for a test finds the hit it was made of, and no other', async () => {
  const collector = await createCollector()
  onTestFinished(collector.close)
  const names = [`It's "done"`, 'a\\', '\\"', '`${x}`', 'a\u2028b', "\\'"]
  const hits = names.map((name, index) =>
    hit(`m${index}`, {
      event: JSON.stringify({ name, event_name: 'feature' }),
      identity: '{"id":"u1"}',
      customer_id: 'acme',
    }),
  )
  for (const each of hits) {
    await fetch(collector.endpoint, { method: 'POST', body: new URLSearchParams(each) })
  }
  for (const each of hits) {
    const line = testLine(each)
    expect(line).not.toContain('\n')
    const run = runInNewContext(`async (collector) => ${line}`) as (
      given: typeof collector,
    ) => Promise<{ hit: object }[]>
    expect((await run(collector)).map((found) => found.hit)).toEqual([each])
  }
})

test('a download is a line of JSON for each request', () => {
  const received = [arrival(hit('m1'), now), arrival(hit('m2', { url: 'a\nb' }), now)]
  const lines = jsonLines(received).split('\n')
  expect(lines.pop()).toBe('')
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(received)
})
