import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { findBrowser } from '../../scripts/browsers.mjs'
import { isChromium } from '../support/browser.ts'

test.runIf(isChromium)('the Playwright example passes as it stands', async () => {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const run = spawn(
    process.execPath,
    [
      'node_modules/@playwright/test/cli.js',
      'test',
      '--config',
      'examples/playwright',
      '--reporter',
      'line',
    ],
    { cwd: root, env: { ...process.env, CHROMIUM_PATH: findBrowser('chromium') } },
  )
  let output = ''
  run.stdout.on('data', (chunk) => (output += String(chunk)))
  run.stderr.on('data', (chunk) => (output += String(chunk)))
  const [code] = (await once(run, 'close')) as [number]
  expect(output).toContain('3 passed')
  expect(code).toBe(0)
})
