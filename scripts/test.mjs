// npm test: browsers, a build, then vitest with the given arguments.
import { prepare, runTests } from './prepare.mjs'

prepare()
process.exitCode = runTests(process.argv.slice(2))
