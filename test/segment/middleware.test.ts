import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { SegmentEvent } from '../../src/hit/event.ts'
import type { DestinationMiddleware } from '../../src/segment/host.ts'
import { createMiddleware } from '../../src/segment/middleware.ts'
import { noon, track } from '../support/events.ts'

type Payload = { obj: Record<string, unknown> } & Record<string, () => unknown>
type Call = { payload: Payload; integration: string; next: (payload?: unknown) => void }

const having = (...middlewares: ((call: Call) => unknown)[]) => {
  const middleware = createMiddleware()
  middleware.add(...(middlewares as unknown as DestinationMiddleware[]))
  return (event: SegmentEvent) =>
    new Promise<SegmentEvent | undefined>((resolve) => middleware.pass(event, resolve))
}

const onward = ({ payload, next }: Call) => next(payload)

describe('a middleware', () => {
  test('is installed once there is a function', () => {
    const middleware = createMiddleware()
    expect(middleware.isInstalled()).toBe(false)
    middleware.add(...([undefined, null, 'else'] as unknown as DestinationMiddleware[]))
    expect(middleware.isInstalled()).toBe(false)
    middleware.add(() => undefined)
    expect(middleware.isInstalled()).toBe(true)
  })

  test('that hangs stops its own event only, after 10 seconds', async () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const events = [track({ event: 'Hangs' }), track({ event: 'Goes on' })]
    const pass = having((call) =>
      (call.payload.obj as SegmentEvent).event === 'Hangs'
        ? new Promise(() => undefined)
        : onward(call),
    )
    const passed = Promise.all(events.map(pass))
    await vi.advanceTimersByTimeAsync(10_000)
    expect((await passed).map((event) => event?.event)).toEqual([undefined, 'Goes on'])
  })

  test('is told of the event and for whom it is', async () => {
    const told: unknown[] = []
    const event = track({ name: 'n', category: 'c', groupId: 'g', traits: { a: 1 }, context: {} })
    await having(({ payload, integration, next }) => {
      const { obj, ...readers } = payload
      const answers = Object.entries(readers).map(([name, read]) => [name, read()])
      told.push(integration, obj, Object.fromEntries(answers))
      next(payload)
    })(event)
    expect(told).toEqual([
      'Skalin',
      event,
      {
        rawEvent: event,
        json: event,
        type: 'track',
        action: 'track',
        userId: 'alice',
        anonymousId: 'browser-1',
        groupId: 'g',
        messageId: 'message-1',
        event: 'Import',
        name: 'n',
        category: 'c',
        properties: undefined,
        traits: { a: 1 },
        context: {},
        integrations: undefined,
        timestamp: new Date(noon),
      },
    ])
  })

  test('that hands the event on changes nothing', async () => {
    expect(await having(onward)(track())).toEqual(track())
  })

  test('may change the event', async () => {
    const pass = having(({ payload, next }) => {
      payload.obj['event'] = 'Upload'
      next(payload)
    })
    expect(await pass(track())).toEqual(track({ event: 'Upload' }))
  })

  test('may hand on another', async () => {
    const pass = having(({ next }) => next({ obj: track({ event: 'Upload' }) }))
    expect(await pass(track())).toEqual(track({ event: 'Upload' }))
  })

  test('may take its time', async () => {
    const pass = having(async (call) => {
      await Promise.resolve()
      onward(call)
    })
    expect(await pass(track())).toEqual(track())
  })

  test.each<[string, (call: Call) => unknown]>([
    ['does not call next', () => undefined],
    ['hands on null', ({ next }) => next(null)],
    ['hands on nothing', ({ next }) => next()],
    ['hands on no event', ({ next }) => next({ obj: null })],
    ['hands on what is no event', ({ next }) => next({ obj: 'event' })],
    [
      'takes back what it handed on',
      (call) => {
        onward(call)
        call.next(null)
      },
    ],
    ['throws', () => throwing()],
    [
      'throws after it handed on',
      (call) => {
        onward(call)
        throwing()
      },
    ],
    ['rejects', () => Promise.reject(new Error('of the site'))],
  ])('that %s stops the event', async (_, middleware) => {
    const asked: string[] = []
    const after = (call: Call) => {
      asked.push('after')
      onward(call)
    }
    expect(await having(middleware, after)(track())).toBeUndefined()
    expect(asked).toEqual([])
  })

  test('gets what the one before handed on', async () => {
    const adding = (letter: string) => (call: Call) => {
      call.payload.obj['event'] = `${String(call.payload['event']?.())}${letter}`
      onward(call)
    }
    expect(await having(adding('a'), adding('b'), adding('c'))(track({ event: '' }))).toEqual(
      track({ event: 'abc' }),
    )
  })
})

describe('the event that was called', () => {
  const spoil = (call: Call) => {
    const { obj } = call.payload
    obj['event'] = 'spoilt'
    Object.assign(obj['properties'] as object, { plan: 'spoilt' })
    const context = obj['context'] as { page: { url: string } }
    context.page.url = 'spoilt'
    onward(call)
  }
  const create = (more: object = {}) =>
    track({
      properties: { plan: 'pro', ...more },
      context: { page: { url: 'https://a.example/' } },
    })

  test('is never changed', async () => {
    const event = create()
    expect(await having(spoil)(event)).toMatchObject({ event: 'spoilt' })
    expect(event).toEqual(create())
  })

  test('is never changed where it holds what cannot be cloned', async () => {
    const event = create({ callback: throwing })
    expect(await having(spoil)(event)).toMatchObject({
      event: 'spoilt',
      properties: { plan: 'spoilt', callback: throwing },
      // A Date is still one.
      timestamp: new Date(noon),
    })
    expect(event).toEqual(create({ callback: throwing }))
  })

  test('is taken as it was at the call', async () => {
    const event: { event?: unknown } = create()
    const passed = having(onward)(event)
    event.event = 'later'
    expect(await passed).toMatchObject({ event: 'Import' })
  })
})

describe('events', () => {
  test('go on in the order of the calls, however long each takes', async () => {
    let release: () => void = throwing
    const first = new Promise<void>((resolve) => (release = resolve))
    const middleware = createMiddleware()
    middleware.add(async ({ payload, next }) => {
      if ((payload as Payload)['event']?.() === 'first') await first
      next(payload)
    })
    const done: unknown[] = []
    middleware.pass(track({ event: 'first' }), (event) => void done.push(event?.event))
    const last = new Promise<void>((resolve) =>
      middleware.pass(track({ event: 'second' }), (event) => {
        done.push(event?.event)
        resolve()
      }),
    )
    release()
    await last
    expect(done).toEqual(['first', 'second'])
  })

  test('are not kept back by one that cannot be taken', async () => {
    const middleware = createMiddleware()
    middleware.add(onward as unknown as DestinationMiddleware)
    middleware.pass(track(), throwing)
    const next = new Promise((resolve) => middleware.pass(track(), resolve))
    expect(await next).toEqual(track())
  })
})

function throwing(): never {
  throw new Error('of the site')
}
