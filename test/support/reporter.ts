import type { Reporter } from 'vitest/node'

/** Ends a run with its ten slowest tests and, as the last line, the totals in plain words. */
export const totals: Reporter = {
  onTestRunEnd(modules, unhandledErrors) {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const count = (state: string) => tests.filter((test) => test.result().state === state).length

    // Neither a file that does not load nor a failing hook has a failed test to show for it.
    const suites = modules.flatMap((module) => [module, ...module.children.allSuites()])
    const errors = suites.flatMap((suite) => suite.errors()).length + unhandledErrors.length
    const skipped = count('skipped')

    const slowest = tests
      .map((test) => ({ test, ms: Math.round(test.diagnostic()?.duration ?? 0) }))
      .sort((a, b) => b.ms - a.ms)
      .slice(0, 10)
    console.log('Slowest tests')
    for (const { test, ms } of slowest) {
      console.log(
        `${String(ms).padStart(8)} ms  ${test.module.relativeModuleId} > ${test.fullName}`,
      )
    }

    const passedAndFailed = `${count('passed')} passed, ${count('failed') + errors} failed`
    console.log(`\n${passedAndFailed}${skipped > 0 ? `, ${skipped} skipped` : ''}`)
  },
}
