import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { run as runHere } from '../cli/run.ts'
import { featureHit } from '../testing/support.ts'
import { builtFile, deploy } from './sandbox.ts'

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

test('`skalin-analytics-plugin collector` takes its hits, but no IP address from a browser', async () => {
  const [address = ''] = await runHere('collector', '--port', '0').lines(1)
  const endpoint = /http:\S+\/hit/.exec(address)?.[0] ?? ''
  const ip = '203.0.113.7'
  const call = { type: 'track', messageId: 'm', userId: 'alice', event: 'Import', context: { ip } }
  const verdict = await deploy().invoke(call, { clientId: 'client', endpoint })
  expect(verdict).toEqual({ kind: 'delivered', answer: { sent: 'ev' } })

  const body = new URLSearchParams(featureHit({ cip: ip }))
  const headers = { origin: 'http://localhost:3000' }
  const refusal = await fetch(endpoint, { method: 'POST', headers, body })
  expect(refusal.status).toBe(400)
  expect(await refusal.text()).toBe('`cip` is for server-side senders only.')
})
