import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { SegmentEvent } from '../../src/hit/event.ts'
import type { DestinationMiddleware } from '../../src/segment/host.ts'
import { type Middleware, createMiddleware } from '../../src/segment/middleware.ts'
import { numbers } from '../delivery/support.ts'
import { noon, track } from '../support/events.ts'

type Payload = { obj: Record<string, unknown> } & Record<string, () => unknown>
type Call = { payload: Payload; integration: string; next: (payload?: unknown) => void }

/** What came to Segment's log. */
let logged: string[] = []
const log = {
  failed: (message: string, error?: unknown) =>
    logged.push([message, error instanceof Error ? error.message : ''].join(' ').trim()),
  warn: (message: string) => logged.push(message),
}
beforeEach(() => {
  logged = []
})

/** A plugin that is registered on an instance. */
function createOn(...instances: object[]): Middleware {
  const middleware = createMiddleware()
  instances.forEach(middleware.enter)
  return middleware
}

const add = (middleware: Middleware, ...given: ((call: Call) => unknown)[]) =>
  middleware.add(...(given as unknown as DestinationMiddleware[]))

const passing = (middleware: Middleware, instance: object) => (event: SegmentEvent) =>
  new Promise<SegmentEvent | undefined>((resolve) => middleware.pass(instance, event, log, resolve))

const having = (...given: ((call: Call) => unknown)[]) => {
  const instance = {}
  const middleware = createOn(instance)
  add(middleware, ...given)
  return passing(middleware, instance)
}

const onward = ({ payload, next }: Call) => next(payload)

