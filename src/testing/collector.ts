import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { URL } from 'node:url'
import { checkFault } from './check-fault.ts'
import { createControl } from './control.ts'
import type { Fault } from './faults.ts'
import { createGuard, originOf, usualHost } from './guard.ts'
import { createHitRoute } from './hit-route.ts'
import { createHits, type HitQuery } from './hits.ts'
import { createJournal } from './journal.ts'
import { createLog } from './log.ts'
import { checkOptions, type CollectorOptions } from './options.ts'
import type { ReceivedHit, ReceivedRequest } from './received.ts'
import { createRoutes, type Pages } from './routes.ts'
import { createUserCode } from './user-code.ts'

/** A local stand-in for Skalin's collector, which checks each hit and fails on demand. */
export type Collector = {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string
  /** `<origin>/hit`: the plugin's `endpoint` setting. */
  readonly endpoint: string
  /** Every request to `/hit` since the last {@link Collector.clear}, oldest first; it grows live. */
  readonly requests: readonly ReceivedRequest[]
  /**
   * Waits for accepted hits, 5,000 ms unless told, and resolves to all there are by then.
   *
   * Of hits with one `client_id` and `event_id` the last one counts, at the place of the first, as
   * Skalin documents. Rejects after the deadline, or when the collector is closed, with an error that
   * prints what arrived instead; and with what a function of yours threw.
   *
   * @example
   * import { createCollector } from 'skalin-analytics-plugin/testing'
   *
   * const collector = await createCollector()
   * const [hit] = await collector.hits({ where: ({ action }) => action === 'ui' }, 2000)
   */
  readonly hits: (query?: HitQuery, deadlineMs?: number) => Promise<ReceivedHit[]>
  /** Sets the fault, in place of any other; `undefined` heals. Throws a TypeError for a wrong one. */
  readonly fault: (fault: Fault | undefined) => void
  /** Cuts all connections and refuses new ones. */
  readonly down: () => Promise<void>
  /** Listens again, on the same port. */
  readonly up: () => Promise<void>
  /** Forgets {@link Collector.requests}. */
  readonly clear: () => void
  /**
   * Cuts all connections and frees the port: {@link Collector.down}, for good. Rejects with what a
   * function of yours threw, if no `hits()` has told it.
   */
  readonly close: () => Promise<void>
}

/** Where pages show what came, nobody reads the log, and it must not grow for days. */
const KEPT_BESIDE_PAGES = 100

const listen = async (server: Server, port: number, host: string): Promise<void> => {
  server.listen(port, host)
  await once(server, 'listening')
}

/** {@link createCollector}; with pages of its own, where no test says who sends, either may. */
export const startCollector = async (
  options: CollectorOptions,
  pages?: Pages,
): Promise<Collector> => {
  const problems = checkOptions(options)
  if (problems.length > 0) throw new TypeError(problems.join(' '))
  const { port = 0, sender = pages ? undefined : 'browser', onRequest } = options
  const host = usualHost(options.host ?? '127.0.0.1')
  const controlOrigin = options.controlOrigin && new URL(options.controlOrigin).origin

  const userCode = createUserCode()
  const log = createLog(pages ? KEPT_BESIDE_PAGES : Infinity)
  const queue = createHits(log, userCode)
  const journal = createJournal()
  // Nobody else can read it.
  if (pages ?? controlOrigin) log.news.on('request', (received) => journal.add('request', received))
  if (onRequest) {
    log.news.on('request', (received) =>
      userCode.tell('`onRequest`', received.hit, () => onRequest(received)),
    )
  }

  const server = createServer()
  await listen(server, port, host)
  // Safe: an HTTP server on TCP has an `AddressInfo` from `listening` on.
  const { port: ownPort } = server.address() as AddressInfo
  const isAnyAddress = host === '0.0.0.0' || host === '::'
  const origin = originOf(isAnyAddress ? '127.0.0.1' : host, ownPort)
  const endpoint = `${origin}/hit`

  const clear = (): void => {
    log.clear()
    journal.clear()
  }
  const hitRoute = createHitRoute({ log, sender, userCode, onFault: () => control.tellFault() })
  const control = createControl({
    journal,
    // Of another machine, the address that this one has for itself is its own.
    endpointOf: ({ headers }) => (isAnyAddress ? `http://${headers.host ?? ''}/hit` : endpoint),
    fault: hitRoute.fault,
    setFault: hitRoute.setFault,
    clear,
  })
  const guard = createGuard(host, ownPort)
  const routes = createRoutes({
    guard,
    controlOrigin,
    endpoint,
    hitRoute,
    control,
    journal,
    pages,
    onStray: log.stray,
  })
  server.on('request', routes(userCode.fail))

  let isClosed = false
  // One after the other, as they were called: a server that is closed before it listens would listen
  // all the same, and one that is closing still says that it does.
  let turn = Promise.resolve()
  const inTurn = (step: () => Promise<void>): Promise<void> => (turn = turn.then(step, step))
  const down = (): Promise<void> =>
    inTurn(async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    })

  return {
    origin,
    endpoint,
    requests: log.requests,
    hits: queue.hits,
    fault: (fault) => {
      const wrong = fault === undefined ? [] : checkFault(fault)
      if (wrong.length > 0) throw new TypeError(wrong.join(' '))
      hitRoute.setFault(fault)
    },
    down,
    up: async () => {
      if (isClosed) throw new Error('The collector was closed: create another.')
      await inTurn(async () => {
        if (!server.listening && !isClosed) await listen(server, ownPort, host)
      })
    },
    clear,
    close: async () => {
      isClosed = true
      queue.close()
      await down()
      const failure = userCode.takeFailure()
      if (failure) throw failure
    },
  }
}

/**
 * Starts a collector on 127.0.0.1. Rejects with Node's own error when it cannot have the port, and
 * with a TypeError for wrong options.
 *
 * @example
 * import { createCollector } from 'skalin-analytics-plugin/testing'
 *
 * const collector = await createCollector()
 * // … let a page send to collector.endpoint …
 * const hits = await collector.hits({ count: 2 })
 * await collector.close()
 */
export const createCollector = (options: CollectorOptions = {}): Promise<Collector> =>
  startCollector(options)
