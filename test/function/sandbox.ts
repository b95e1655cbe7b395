// By name, as another environment of the tests has its own.
import { atob, btoa, Buffer } from 'node:buffer'
import crypto from 'node:crypto'
import { readFileSync } from 'node:fs'
import https from 'node:https'
import { join } from 'node:path'
import { clearInterval, clearTimeout, setInterval, setTimeout } from 'node:timers'
import { URL, URLSearchParams } from 'node:url'
import { createContext, runInContext } from 'node:vm'
import nodeFetch from 'node-fetch-2'

/** What Segment makes of an invocation, in the words of its Event Delivery. */
export type Verdict =
  | { kind: 'delivered'; answer: unknown }
  | { kind: 'discarded'; as: string; message: string }
  | { kind: 'retried'; as: 'Retry' | 'Timeout'; message: string }

export type Settings = Record<string, unknown>
export type Payload = Record<string, unknown>

/** A deployed Function, as Segment calls it. */
export type Segment = {
  /** One invocation of the handler of the event's type. */
  invoke: (event: Payload, settings: Settings) => Promise<Verdict>
  /** One invocation of `onBatch`: a verdict for each event. */
  invokeBatch: (events: readonly Payload[], settings: Settings) => Promise<Verdict[]>
}

export const builtFile = join(import.meta.dirname, '../../dist/segment-function.js')

/** https://segment.com/docs/connections/functions/usage/ */
const killAfterMs = 5000

const handlers = {
  identify: 'onIdentify',
  track: 'onTrack',
  page: 'onPage',
  screen: 'onScreen',
  group: 'onGroup',
  alias: 'onAlias',
  delete: 'onDelete',
} as const
const handlerNames = [...Object.values(handlers), 'onBatch']

class RetryError extends Error {}
class InvalidEventPayload extends Error {}
class ValidationError extends Error {}
class EventNotSupported extends Error {}

// https://segment.com/docs/connections/functions/destination-functions/#destination-functions-error-types
const discards: [typeof RetryError, string][] = [
  [EventNotSupported, 'Unsupported Event Type'],
  [InvalidEventPayload, 'Message Rejected'],
  [ValidationError, 'Message Rejected'],
]

/** The libraries that Segment installs. Whoever touches one has a dependency. */
const libraries = [
  'AWS', 'FormData', 'OAuth', '_', 'fetchretrylib', 'google', 'hubspotlib', 'jsforce', 'jsonwebtoken',
  'libphonenumberjslib', 'mailchimplib', 'moment', 'nodemailjet', 'sendgrid', 'skyflowlib', 'stripe',
  'twilio', 'uuidv5', 'winstonlib', 'xml', 'xml2js', 'zlib',
] // prettier-ignore

const untouchable = (name: string): unknown =>
  new Proxy(() => undefined, {
    get: () => {
      throw new Error(`The Function depends on ${name}.`)
    },
  })

/**
 * The globals that Segment documents, and those of the runtime it has published; no others. So there
 * is no TextEncoder, AbortController, structuredClone, process or require.
 *
 * https://segment.com/docs/connections/functions/destination-functions/#runtime-and-dependencies
 * https://github.com/segmentio/functions-library/blob/master/buildpack/boreal/window.js
 */
function publishedGlobals(): Record<string, unknown> {
  const { Request, Response, Headers } = nodeFetch
  const globals = {
    ...Object.fromEntries(libraries.map((name) => [name, untouchable(name)])),
    atob, btoa, console, crypto, https, Buffer, URL, URLSearchParams,
    fetch: nodeFetch, Request, Response, Headers,
    setTimeout, setInterval, clearTimeout, clearInterval,
    RetryError, InvalidEventPayload, ValidationError, EventNotSupported,
    Segment: untouchable('Segment'),
    ServerRequest: untouchable('ServerRequest'),
    cache: { load: untouchable('cache'), delete: untouchable('cache') },
  } // prettier-ignore
  return { ...globals, window: { ...globals } }
}

/** All names that a Function may use besides those of JavaScript itself. */
export const globalNames = Object.keys(publishedGlobals())

/**
 * Deploys a Function's code, in the published runtime or one with other globals. Segment puts it into
 * a function, and takes its handlers by their names.
 */
export function deploy(code = readFileSync(builtFile, 'utf8'), others = {}): Segment {
  const context = createContext({ ...publishedGlobals(), ...others })
  const taken = handlerNames.map((name) => `taken.${name} = ${name}`).join('; ')
  const unsupported = (event: Payload): never => {
    throw new EventNotSupported(`${String(event['type'])} not supported`)
  }
  type Handler = (payload: unknown, settings: unknown) => unknown
  const found: Partial<Record<string, Handler>> = {}
  const wrapped = runInContext(
    `(function (taken, ${handlerNames.join(', ')}) {\n${code};\n${taken}\n})`,
    context,
  ) as (...args: unknown[]) => void
  wrapped(found, ...Object.values(handlers).map(() => unsupported), undefined)

  // What comes from outside is JSON, read by the Function's own realm.
  const parse = runInContext('JSON.parse', context) as (text: string) => unknown
  const received = (value: unknown): unknown => parse(JSON.stringify(value))

  async function run(name: string, payload: unknown, settings: Settings): Promise<Verdict> {
    let kill: NodeJS.Timeout | undefined
    const killed = new Promise<Verdict>((resolve) => {
      const verdict: Verdict = { kind: 'retried', as: 'Timeout', message: '' }
      kill = setTimeout(resolve, killAfterMs, verdict)
    })
    const invocation = async (): Promise<Verdict> => {
      try {
        const handler = found[name]
        return { kind: 'delivered', answer: await handler?.(received(payload), received(settings)) }
      } catch (error) {
        const { message } = error as Error
        if (error instanceof RetryError) return { kind: 'retried', as: 'Retry', message }
        const as = discards.find(([type]) => error instanceof type)?.[1] ?? 'Bad Request'
        return { kind: 'discarded', as, message }
      }
    }
    const verdict = await Promise.race([invocation(), killed])
    clearTimeout(kill)
    return verdict
  }

  /** https://segment.com/docs/connections/functions/destination-functions/#handling-batching-errors */
  function verdictOf({
    status,
    errormessage = '',
  }: {
    status: number
    errormessage?: string
  }): Verdict {
    if (status === 200) return { kind: 'delivered', answer: undefined }
    return status === 500
      ? { kind: 'retried', as: 'Retry', message: errormessage }
      : { kind: 'discarded', as: 'Bad Request', message: errormessage }
  }

  return {
    invoke: (event, settings) => {
      const name = handlers[event['type'] as keyof typeof handlers]
      return run(name, event, settings)
    },
    invokeBatch: async (events, settings) => {
      const verdict = await run('onBatch', events, settings)
      if (verdict.kind !== 'delivered') return events.map(() => verdict)
      const statuses = verdict.answer as { status: number; errormessage?: string }[]
      if (statuses.length !== events.length)
        throw new Error('One status for each event is asked for.')
      return statuses.map(verdictOf)
    },
  }
}
