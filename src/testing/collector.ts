import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { checkFault } from './check-fault.ts'
import { control } from './control.ts'
import { ANY_ORIGIN, reply, send } from './exchange.ts'
import type { Fault } from './faults.ts'
import { createHitRoute, pathOf } from './hit-route.ts'
import { createLog, type HitQuery, type ReceivedHit, type ReceivedRequest } from './log.ts'
import { short } from './printable.ts'

/** How to start a {@link Collector}. */
export type CollectorOptions = {
  /**
   * The port on 127.0.0.1; 0 is any free one. Give a number where an address must stay the same.
   *
   * @default 0
   */
  port?: number
  /**
   * The origin of the one page that may read the log and set faults through `/control/`, such as
   * `http://127.0.0.1:8080`. Without it these routes answer 403.
   *
   * @default undefined
   */
  controlOrigin?: string
  /**
   * Called with every request to `/hit` when it has come, before it is answered.
   *
   * @default undefined
   */
  onRequest?: (received: ReceivedRequest) => void
}

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
   * Skalin documents. Rejects after the deadline with an error that prints what arrived instead.
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
  /** Cuts all connections and frees the port: {@link Collector.down}, for good. */
  readonly close: () => Promise<void>
}

const HOST = '127.0.0.1'

const listen = async (server: Server, port: number): Promise<void> => {
  server.listen(port, HOST)
  await once(server, 'listening')
}

/**
 * Starts a collector on 127.0.0.1. Rejects with Node's own error when it cannot have the port.
 *
 * @example
 * import { createCollector } from 'skalin-analytics-plugin/testing'
 *
 * const collector = await createCollector()
 * // … let a page send to collector.endpoint …
 * const hits = await collector.hits({ count: 2 })
 * await collector.close()
 */
export const createCollector = async ({
  port = 0,
  controlOrigin,
  onRequest,
}: CollectorOptions = {}): Promise<Collector> => {
  const log = createLog()
  if (onRequest) log.news.on('request', onRequest)

  const { receive, setFault } = createHitRoute(log)
  const server = createServer()
  await listen(server, port)
  // Safe: an HTTP server on TCP has an `AddressInfo` from `listening` on.
  const { port: ownPort } = server.address() as AddressInfo
  const origin = `http://${HOST}:${ownPort}`
  const endpoint = `${origin}/hit`
  // By way of URL, because a browser leaves out port 80.
  const hosts = [HOST, 'localhost', '[::1]'].map(
    (host) => new URL(`http://${host}:${ownPort}`).host,
  )

  const route = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const path = pathOf(req)
    // Another name that leads here is DNS rebinding: a foreign page that passes for this origin.
    // https://owasp.org/www-community/attacks/DNS_Rebinding
    if (!hosts.includes(req.headers.host?.toLowerCase() ?? '')) {
      send(res, reply(421, `This server answers only to the hosts ${hosts.join(', ')}.`, {}))
    } else if (path === '/hit') {
      await receive(req, res)
    } else if (path.startsWith('/control/')) {
      await control(req, res, { controlOrigin, log, setFault })
    } else if (path === '/') {
      send(res, reply(200, `A local stand-in for Skalin's collector. POST hits to ${endpoint}`, {}))
    } else {
      const text = `There is nothing at ${short(path)}. POST hits to ${endpoint}`
      send(res, reply(404, text, ANY_ORIGIN))
    }
  }
  server.on('request', (req, res) => void route(req, res))

  const down = async (): Promise<void> => {
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }

  return {
    origin,
    endpoint,
    requests: log.requests,
    hits: log.hits,
    fault: (fault) => {
      const problems = fault === undefined ? [] : checkFault(fault)
      if (problems.length > 0) throw new TypeError(problems.join(' '))
      setFault(fault)
    },
    down,
    up: async () => {
      if (!server.listening) await listen(server, ownPort)
    },
    clear: log.clear,
    close: down,
  }
}
