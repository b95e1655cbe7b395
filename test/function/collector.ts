import { afterAll, test as base, beforeEach } from 'vitest'
import { type Collector, createCollector } from '../../src/testing/index.ts'
import type { Settings } from './sandbox.ts'

/** Tests with a collector of their own, and settings that lead to it. */
export const test = base.extend<{ collector: Collector; settings: Settings }>({
  // eslint-disable-next-line no-empty-pattern -- vitest reads the names off a pattern
  collector: async ({}, use) => {
    const collector = await createCollector({ sender: 'server' })
    await use(collector)
    await collector.close()
  },
  settings: ({ collector }, use) => use({ clientId: 'client', endpoint: collector.endpoint }),
})

/** A collector for all tests of a file, empty when each begins. */
export async function sharedCollector(): Promise<Collector> {
  const collector = await createCollector({ sender: 'server' })
  beforeEach(() => collector.clear())
  afterAll(() => collector.close())
  return collector
}
