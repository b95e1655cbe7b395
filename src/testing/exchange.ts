import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http'
import { setTimeout } from './timers.ts'

/** An answer as data; {@link send} carries it out. */
export type Reply = {
  /** 0 when none is sent. */
  status: number
  headers: OutgoingHttpHeaders
  text: string
  /** What of it is sent. After `headers` and `nothing` the connection stays open. */
  sent: 'whole' | 'headers' | 'nothing' | 'reset'
  afterMs: number
}

/** Lets every page read an answer: a hit carries no credentials, so there is nothing to guard. */
export const ANY_ORIGIN = { 'Access-Control-Allow-Origin': '*' } as const

/** A plain text, whole and at once. */
export const reply = (status: number, text: string, headers: OutgoingHttpHeaders): Reply => ({
  status,
  // The texts quote strangers: no browser may guess HTML in them.
  headers: {
    'Content-Type': 'text/plain; charset=utf-8',
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  },
  text,
  sent: 'whole',
  afterMs: 0,
})

/** The path of a request's target, without its query. */
export const pathOf = ({ url = '' }: IncomingMessage): string => url.replace(/\?.*/s, '')

const write = (res: ServerResponse, { status, headers, text, sent }: Reply): void => {
  if (sent === 'nothing') return
  if (sent === 'reset') {
    res.socket?.resetAndDestroy()
    return
  }
  res.writeHead(status, headers)
  if (sent === 'whole') res.end(text)
  else res.flushHeaders()
}

/** Carries out a reply. */
export const send = (res: ServerResponse, reply: Reply): void => {
  if (reply.afterMs === 0) {
    write(res, reply)
    return
  }
  // The connection keeps the process alive for as long as anybody waits.
  setTimeout(() => write(res, reply), reply.afterMs).unref()
}

/** A body as far as it was read, and why no further. */
export type Body = { text: string; end: 'complete' | 'too-large' | 'cut-off' }

const MAX_READ_BYTES = 64 * 1024

/** Reads a body, but never more than 64 KiB, four times the largest hit, unless told. Never rejects. */
export const readBody = (req: IncomingMessage, maxBytes: number = MAX_READ_BYTES): Promise<Body> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = []
    let bytes = 0
    const finish = (end: Body['end']): void =>
      resolve({ text: Buffer.concat(chunks).toString(), end })
    if (Number(req.headers['content-length']) > maxBytes) {
      finish('too-large')
      return
    }
    req.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= maxBytes) chunks.push(chunk)
      else finish('too-large')
    })
    req.on('end', () => finish('complete'))
    req.on('error', () => finish('cut-off'))
  })
