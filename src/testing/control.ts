import type { IncomingMessage, ServerResponse } from 'node:http'
import { checkFault } from './check-fault.ts'
import { streamEvents } from './events.ts'
import { pathOf, readBody, reply, send } from './exchange.ts'
import type { ActiveFault, Fault } from './faults.ts'
import type { Journal } from './journal.ts'
import { featureOf, type HitFields } from './protocol.ts'
import { check, optional } from './rules.ts'

/** What the control routes need. */
export type ControlParts = {
  journal: Journal
  /** Where hits go, by the name that this page has the server by. */
  endpointOf: (req: IncomingMessage) => string
  fault: () => ActiveFault | undefined
  setFault: (fault: ActiveFault | undefined) => void
  clear: () => void
}

/** What a page asks for: a fault or, with `undefined`, health. */
type Order = { fault: ActiveFault | undefined } | { problems: string[] }

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
  if (feature === undefined) return { fault: fault as Fault }
  // JSON has no functions: a page names the feature instead.
  const where = (hit: HitFields): boolean => featureOf(hit) === feature
  return { fault: { ...(fault as Fault), where, feature: feature as string } }
}

/** The control routes of one collector. */
export type Control = {
  readonly receive: (
    req: IncomingMessage,
    res: ServerResponse,
    headers: Record<string, string>,
  ) => Promise<void>
  /** Tells all inspectors which fault is set. */
  readonly tellFault: () => void
}

/**
 * Answers under `/control/`: `GET events` (Server-Sent Events), `POST fault` (the JSON of a fault,
 * with `feature` in place of `where`, or `null`), `POST clear`. Who may ask has been checked.
 */
export const createControl = ({
  journal,
  endpointOf,
  fault,
  setFault,
  clear,
}: ControlParts): Control => {
  const readers = new Set<(name: string, value: unknown) => void>()

  return {
    tellFault: () => {
      for (const tell of readers) tell('fault', fault() ?? null)
    },
    receive: async (req, res, headers) => {
      switch (`${req.method ?? ''} ${pathOf(req)}`) {
        case 'GET /control/events': {
          const type = { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' }
          res.writeHead(200, { ...headers, ...type })
          const greeting = () => ({ endpoint: endpointOf(req), fault: fault() ?? null })
          const tell = streamEvents(req, res, { journal, greeting })
          readers.add(tell)
          res.once('close', () => readers.delete(tell))
          return
        }
        case 'POST /control/clear':
          clear()
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
        default: {
          const text = 'There are GET /control/events, POST /control/fault and POST /control/clear.'
          send(res, reply(404, text, headers))
        }
      }
    },
  }
}
