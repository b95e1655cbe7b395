import { within } from '../browser/deadline.ts'
import type { SegmentEvent } from '../hit/event.ts'
import { field } from '../hit/read.ts'
import type { DestinationMiddleware } from './host.ts'

/** One that hangs must not hold up all that come after it. */
const timeoutMs = 10_000

type Payload = { obj: object; [method: string]: unknown }

const readers = [
  'type', 'action', 'userId', 'anonymousId', 'groupId', 'messageId', 'event', 'name', 'category',
  'properties', 'traits', 'context', 'integrations', 'timestamp',
] // prettier-ignore

/** What a middleware sees of an event: the part of Segment's Facade that middlewares use. */
function facade(event: object): Payload {
  const reader = (name: string) =>
    [name, () => field(event, name === 'action' ? 'type' : name)] as const
  return {
    obj: event,
    rawEvent: () => event,
    json: () => event,
    ...Object.fromEntries(readers.map(reader)),
  }
}

function copy(event: object): object {
  try {
    return structuredClone(event)
  } catch {
    // A function among the properties, say. The other fields are copied all the same.
    return Object.fromEntries(
      Object.entries(event).map(([name, value]: [string, unknown]) => [name, copyField(value)]),
    )
  }
}

function copyField(value: unknown): unknown {
  try {
    return structuredClone(value)
  } catch {
    return typeof value === 'object' ? { ...value } : value
  }
}

/** The middlewares that somebody has put before the plugin. */
export type Middleware = {
  add: (...middlewares: DestinationMiddleware[]) => void
  isInstalled: () => boolean
  /** Goes through in the order of the calls, and then to `onDone`, which the next one waits for. */
  pass: (event: object, onDone: (event: SegmentEvent | undefined) => void | Promise<void>) => void
  /** Goes through at once. */
  ask: (event: object) => Promise<SegmentEvent | undefined>
  /** Resolves when all events so far are through. */
  settled: () => Promise<void>
}

/**
 * Asks each middleware in turn, with a copy of the event; `undefined` when one stops it, by not
 * calling `next`, by handing on nothing, by throwing, or by taking more than 10 seconds.
 */
export function createMiddleware(): Middleware {
  const installed: DestinationMiddleware[] = []
  let last = Promise.resolve()

  async function through(event: object): Promise<SegmentEvent | undefined> {
    let current: object = event
    for (const middleware of installed) {
      let next: unknown
      await middleware({
        payload: facade(current) as never,
        integration: 'Skalin',
        next: (payload: unknown) => {
          next = field(payload, 'obj')
        },
      })
      if (typeof next !== 'object' || next === null) return undefined
      current = next
    }
    return current
  }

  const ask = (event: object) =>
    within(timeoutMs, through(copy(event)), undefined).catch(() => undefined)

  return {
    settled: () => last,
    ask,

    add: (...middlewares) => {
      installed.push(...middlewares.filter((middleware) => typeof middleware === 'function'))
    },
    isInstalled: () => installed.length > 0,
    pass(event, onDone) {
      const copied = copy(event)
      last = last
        .then(() => within(timeoutMs, through(copied), undefined).catch(() => undefined))
        .then(onDone)
        // One event that cannot be taken must not keep back all that come after it.
        .catch(() => undefined)
    },
  }
}
