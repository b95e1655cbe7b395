import { expect, onTestFinished, test, vi } from 'vitest'
import { createPage } from '../../src/browser/page.ts'

function watched() {
  const page = createPage(false)
  const heard = { onOnline: vi.fn(), onLeaving: vi.fn(), onBack: vi.fn(), onStorage: vi.fn() }
  page.watch(heard)
  onTestFinished(page.unwatch)
  return heard
}
const happen = (...names: string[]) =>
  names.forEach((name) => window.dispatchEvent(new Event(name)))

test('a page that is shown for the first time does not come back', () => {
  const { onBack } = watched()
  happen('pageshow')
  expect(onBack).not.toHaveBeenCalled()
})

test('one that was left and is shown again does', () => {
  const { onBack, onLeaving } = watched()
  happen('pageshow', 'pagehide', 'pageshow')
  expect(onLeaving).toHaveBeenCalledOnce()
  expect(onBack).toHaveBeenCalledOnce()
})
