import type { IncomingMessage, ServerResponse } from 'node:http'
import { URLSearchParams } from 'node:url'
import { ANY_ORIGIN, type Body, pathOf, readBody, reply, type Reply, send } from './exchange.ts'
import { type ActiveFault, underFault } from './faults.ts'
import type { RequestLog } from './log.ts'
import { checkRequest, type HitFields, type Sender } from './protocol.ts'
import type { UserCode } from './user-code.ts'

/** The route `/hit`, with the fault it is under. */
export type HitRoute = {
  receive: (req: IncomingMessage, res: ServerResponse) => Promise<void>
  fault: () => ActiveFault | undefined
  setFault: (fault: ActiveFault | undefined) => void
}

/** What the route needs. */
export type HitRouteParts = {
  log: RequestLog
  /** Without one each request tells: a browser never posts without an `Origin`, a server has none. */
  sender: Sender | undefined
  userCode: UserCode
  /** Told when a fault is set or has ended. */
  onFault: () => void
}

// Not cached by the browser, so that the log shows every preflight.
const PREFLIGHT = {
  ...ANY_ORIGIN,
  'Access-Control-Allow-Methods': 'POST',
  'Access-Control-Allow-Headers': '*',
  'Access-Control-Max-Age': '0',
}

const UNREAD: Record<Exclude<Body['end'], 'complete'>, string> = {
  'too-large': 'The body is longer than 65536 bytes and was not read further.',
  'cut-off': 'The connection ended before the whole request had come.',
}

const healthyReply = (method: string, end: Body['end'], problems: string[]): Reply => {
  const text = problems.join('\n')
  if (end === 'cut-off') return { ...reply(0, '', {}), sent: 'nothing' }
  if (end === 'too-large') return reply(413, text, { ...ANY_ORIGIN, Connection: 'close' })
  if (method === 'OPTIONS') return reply(204, '', PREFLIGHT)
  return reply(problems.length === 0 ? 200 : 400, text, ANY_ORIGIN)
}

/** A route that checks each request, writes it down and answers it, healthy to begin with. */
export const createHitRoute = ({ log, sender, userCode, onFault }: HitRouteParts): HitRoute => {
  let current: ActiveFault | undefined
  let strikesLeft = 0

  const setFault = (fault: ActiveFault | undefined): void => {
    current = fault
    strikesLeft = fault?.times ?? Infinity
    onFault()
  }

  const nextFault = (hit: HitFields): ActiveFault | undefined => {
    const fault = current
    const { where } = fault ?? {}
    if (where && !userCode.ask('The `where` of the fault', hit, () => where(hit))) return undefined
    strikesLeft -= 1
    if (strikesLeft === 0) setFault(undefined)
    return fault
  }

  /** The answer, and what is wrong with the request. */
  const check = (
    method: string,
    hit: HitFields,
    end: Body['end'],
    problems: string[],
  ): [Reply, string[]] => {
    const healthy = healthyReply(method, end, problems)
    if (end !== 'complete' || method === 'OPTIONS') return [healthy, problems]
    try {
      const fault = nextFault(hit)
      return [fault ? underFault(fault, healthy) : healthy, problems]
    } catch (failure) {
      // The user's test is told; the page must not wait for an answer meanwhile.
      const { message } = failure as Error
      return [reply(500, message, ANY_ORIGIN), [...problems, message]]
    }
  }

  return {
    fault: () => current,
    setFault,
    receive: async (req, res) => {
      const { method = '', url = '', headers } = req
      const { text: body, end } = await readBody(req)
      const hit = Object.fromEntries(new URLSearchParams(body))
      const wrong =
        end === 'complete'
          ? checkRequest({
              method,
              query: url.slice(pathOf(req).length + 1),
              contentType: headers['content-type'],
              body,
              sender: sender ?? (headers.origin === undefined ? 'server' : 'browser'),
            })
          : [UNREAD[end]]
      const [answer, problems] = check(method, hit, end, wrong)
      const { status, sent } = answer
      const accepted = problems.length === 0 && sent === 'whole' && status >= 200 && status < 300
      log.add({ at: Date.now(), method, url, headers, body, hit, problems, status, accepted })
      send(res, answer)
    },
  }
}
