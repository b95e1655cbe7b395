import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { builtFile } from './sandbox.ts'

const cli = join(import.meta.dirname, '../../dist/cli.js')
const run = (...args: string[]) => promisify(execFile)(process.execPath, [cli, ...args])

test('`skalin-analytics-plugin function` prints the built file', async () => {
  const { stdout, stderr } = await run('function')
  expect(stdout).toBe(readFileSync(builtFile, 'utf8'))
  expect(stderr).toBe('')
})

test('its help says what it is for', async () => {
  const { stdout } = await run('function', '--help')
  expect(stdout).toContain('Prints the code of the Segment Function')
  // The package has no docs in it.
  expect(stdout).toMatch(/^https:\/\/github\.com\/\S+\/docs\/server\.md$/m)
})
