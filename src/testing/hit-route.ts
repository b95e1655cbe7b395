import type { IncomingMessage, ServerResponse } from 'node:http'
import { ANY_ORIGIN, type Body, readBody, reply, type Reply, send } from './exchange.ts'
import { type Fault, underFault } from './faults.ts'
import type { RequestLog } from './log.ts'
import { checkRequest, type HitFields } from './protocol.ts'

/** The route `/hit`, with the fault it is under. */
export type HitRoute = {
  receive: (req: IncomingMessage, res: ServerResponse) => Promise<void>
  setFault: (fault: Fault | undefined) => void
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

/** The path of a request's target, without its query. */
export const pathOf = ({ url = '' }: IncomingMessage): string => url.replace(/\?.*/s, '')

const healthyReply = (method: string, end: Body['end'], problems: string[]): Reply => {
  const text = problems.join('\n')
  if (end === 'cut-off') return { ...reply(0, '', {}), sent: 'nothing' }
  if (end === 'too-large') return reply(413, text, { ...ANY_ORIGIN, Connection: 'close' })
  if (method === 'OPTIONS') return reply(204, '', PREFLIGHT)
  return reply(problems.length === 0 ? 200 : 400, text, ANY_ORIGIN)
}

/** A route that judges each request, writes it down and answers it, healthy to begin with. */
export const createHitRoute = (log: RequestLog): HitRoute => {
  let current: Fault | undefined
  let strikesLeft = 0

  const nextFault = (hit: HitFields): Fault | undefined => {
    const fault = current
    if (!fault || (fault.where && !fault.where(hit))) return undefined
    strikesLeft -= 1
    if (strikesLeft === 0) current = undefined
    return fault
  }

  return {
    setFault: (fault) => {
      current = fault
      strikesLeft = fault?.times ?? Infinity
    },
    receive: async (req, res) => {
      const { method = '', url = '', headers } = req
      const { text: body, end } = await readBody(req)
      const hit = Object.fromEntries(new URLSearchParams(body))
      const problems =
        end === 'complete'
          ? checkRequest({
              method,
              query: url.slice(pathOf(req).length + 1),
              contentType: headers['content-type'],
              body,
            })
          : [UNREAD[end]]
      const healthy = healthyReply(method, end, problems)
      const fault = end === 'complete' && method !== 'OPTIONS' ? nextFault(hit) : undefined
      const answer = fault ? underFault(fault, healthy) : healthy
      const { status, sent } = answer
      const accepted = problems.length === 0 && sent === 'whole' && status >= 200 && status < 300
      log.add({ at: Date.now(), method, url, headers, body, hit, problems, status, accepted })
      send(res, answer)
    },
  }
}
