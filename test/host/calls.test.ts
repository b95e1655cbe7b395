import { Context } from '@segment/analytics-next'
import { expect } from 'vitest'
import { createCalls } from '../../src/segment/calls.ts'
import type { Analytics } from '../../src/segment/host.ts'
import { pluginOf, test } from './host.ts'

test.for([
  ['as Segment made it', (ctx: Context) => ctx],
  ['as another plugin made it anew', ({ event }: Context) => new Context({ ...event })],
] as const)('no call waits once it is through: %s', async ([, handOn], { host }) => {
  const analytics = await host.analytics()
  const instance = analytics as unknown as Analytics
  const calls = createCalls({
    first: instance,
    asOf: () => 'as of its call',
    onCall: () => undefined,
    onReset: () => undefined,
  })
  calls.watch(instance)
  const arrived: unknown[] = []
  await analytics.register(
    pluginOf('Before', 'enrichment', handOn),
    pluginOf('Destination', 'destination', (ctx) => {
      const { asOf, made } = calls.arrive(ctx)
      arrived.push([asOf, made?.event, calls.waiting().length])
      calls.finish(ctx)
      return ctx
    }),
  )
  await analytics.track('Used')
  expect(arrived).toEqual([['as of its call', 'Used', 1]])
  expect(calls.waiting()).toEqual([])
})
