// npm run soak [-- <count>]: the fault tests and the model of the delivery, with as many seeds; then
// pages with the build that `npm test` leaves out, a disk that is full, and the package in applications
// that are installed from npm.
import { spawnSync } from 'node:child_process'

const suites = ['test/e2e/faults', 'test/delivery/model.test.ts']
const [given = '20'] = process.argv.slice(2)
const count = Number(given)
if (!(Number.isInteger(count) && count > 0)) {
  console.error(`The number of seeds must be a positive integer (received: ${given}).`)
  process.exit(1)
}

/** Whether these tests pass. */
function passes(files, env) {
  const { status } = spawnSync(process.execPath, ['scripts/test.mjs', ...files], {
    cwd: new URL('..', import.meta.url),
    env: { ...process.env, ...env },
    stdio: 'inherit',
  })
  return status === 0
}

const failed = []
for (let seed = 1; seed <= count; seed += 1) {
  console.log(`\nSeed ${seed} of ${count}`)
  if (!passes(suites, { SEED: String(seed), NUM_RUNS: '1000' })) failed.push(`seed ${seed}`)
}
// `npm test` meets each page with one of the two builds.
if (!passes(['test/e2e/habits.test.ts'], { SEED: '2' })) failed.push('the other builds of pages')
if (!passes(['test/disk'], { DISK: '1' })) failed.push('a full disk')
if (!passes(['test/toolchains'], { TOOLCHAINS: '1' })) failed.push('the toolchains')
console.log(failed.length === 0 ? '\nAll passed' : `\nFailed with ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1
