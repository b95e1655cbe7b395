import { ContextCancelation } from '@segment/analytics-next'
import { expect, vi } from 'vitest'
import type { HitFields } from '../../src/testing/index.ts'
import { nameOf, pluginOf, silent, test } from './host.ts'

test('what waits goes before calls whose hook has not come, when the page goes', async ({
  host,
}) => {
  const sending = vi.spyOn(globalThis, 'fetch')
  host.collector.fault(silent)
  const analytics = await host.analytics({}, host.plugin({ anonymous: 'send' }))
  for (const name of ['1', '2', '3', '4']) await analytics.track(name)
  const sent = () =>
    sending.mock.calls.map(([, init]) =>
      nameOf(Object.fromEntries(new URLSearchParams(init?.body as string)) as HitFields),
    )
  expect(sent()).toEqual(['1', '2'])

  void analytics.track('5')
  void analytics.track('6')
  window.dispatchEvent(new Event('pagehide'))

  expect(sent()).toEqual(['1', '2', '3', '4', '5', '6'])
  sending.mockRestore()
})

test('what a plugin has stopped does not go with the page, though that plugin has gone since', async ({
  host,
}) => {
  const gate = pluginOf('Gate', 'before', () => {
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- Segment's own way to say so
    throw new ContextCancelation({ retry: false })
  })
  const analytics = await host.analytics({}, gate, host.plugin({ anonymous: 'send' }))
  await analytics.track('Stopped').catch(() => undefined)
  await analytics.deregister('Gate')
  void analytics.track('Let go')
  window.dispatchEvent(new Event('pagehide'))

  expect(await host.names(1)).toEqual(['Let go'])
})
