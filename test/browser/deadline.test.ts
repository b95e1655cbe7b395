import { expect, onTestFinished, test, vi } from 'vitest'
import { within } from '../../src/browser/deadline.ts'

test("a page's `setTimeout` that passes no arguments on", async () => {
  const real = setTimeout
  vi.stubGlobal('setTimeout', (work: () => void, ms: number) => real(() => work(), ms))
  onTestFinished(() => void vi.unstubAllGlobals())
  expect(await within(1, new Promise(() => undefined), 'late')).toBe('late')
})
