import { request, type IncomingHttpHeaders, type RequestOptions } from 'node:http'
import { onTestFinished } from 'vitest'
import { createCollector, type Collector, type CollectorOptions } from '../../src/testing/index.ts'

type Fields = Record<string, string>

/** Other values for a hit's fields; `undefined` removes one. */
export type Changes = Record<string, string | undefined>

const changed = (fields: Fields, changes: Changes): Fields =>
  Object.fromEntries(
    Object.entries({ ...fields, ...changes }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  )

const common = {
  rec: '1',
  client_id: 'client',
  event_id: '0123456789abcdef',
  visitor_id: '8f14e45fceea167a',
  visit_id: '45c48cce2e2d7fbd',
  localtime: '13:04:05',
  ts: '2026-11-24T12:04:05',
}

/** A valid hit of the feature `Import`. */
export const featureHit = (changes: Changes = {}): Fields =>
  changed({ ...common, action: 'ev', event: '{"name":"Import","event_name":"feature"}' }, changes)

/** A valid hit of the identity of Alice. */
export const identityHit = (changes: Changes = {}): Fields =>
  changed({ ...common, action: 'ui', identity: '{"id":"alice","email":"a@example.com"}' }, changes)

/** A collector that ends with its test. */
export const startCollector = async (options?: CollectorOptions): Promise<Collector> => {
  const collector = await createCollector(options)
  onTestFinished(collector.close)
  return collector
}

/** Sends a hit as the plugin does. */
export const post = (collector: Collector, hit: Fields = featureHit()): Promise<Response> =>
  fetch(collector.endpoint, {
    method: 'POST',
    body: new URLSearchParams(hit),
    redirect: 'manual',
  })

/** Answers whether a promise is still undecided now. */
export const isPending = async (promise: Promise<unknown>): Promise<boolean> => {
  const pending = Symbol('pending')
  return (await Promise.race([promise, Promise.resolve(pending)])) === pending
}

/** A request on a connection of its own, with headers that `fetch` keeps for itself. */
export const rawRequest = (
  url: string,
  { body = '', ...options }: RequestOptions & { body?: string } = {},
): Promise<{ status: number | undefined; headers: IncomingHttpHeaders; text: string }> =>
  new Promise((resolve, reject) => {
    const req = request(url, { agent: false, ...options }, (res) => {
      let text = ''
      res.on('data', (chunk: Buffer) => (text += chunk.toString()))
      res.on('end', () => resolve({ status: res.statusCode, headers: res.headers, text }))
      res.on('error', reject)
    })
    req.on('error', reject)
    req.end(body)
  })
