// npm test: a Chromium, a build, then vitest with the given arguments.
import { spawnSync } from 'node:child_process'
import { findChromium, installChromium } from './chromium.mjs'

const root = new URL('..', import.meta.url)

function run(command, args, options) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options })
  if (error) throw error
  if (status !== 0) process.exit(status ?? 1)
}

try {
  // Others are installed by playwright's own installer: CONTRIBUTING.md.
  if ((process.env.TEST_BROWSER || 'chromium') === 'chromium') {
    process.env.CHROMIUM_PATH = findChromium() ?? installChromium()
  }
} catch (error) {
  console.error(error.message)
  process.exit(1)
}
// A shell, because npm is a script (`npm.cmd`) on Windows.
run('npm run build', [], { shell: true })
run(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)])
