import { Script } from 'node:vm'
import { describe, expect, vi } from 'vitest'
import { test } from './host.ts'

/** As Firefox ends what a page that goes is at: nothing can catch it, and no `finally` runs. */
function runAndEnd(work: () => void): void {
  vi.stubGlobal('work', work)
  try {
    new Script('work()').runInThisContext({ timeout: 50 })
  } catch {
    // It has been ended.
  } finally {
    vi.unstubAllGlobals()
  }
}

function last(): never {
  for (;;);
}

describe('a call whose hook is ended when the page goes', () => {
  test.for(['mapped', 'sent'])('while it is %s arrives all the same', async (when, { host }) => {
    let ends = false
    const plugin = host.plugin({
      featureName: (_event, name) => (ends && when === 'mapped' ? last() : name),
    })
    const analytics = await host.analytics({}, plugin)
    await analytics.identify('alice')
    const { track } = plugin
    plugin.track = (ctx) => {
      ends = true
      const sending = vi.spyOn(globalThis, 'fetch')
      if (when === 'sent') sending.mockImplementation(last)
      runAndEnd(() => track(ctx))
      sending.mockRestore()
      ends = false
      return ctx
    }
    await analytics.track('Ended')
    window.dispatchEvent(new Event('pagehide'))

    expect(await host.names(2)).toEqual(['Ended', 'ui'])
  })
})
