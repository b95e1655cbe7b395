import type { IncomingMessage, ServerResponse } from 'node:http'
import { checkFault } from './check-fault.ts'
import { readBody, reply, send } from './exchange.ts'
import type { Fault } from './faults.ts'
import type { ReceivedRequest, RequestLog } from './log.ts'
import { featureOf, type HitFields } from './protocol.ts'
import { check, optional } from './rules.ts'

/** What the control routes need. */
export type ControlParts = {
  /** The one origin whose pages may use them; without it, none may. */
  controlOrigin: string | undefined
  log: RequestLog
  setFault: (fault: Fault | undefined) => void
}

/** What a page asks for: a fault or, with `undefined`, health. */
type Order = { fault: Fault | undefined } | { problems: string[] }

const featureRule = optional<unknown>('a string', (value) => typeof value === 'string')

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const parseOrder = (text: string): Order => {
  const order = parseJson(text)
  if (order === null) return { fault: undefined }
  if (typeof order !== 'object' || Array.isArray(order)) {
    return { problems: ['The body must be the JSON of a fault, or `null` to heal.'] }
  }
  const { feature, ...fault }: Record<string, unknown> = { ...order }
  const problems = [...checkFault(fault), ...check('feature', featureRule, feature)]
  if (problems.length > 0) return { problems }
  // JSON has no functions: a page names the feature instead.
  const where = (hit: HitFields): boolean => feature === undefined || featureOf(hit) === feature
  return { fault: { ...(fault as Fault), where } }
}

/** The log so far, then live, as Server-Sent Events. */
const stream = (res: ServerResponse, { news, requests }: RequestLog): void => {
  const show = (received: ReceivedRequest): void => {
    res.write(`data: ${JSON.stringify(received)}\n\n`)
  }
  const clear = (): void => {
    res.write('event: clear\ndata:\n\n')
  }
  // An EventSource reconnects by itself and is then told everything again: it starts afresh.
  clear()
  requests.forEach(show)
  news.on('request', show).on('clear', clear)
  res.once('close', () => news.off('request', show).off('clear', clear))
}

/**
 * Answers under `/control/`: `GET requests` (events: one `clear`, then each request as JSON),
 * `POST fault` (the JSON of a fault, with `feature` in place of `where`, or `null`), `POST clear`.
 *
 * Any page of any site can reach a server on this machine, and the log holds identities: so all of
 * this is for one origin.
 */
export const control = async (
  req: IncomingMessage,
  res: ServerResponse,
  { controlOrigin, log, setFault }: ControlParts,
): Promise<void> => {
  if (controlOrigin === undefined || req.headers.origin !== controlOrigin) {
    const allowed = controlOrigin ?? 'nobody, as no `controlOrigin` was given'
    send(res, reply(403, `The control routes are for ${allowed}.`, {}))
    return
  }
  const headers = { 'Access-Control-Allow-Origin': controlOrigin }
  if (req.method === 'OPTIONS') {
    const allowed = {
      'Access-Control-Allow-Methods': 'GET, POST',
      'Access-Control-Allow-Headers': 'Content-Type',
    }
    send(res, reply(204, '', { ...headers, ...allowed }))
    return
  }
  switch (`${req.method ?? ''} ${req.url ?? ''}`) {
    case 'GET /control/requests':
      res.writeHead(200, {
        ...headers,
        'Content-Type': 'text/event-stream',
        'Cache-Control': 'no-store',
      })
      stream(res, log)
      return
    case 'POST /control/clear':
      log.clear()
      send(res, reply(204, '', headers))
      return
    case 'POST /control/fault': {
      const order = parseOrder((await readBody(req)).text)
      if ('problems' in order) {
        send(res, reply(400, order.problems.join('\n'), headers))
        return
      }
      setFault(order.fault)
      send(res, reply(204, '', headers))
      return
    }
    default:
      send(
        res,
        reply(
          404,
          'There are GET /control/requests, POST /control/fault and POST /control/clear.',
          headers,
        ),
      )
  }
}
