import { within } from '../browser/deadline.ts'
import type { SegmentEvent } from '../hit/event.ts'
import { field } from '../hit/read.ts'
import { copy } from './copy.ts'
import { facade } from './facade.ts'
import type { DestinationMiddleware } from './host.ts'
import { shared } from './shared.ts'

/** One that hangs must not hold up all that come after it. */
const timeoutMs = 10_000

/** Where errors of middlewares, and what they ask for and cannot have, are logged. */
type Log = {
  failed: (message: string, error?: unknown) => void
  /** Once. */
  warn: (message: string) => void
}

/** The middlewares that somebody has put before this destination, on each instance. */
export type Middleware = {
  /** The plugin is registered on an instance, or no longer. */
  enter: (instance: object) => void
  leave: (instance: object) => void
  /** As Segment calls it, for each copy of the package that is registered. */
  add: (...middlewares: DestinationMiddleware[]) => void
  isInstalled: (instance: object) => boolean
  /**
   * Asks each middleware in turn, with a copy of the event; `undefined` when one stops it, by not
   * calling `next`, by handing on nothing, by throwing, or by taking more than 10 seconds.
   */
  ask: (instance: object, event: object, log: Log) => Promise<SegmentEvent | undefined>
  /** The same in the order of the calls, and then `onDone`, which the next one waits for. */
  pass: (
    instance: object,
    event: object,
    log: Log,
    onDone: (event: SegmentEvent | undefined) => void | Promise<void>,
  ) => void
  /** Resolves when all events so far are through. */
  settled: () => Promise<void>
}

/** Of an instance; all copies of the package on it have the same. */
const listOf = (instance: object) =>
  shared(instance, 'skalin-analytics-plugin:middleware', (): DestinationMiddleware[] => [])

export function createMiddleware(): Middleware {
  let instances: readonly object[] = []
  const early: DestinationMiddleware[] = []
  let last = Promise.resolve()

  /** Once, however many copies of the package, and registrations of this one, are told. */
  function put(instance: object, middleware: DestinationMiddleware): void {
    const list = listOf(instance)
    if (!list.includes(middleware)) list.push(middleware)
  }

  async function through(
    instance: object,
    event: unknown,
    log: Log,
  ): Promise<SegmentEvent | undefined> {
    let current = event as object
    for (const middleware of listOf(instance)) {
      let next: unknown
      const payload = facade(current, (method) =>
        log.warn(`A destination middleware called \`${method}()\`, which is not there.`),
      )
      await middleware({
        payload: payload as never,
        integration: 'Skalin',
        next: (handed: unknown) => {
          next = field(handed, 'obj')
        },
      })
      if (typeof next !== 'object' || next === null) return undefined
      current = next
    }
    return current
  }

  const ask: Middleware['ask'] = async (instance, event, log) => {
    const late = {}
    const passing = through(instance, copy(event), log).catch((error: unknown) => {
      log.failed('A destination middleware threw: its event is not sent.', error)
      return undefined
    })
    const passed = await within<SegmentEvent | undefined>(timeoutMs, passing, late)
    if (passed !== late) return passed
    log.failed('A destination middleware took over 10 seconds: its event is not sent.')
    return undefined
  }

  return {
    enter(instance) {
      if (!instances.includes(instance)) instances = [...instances, instance]
      for (const middleware of early.splice(0)) put(instance, middleware)
    },
    leave(instance) {
      instances = instances.filter((other) => other !== instance)
    },
    add(...middlewares) {
      for (const middleware of middlewares) {
        if (typeof middleware !== 'function') continue
        if (instances.length === 0) early.push(middleware)
        for (const instance of instances) put(instance, middleware)
      }
    },
    isInstalled: (instance) => listOf(instance).length > 0,
    ask,
    pass(instance, event, log, onDone) {
      // As of now: whoever holds the event may change it until its turn comes.
      const copied = copy(event) as object
      last = last
        .then(() => ask(instance, copied, log))
        .then(onDone)
        // One event that cannot be taken must not keep back all that come after it.
        .catch((error: unknown) => log.failed('An event could not be taken.', error))
    },
    settled: () => last,
  }
}
