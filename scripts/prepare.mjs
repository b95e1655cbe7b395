import { spawnSync } from 'node:child_process'
import { canDoWithout, findBrowser, installBrowsers, leftOut } from './browsers.mjs'

export const root = new URL('..', import.meta.url)

/** What tests need: the browsers, where `CHROMIUM_PATH` says then which Chromium, and a build. */
export function prepare() {
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
  const built = run('npm run build', [], { shell: true })
  if (built !== 0) process.exit(built)
}

/** The exit code of vitest with these arguments. */
export function runTests(args, env = {}) {
  return run(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', ...args], {
    env: { ...process.env, ...env },
  })
}

function run(command, args, options) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options })
  if (error) throw error
  return status ?? 1
}
