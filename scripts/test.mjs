// npm test: browsers, a build, then vitest with the given arguments.
import { spawnSync } from 'node:child_process'
import { canDoWithout, findBrowser, installBrowsers, leftOut } from './browsers.mjs'

const root = new URL('..', import.meta.url)

function run(command, args, options) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options })
  if (error) throw error
  if (status !== 0) process.exit(status ?? 1)
}

try {
  const engines = ['chromium', 'firefox', 'webkit']
  const found = installBrowsers(engines)
  const missing = engines.filter((name) => !found.includes(name))
  if (missing.length > 0) console.log(leftOut(missing))
  if (!canDoWithout(missing, { ci: Boolean(process.env.CI) })) process.exit(1)
  process.env.CHROMIUM_PATH = findBrowser('chromium')
} catch (error) {
  console.error(error.message)
  process.exit(1)
}
// A shell, because npm is a script (`npm.cmd`) on Windows.
run('npm run build', [], { shell: true })
run(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)])
