// npm run soak [-- <count>]: the tests that a seed decides, with as many seeds; pages with the build that
// `npm test` leaves out, a disk that is full, and the package in applications that are installed from
// npm; then the other fault tests, as often as there were seeds.
import { readdirSync } from 'node:fs'
import { prepare, root, runTests } from './prepare.mjs'

const [given = '20'] = process.argv.slice(2)
const count = Number(given)
if (!(Number.isInteger(count) && count > 0)) {
  console.error(`The number of seeds must be a positive integer (received: ${given}).`)
  process.exit(1)
}

const faults = readdirSync(new URL('test/e2e/faults', root))
  .filter((file) => file.endsWith('.test.ts'))
  .map((file) => `test/e2e/faults/${file}`)
const ofSeed = /\/(?:crowd|liars)\.test\.ts$/

const failed = []
function soak(name, args, env) {
  console.log(`\nSoak: ${name}`)
  if (runTests(args, env) !== 0) failed.push(name)
}

prepare()
for (let seed = 1; seed <= count; seed += 1) {
  const env = { SEED: String(seed), NUM_RUNS: '1000' }
  const files = ['test/delivery/model.test.ts', ...faults.filter((file) => ofSeed.test(file))]
  soak(`seed ${seed} of ${count}`, files, env)
}
// `npm test` meets each page with one of the two builds.
soak('the other builds of pages', ['test/e2e/habits.test.ts'], { SEED: '2' })
soak('a full disk', ['test/disk'], { DISK: '1' })
soak('the toolchains', ['test/toolchains'], { TOOLCHAINS: '1' })
const always = faults.filter((file) => !ofSeed.test(file))
for (let round = 1; round <= count; round += 1) soak(`round ${round} of ${count}`, always)
console.log(failed.length === 0 ? '\nAll passed' : `\nFailed with ${failed.join(', ')}`)
process.exitCode = failed.length === 0 ? 0 : 1
