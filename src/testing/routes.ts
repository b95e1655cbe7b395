import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { Control } from './control.ts'
import { ANY_ORIGIN, pathOf, readBody, reply, send } from './exchange.ts'
import { type Guard, mayControl } from './guard.ts'
import type { HitRoute } from './hit-route.ts'
import { parseInspections } from './inspection.ts'
import type { Journal } from './journal.ts'
import { short } from './printable.ts'

/** Files that a collector serves beside its routes, by path; `undefined` where there is none. */
export type Pages = (
  path: string,
) => Promise<{ headers: OutgoingHttpHeaders; body: string | Buffer } | undefined>

/** What the routes need. */
export type RouteParts = {
  guard: Guard
  controlOrigin: string | undefined
  endpoint: string
  hitRoute: HitRoute
  control: Control
  journal: Journal
  pages: Pages | undefined
  /** A POST came to a path that has nothing. */
  onStray: (path: string) => void
}

/** Calls carry Segment's events whole, each up to 32 kB. */
const MAX_INSPECTION_BYTES = 4 * 1024 * 1024

const PREFLIGHT = {
  'Access-Control-Allow-Methods': 'GET, POST',
  'Access-Control-Allow-Headers': 'Content-Type',
}

type Handler = (req: IncomingMessage, res: ServerResponse) => void

/** All that a collector answers. `onFailure` is told what should not have been thrown. */
export const createRoutes = ({
  guard,
  controlOrigin,
  endpoint,
  hitRoute,
  control,
  journal,
  pages,
  onStray,
}: RouteParts): ((onFailure: (failure: Error) => void) => Handler) => {
  /**
   * Any page of any site can reach a server on this machine, and the log holds identities: so this
   * is for one origin, and for this server's own pages.
   */
  const guardedControl = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    if (!mayControl(req, controlOrigin, pages !== undefined)) {
      const allowed =
        controlOrigin ??
        (pages ? 'this server’s own pages' : 'nobody, as no `controlOrigin` was given')
      send(res, reply(403, `The control routes are for ${allowed}.`, {}))
      return
    }
    const { origin } = req.headers
    const headers: Record<string, string> =
      origin === undefined ? {} : { 'Access-Control-Allow-Origin': origin }
    if (req.method === 'OPTIONS') send(res, reply(204, '', { ...headers, ...PREFLIGHT }))
    else await control.receive(req, res, headers)
  }

  /** Like hits, it comes from any page: from the application that is looked at. */
  const inspection = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    if (req.method !== 'POST') {
      send(res, reply(405, 'POST what `inspect()` tells.', ANY_ORIGIN))
      return
    }
    const { text, end } = await readBody(req, MAX_INSPECTION_BYTES)
    const parsed =
      end === 'complete'
        ? parseInspections(text)
        : { messages: [], problem: 'The body is too large.' }
    // One that is wrong is no reason to lose the others.
    for (const { kind, ...message } of parsed.messages) journal.add(kind, message)
    if (parsed.problem === undefined) send(res, reply(204, '', ANY_ORIGIN))
    else send(res, reply(400, parsed.problem, { ...ANY_ORIGIN, Connection: 'close' }))
  }

  const page = async (res: ServerResponse, path: string): Promise<boolean> => {
    const found = await pages?.(path)
    if (!found) return false
    res.writeHead(200, { 'Cache-Control': 'no-store', ...found.headers })
    res.end(found.body)
    return true
  }

  const answer = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const path = pathOf(req)
    const isRead = req.method === 'GET' || req.method === 'HEAD'
    // A hit is taken of any page, so that no name can lead to more: a container may have one of its own.
    if (path === '/hit') {
      await hitRoute.receive(req, res)
    } else if (!guard.isOwnHost(req.headers.host)) {
      const text = `This server answers only to the hosts ${guard.hosts.join(', ')}.`
      send(res, reply(421, text, {}))
    } else if (path.startsWith('/control/')) {
      await guardedControl(req, res)
    } else if ((pages ?? controlOrigin) && path === '/inspect') {
      await inspection(req, res)
    } else if (isRead && (await page(res, path))) {
      // Answered.
    } else if (path === '/' && isRead) {
      send(res, reply(200, `A local stand-in for Skalin's collector. POST hits to ${endpoint}`, {}))
    } else {
      if (req.method === 'POST') onStray(path)
      const text = `There is nothing at ${short(path)}. POST hits to ${endpoint}`
      send(res, reply(404, text, ANY_ORIGIN))
    }
  }

  return (onFailure) => (req, res) => {
    answer(req, res).catch((failure: unknown) => {
      onFailure(failure as Error)
      if (res.headersSent) res.destroy()
      else send(res, reply(500, 'The collector itself failed.', ANY_ORIGIN))
    })
  }
}
