import { defineConfig } from 'vitest/config'

// What needs no browser. Stryker runs the tests that reach a mutant, again and again: a few runs of
// each property are enough.
process.env.TZ = 'Europe/Paris'
process.env.NUM_RUNS ??= '20'

export default defineConfig({
  test: { include: ['test/{delivery,hit}/**/*.test.ts'] },
})
