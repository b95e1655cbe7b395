import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import packageJson from './package.json' with { type: 'json' }
import { totals } from './test/support/reporter.ts'

// Hits carry local times, so the zone is pinned, to one with daylight saving; set before any worker
// starts, so that each inherits it, and so does Chromium.
process.env.TZ = 'Europe/Paris'

// Eight tabs at once need all of the machine: starved ones are killed with more under way.
const crowded = ['test/e2e/faults/crowd.test.ts']
const apart = [
  'test/host/**',
  'test/{package,publish,function}/**',
  'test/{e2e,engines,toolchains,disk}/**',
]

export default defineConfig({
  define: { __VERSION__: JSON.stringify(packageJson.version) },
  test: {
    retry: 0,
    // Vitest would leave one core to itself: of two, one.
    maxWorkers: availableParallelism(),
    // A deadline costs nothing while all is well, and a busy machine may take its time.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
    reporters: ['default', totals],
    projects: [
      // They install applications: `npm run soak`, and CI.
      ...(process.env.TOOLCHAINS
        ? [
            {
              extends: true as const,
              test: {
                name: 'toolchains',
                include: ['test/toolchains/**/*.test.ts'],
                testTimeout: 300_000,
              },
            },
          ]
        : []),
      ...(process.env.DISK
        ? [
            {
              extends: true as const,
              test: {
                name: 'disk',
                include: ['test/disk/**/*.test.ts'],
                testTimeout: 300_000,
              },
            },
          ]
        : []),
      // No DOM: that proves purity.
      { extends: true, test: { name: 'pure', include: ['test/**/*.test.ts'], exclude: apart } },
      {
        extends: true,
        test: { name: 'host', include: ['test/host/**/*.test.ts'], environment: 'happy-dom' },
      },
      {
        extends: true,
        test: {
          name: 'package',
          include: ['test/{package,publish,function}/**/*.test.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: crowded,
          // Two Chromiums, since most tests wait for a lease or a backoff; and nothing else beside them.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          testTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'engines',
          include: ['test/engines/**/*.test.ts'],
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          testTimeout: 150_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e-alone',
          include: crowded,
          sequence: { groupOrder: 2 },
          testTimeout: 120_000,
        },
      },
    ],
  },
})
