// npm run soak [-- <count>]: the fault tests and the model of the delivery, with as many seeds; then the
// package in applications that are installed from npm.
import { spawnSync } from 'node:child_process'

const suites = ['test/e2e/faults', 'test/delivery/model.test.ts']
const [given = '20'] = process.argv.slice(2)
const count = Number(given)
if (!(Number.isInteger(count) && count > 0)) {
  console.error(`The number of seeds must be a positive integer (received: ${given}).`)
  process.exit(1)
}

const failed = []
for (let seed = 1; seed <= count; seed += 1) {
  console.log(`\nSeed ${seed} of ${count}`)
  const { status } = spawnSync(process.execPath, ['scripts/test.mjs', ...suites], {
    cwd: new URL('..', import.meta.url),
    env: { ...process.env, SEED: String(seed), NUM_RUNS: '1000' },
    stdio: 'inherit',
  })
  if (status !== 0) failed.push(seed)
}
const toolchains = spawnSync(process.execPath, ['scripts/test.mjs', 'test/toolchains'], {
  cwd: new URL('..', import.meta.url),
  env: { ...process.env, TOOLCHAINS: '1' },
  stdio: 'inherit',
})
if (toolchains.status !== 0) failed.push('none, the toolchains')
console.log(failed.length === 0 ? '\nAll seeds passed' : `\nFailed with seed ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1
