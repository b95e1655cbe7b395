import type { Analytics } from '@segment/analytics-next'
import { describe, expect, vi } from 'vitest'
import { type Host, test } from './host.ts'

type Middleware = Parameters<Analytics['addDestinationMiddleware']>[1]

/** An instance with the plugin, another destination, and middleware before both. */
async function withMiddleware(host: Host, ...middlewares: Middleware[]) {
  const mapped: string[] = []
  const plugin = host.plugin({
    anonymous: 'send',
    featureName: (_event, name) => void mapped.push(name),
  })
  const witness = host.witness()
  const analytics = await host.analytics({}, plugin, witness.plugin)
  await analytics.addDestinationMiddleware('*', ...middlewares)
  return { analytics, plugin, mapped, seen: witness.seen }
}

const passing = ({ payload, next }: Parameters<Middleware>[0]): void => next(payload)

const dropping: Record<string, Middleware> = {
  'does not call `next`': () => undefined,
  'calls `next` with null': ({ next }) => next(null),
  'calls `next` with nothing': ({ next }) => next(undefined as never),
  'calls `next` with no event': ({ next }) => next({} as never),
  'answers null, as Segment’s consent tools do': () => null as never,
  throws: () => {
    throw new Error('sabotaged')
  },
  rejects: () => Promise.reject(new Error('sabotaged')),
  'throws after `next`': ({ payload, next }) => {
    next(payload)
    throw new Error('sabotaged')
  },
}

/** Lets what comes after it pass. */
const unlessMarker =
  (middleware: Middleware): Middleware =>
  (call) =>
    call.payload.obj['event'] === 'marker' ? passing(call) : middleware(call)