describe('a middleware', () => {
  test('is installed once there is a function', () => {
    const instance = {}
    const middleware = createOn(instance)
    expect(middleware.isInstalled(instance)).toBe(false)
    middleware.add(...([undefined, null, 'else'] as unknown as DestinationMiddleware[]))
    expect(middleware.isInstalled(instance)).toBe(false)
    middleware.add(() => undefined)
    expect(middleware.isInstalled(instance)).toBe(true)
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
    expect(logged).toEqual([expect.stringContaining('10 seconds')])
  })

  test('is told of the event and for whom it is', async () => {
    const told: unknown[] = []
    const event = track({ context: { traits: { email: 'a@example.com' } } })
    await having(({ payload, integration, next }) => {
      told.push(integration, payload.obj, payload['event']?.(), payload['email']?.())
      next(payload)
    })(event)
    expect(told).toEqual(['Skalin', event, 'Import', 'a@example.com'])
  })

  test("that asks for what is left out of Segment's Facade does not lose the event", async () => {
    const pass = having((call) => {
      expect(call.payload['revenue']?.()).toBeUndefined()
      onward(call)
    })
    expect(await pass(track())).toEqual(track())
    expect(logged).toEqual([expect.stringContaining('`revenue()`')])
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
  ])('that %s stops the event', async (what, middleware) => {
    const asked: string[] = []
    const after = (call: Call) => {
      asked.push('after')
      onward(call)
    }
    expect(await having(middleware, after)(track())).toBeUndefined()
    expect(asked).toEqual([])
    const isSaid = /throws|rejects/.test(what)
    expect(logged).toEqual(isSaid ? [expect.stringMatching(/threw.*of the site$/)] : [])
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

describe('on an instance, middleware', () => {
  const adding = (letter: string) => (call: Call) => {
    call.payload.obj['event'] = `${String(call.payload['event']?.())}${letter}`
    onward(call)
  }
  const [a, b, c] = [adding('a'), adding('b'), adding('c')]
  const eventOf = async (middleware: Middleware, instance: object) =>
    (await passing(middleware, instance)(track({ event: '' })))?.event

  test('is one for all copies, those that come later, too, in the order in which it was added', async () => {
    const instance = {}
    const [one, two] = [createOn(instance), createOn(instance)]
    // Segment tells each copy that is there.
    for (const copy of [one, two]) add(copy, a)
    const three = createOn(instance)
    for (const copy of [one, two, three]) add(copy, b)
    for (const copy of [one, two, three]) expect(await eventOf(copy, instance)).toBe('ab')
  })

  test('is asked once, as often as it was added: what it hashes is not to be hashed again', async () => {
    const [instance, another] = [{}, {}]
    const [one, two] = [createOn(instance), createOn(instance)]
    for (const middleware of [a, a]) for (const copy of [one, two]) add(copy, middleware)
    one.leave(instance)
    for (const entered of [instance, another]) one.enter(entered)
    for (const middleware of [a, a]) add(one, middleware)
    expect(await eventOf(two, instance)).toBe('a')
    expect(await eventOf(one, another)).toBe('a')
  })

  test('may be told to one copy alone', async () => {
    const instance = {}
    const [one, two] = [createOn(instance), createOn(instance)]
    add(one, a)
    for (const copy of [one, two]) add(copy, b)
    add(two, c)
    expect(await eventOf(one, instance)).toBe('abc')
  })

  test('is none of another instance', async () => {
    const [here, there] = [{}, {}]
    const [one, two] = [createOn(here), createOn(there)]
    add(one, a)
    expect(await eventOf(two, there)).toBe('')
    expect(two.isInstalled(there)).toBe(false)
  })

  test('may be added before the plugin is registered', async () => {
    const instance = {}
    const middleware = createMiddleware()
    add(middleware, a)
    middleware.enter(instance)
    add(middleware, b)
    expect(await eventOf(middleware, instance)).toBe('ab')
  })

  test('stays when the plugin goes and comes back', async () => {
    const instance = {}
    const middleware = createOn(instance)
    add(middleware, a)
    middleware.leave(instance)
    middleware.enter(instance)
    add(middleware, b)
    expect(await eventOf(middleware, instance)).toBe('ab')
  })
})

describe('an event of which one property cannot be read', () => {
  test('loses that property alone', async () => {
    const properties = {
      plan: 'pro',
      deep: {
        er: 1,
        get broken() {
          return throwing()
        },
      },
      callback: throwing,
    }
    const circle: Record<string, unknown> = { callback: throwing }
    circle['self'] = circle
    const passed = await having(onward)(track({ properties: { ...properties, circle } }))
    expect(passed?.properties).toEqual({
      plan: 'pro',
      deep: { er: 1 },
      callback: throwing,
      circle,
    })
    expect((passed?.properties as typeof properties & { circle: object }).circle).not.toBe(circle)
  })

  test('is copied once, whoever refers to it', async () => {
    // A tree whose nodes know each other: without that, as many copies as there are paths.
    const nodes: Record<string, unknown>[] = numbers(40).map((id) => ({ id, callback: throwing }))
    for (const node of nodes) node['others'] = nodes
    const passed = await having(onward)(track({ properties: { nodes } }))
    const copied = (passed?.properties as { nodes: typeof nodes }).nodes
    expect(copied.map(({ id }) => id)).toEqual(numbers(40))
    expect(copied[0]).not.toBe(nodes[0])
    expect(copied[0]?.['others']).toBe(copied)
  })
})

describe('events', () => {
  test('go on in the order of the calls, however long each takes', async () => {
    let release: () => void = throwing
    const first = new Promise<void>((resolve) => (release = resolve))
    const instance = {}
    const middleware = createOn(instance)
    middleware.add(async ({ payload, next }) => {
      if ((payload as Payload)['event']?.() === 'first') await first
      next(payload)
    })
    const done: unknown[] = []
    middleware.pass(
      instance,
      track({ event: 'first' }),
      log,
      (event) => void done.push(event?.event),
    )
    const last = new Promise<void>((resolve) =>
      middleware.pass(instance, track({ event: 'second' }), log, (event) => {
        done.push(event?.event)
        resolve()
      }),
    )
    release()
    await last
    expect(done).toEqual(['first', 'second'])
  })

  test('are not kept back by one that cannot be taken', async () => {
    const instance = {}
    const middleware = createOn(instance)
    middleware.add(onward as unknown as DestinationMiddleware)
    middleware.pass(instance, track(), log, throwing)
    const next = new Promise((resolve) => middleware.pass(instance, track(), log, resolve))
    expect(await next).toEqual(track())
  })
})

function throwing(): never {
  throw new Error('of the site')
}