describe('destination middleware', () => {
  test('lets events through, at once or later, in the order of the calls', async ({ host }) => {
    const slowFirst: Middleware = async (call) => {
      if (call.payload.obj['event'] === 'First') await new Promise((go) => setTimeout(go, 50))
      passing(call)
    }
    const { analytics, mapped, seen } = await withMiddleware(host, passing, slowFirst)
    void analytics.track('First')
    void analytics.track('Second')

    expect(await host.names(2)).toEqual(['First', 'Second'])
    expect(mapped).toEqual(['First', 'Second'])
    expect(seen).toEqual(['First', 'Second'])
  })

  test('is waited for by `flush()`, so that `clear()` after it loses nothing', async ({ host }) => {
    let open = (): void => undefined
    const opened = new Promise<void>((resolve) => (open = resolve))
    const { analytics, plugin } = await withMiddleware(host, async (call) => {
      await opened
      passing(call)
    })
    await analytics.track('Logged out')
    const order: string[] = []
    const flushed = plugin.flush().then(() => order.push('flushed'))
    // Without the middleware it would be over by now.
    for (let look = 0; look < 5; look += 1) await plugin.pending()
    order.push('opened')
    open()
    await flushed
    await plugin.clear()

    expect(order).toEqual(['opened', 'flushed'])
    expect(await host.names(1)).toEqual(['Logged out'])
    expect(host.reports).toMatchObject([{ outcome: 'accepted' }])
  })

  test('that hangs is waited for by `flush()` for 10 seconds', async ({ host }) => {
    const { analytics, plugin } = await withMiddleware(host, () => new Promise(() => undefined))
    // Each is given up after 10 seconds, and the second waits for the first.
    await analytics.track('Hanging')
    await analytics.track('Hanging, too')
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      let isFlushed = false
      void plugin.flush().then(() => (isFlushed = true))
      await vi.advanceTimersByTimeAsync(10_000)
      expect(isFlushed).toBe(true)
    } finally {
      vi.useRealTimers()
    }
  })

  test.for(Object.keys(dropping))('that %s stops the event, for us only', async (way, { host }) => {
    const { analytics, seen } = await withMiddleware(host, unlessMarker(dropping[way] ?? passing))
    const { event } = await analytics.track('Stopped')
    await analytics.track('marker')

    expect(await host.names(1)).toEqual(['marker'])
    expect(host.reports[0]).toEqual({
      outcome: 'skipped',
      reason: 'middleware',
      messageId: event.messageId,
    })
    expect(seen).toEqual(['Stopped', 'marker'])
  })

  test('is asked one after the other, each with what the one before has made of it', async ({
    host,
  }) => {
    const append =
      (letter: string): Middleware =>
      async ({ payload, next }) => {
        await Promise.resolve()
        payload.obj.event = String(payload.obj.event) + letter
        next(payload)
      }
    const { analytics, seen } = await withMiddleware(host, append('a'), append('b'))
    const { event } = await analytics.track('x')

    expect(await host.names(1)).toEqual(['xab'])
    expect(event.event).toBe('x')
    expect(seen).toEqual(['x'])
  })

  test('sees a copy of the event as it was at the hook', async ({ host }) => {
    const copies: unknown[] = []
    const slow: Middleware = async (call) => {
      copies.push(call.payload.obj)
      await Promise.resolve()
      passing(call)
    }
    const { analytics } = await withMiddleware(host, slow)
    const vandal = host.witness().plugin
    vandal.track = (ctx) => {
      ctx.event.event = 'Changed'
      return ctx
    }
    await analytics.register({ ...vandal, name: 'Vandal' })
    const { event } = await analytics.track('Used', { deep: { er: 1 } })

    expect(await host.names(1)).toEqual(['Used'])
    expect(copies[0]).not.toBe(event)
    expect(copies[0]).toMatchObject({ properties: { deep: { er: 1 } } })
  })

  test('gets an event that nobody can copy', async ({ host }) => {
    const { analytics } = await withMiddleware(host, passing)
    await analytics.track('Used', { button: document.body, handler: () => undefined })
    expect(await host.names(1)).toEqual(['Used'])
  })

  test("reads the event through the methods of Segment's Facade", async ({ host }) => {
    let read: unknown
    const reading: Middleware = (call) => {
      const { payload, integration } = call
      read = {
        integration,
        type: payload.type(),
        action: payload.action(),
        userId: payload.userId(),
        groupId: payload.groupId(),
        event: (payload as unknown as { event: () => unknown }).event(),
        properties: (payload as unknown as { properties: () => unknown }).properties(),
        json: payload.json() === payload.obj,
        rawEvent: payload.rawEvent() === payload.obj,
      }
      passing(call)
    }
    const { analytics } = await withMiddleware(host, reading)
    await analytics.identify('alice')
    await analytics.track('Used', { plan: 'free' })

    expect(read).toEqual({
      integration: 'Skalin',
      type: 'track',
      action: 'track',
      userId: 'alice',
      groupId: undefined,
      event: 'Used',
      properties: { plan: 'free' },
      json: true,
      rawEvent: true,
    })
  })

  test('that never answers keeps nobody waiting but us', async ({ host }) => {
    const { analytics, seen } = await withMiddleware(host, () => new Promise(() => undefined))
    await analytics.track('First')
    await analytics.track('Second')

    expect(seen).toEqual(['First', 'Second'])
    expect(host.reports).toEqual([])
  })

  test('that answers once the plugin is deregistered has its call sent', async ({ host }) => {
    let open = () => undefined as unknown
    const gate = new Promise((resolve) => {
      open = () => resolve(undefined)
    })
    const late: Middleware = async (call) => {
      await gate
      passing(call)
    }
    const { analytics } = await withMiddleware(host, late)
    await analytics.track('Late')
    await analytics.deregister('Skalin')
    open()

    expect(await host.names(1)).toEqual(['Late'])
  })

  test('stays when the plugin is registered anew', async ({ host }) => {
    const { analytics, plugin } = await withMiddleware(
      host,
      unlessMarker(() => undefined),
    )
    await analytics.deregister('Skalin')
    await analytics.register(plugin)
    await analytics.track('Stopped')
    await analytics.track('marker')
    expect(await host.names(1)).toEqual(['marker'])
  })

  test('that hands on an unreadable event does not keep back the next one', async ({ host }) => {
    const poison: Middleware = ({ next }) =>
      next({
        obj: {
          get messageId() {
            throw new Error('sabotaged')
          },
        },
      } as never)
    const { analytics } = await withMiddleware(host, unlessMarker(poison))
    const ctx = await analytics.track('Poisoned')
    await analytics.track('marker')
    expect(await host.names(1)).toEqual(['marker'])
    expect(ctx.logs().map(({ message }) => message)).toContain(
      'Skalin: An event could not be taken.',
    )
  })

  test.for(['Skalin', 'skalin', '*'])(
    'reaches the plugin under the name %s',
    async (name, { host }) => {
      const analytics = await host.analytics({}, host.plugin({ anonymous: 'send' }))
      await analytics.addDestinationMiddleware(
        name,
        unlessMarker(() => undefined),
      )
      await analytics.track('Stopped')
      await analytics.track('marker')
      expect(await host.names(1)).toEqual(['marker'])
    },
  )
})

describe('source middleware', () => {
  test('that drops an event keeps it from us, and what it changes we see', async ({ host }) => {
    const analytics = await host.analytics({}, host.plugin({ anonymous: 'send' }))
    await analytics.addSourceMiddleware(({ payload, next }) => {
      if (payload.obj['event'] === 'Dropped') return
      payload.obj['event'] = 'Changed'
      next(payload)
    })
    await analytics.track('Dropped')
    await analytics.track('Used')

    expect(await host.names(1)).toEqual(['Changed'])
  })
})
