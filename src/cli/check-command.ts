import { printable } from '../testing/printable.ts'
import { MAX_DELAY_MS, isId, isOrigin } from '../testing/rules.ts'
import { diagnose } from './check/findings.ts'
import { identityHit } from './check/hit.ts'
import { isAnswer, probe } from './check/probe.ts'
import { tableOf } from './check/table.ts'
import type { Tried } from './check/tried.ts'
import type { Command } from './command.ts'

const DEFAULT_ENDPOINT = 'https://collect.skalin.io/hit'
/** Some origin that is not the endpoint's: any page's. */
const DEFAULT_ORIGIN = 'https://app.example.com'
/** As a shell says of a program that Ctrl+C has ended. */
const INTERRUPTED = 130
/** As long as the plugin waits. */
const DEFAULT_TIMEOUT = '10000'

const usage = `Usage: skalin-analytics-plugin check --client-id <id> [--endpoint <url>] [--origin <origin>]
                                     [--send --user-id <id> --email <address>] [--json]

Says whether an endpoint takes hits from your pages, and what to do if not. Sends no hit by itself.

  --client-id <id>    your Skalin Client ID
  --endpoint <url>    where hits go (default ${DEFAULT_ENDPOINT})
  --origin <origin>   your application's, such as ${DEFAULT_ORIGIN}
  --send              also send one hit, which says who somebody is: it counts as usage
  --user-id <id>      that person's id, with --send
  --email <address>   that person's e-mail address, with --send
  --customer-id <id>  that person's customer, with --send
  --timeout <ms>      how long to wait for an answer (default ${DEFAULT_TIMEOUT}, as the plugin does)
  --json              print the findings as JSON
  -h, --help          print this help

Exit code: 0 nothing was found against the endpoint, 1 something was, 2 the arguments are wrong.`

const isHttp = (text: string): boolean => {
  if (!URL.canParse(text)) return false
  const { protocol, username, password } = new URL(text)
  return /^https?:$/.test(protocol) && username + password === ''
}

/** What programs read a proxy's address from. */
const proxies = ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY']

const person = ['user-id', 'email', 'customer-id']

/** `skalin-analytics-plugin check`. */
export const checkCommand: Command = {
  usage,
  options: {
    'client-id': { allowed: 'your Skalin Client ID', accepts: isId, required: true },
    endpoint: { allowed: 'an absolute http(s) URL without credentials', accepts: isHttp },
    origin: { allowed: `an origin, such as ${DEFAULT_ORIGIN}`, accepts: isOrigin },
    send: {},
    'user-id': { allowed: 'a user id', accepts: isId },
    email: { allowed: 'an e-mail address', accepts: (text) => /^\S+@\S+$/.test(text) },
    'customer-id': { allowed: 'a customer id', accepts: isId },
    timeout: {
      allowed: `milliseconds from 1 to ${MAX_DELAY_MS}`,
      accepts: (text) => /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= MAX_DELAY_MS,
    },
    json: {},
  },
  run: async (given, io) => {
    const interrupted = new Promise<number>((resolve) => {
      io.signal.addEventListener('abort', () => resolve(INTERRUPTED))
    })
    return Promise.race([check(given, io), interrupted])
  },
}

const check: Command['run'] = async (given, { out }) => {
  const text = (name: string): string | undefined => (given[name] as string | undefined)?.trim()
  const userId = text('user-id')
  const email = text('email')
  if (given['send'] && userId === undefined && email === undefined) {
    return { problem: '`--send` needs a person: add `--user-id` or `--email`.' }
  }
  const useless = person.find((name) => !given['send'] && text(name) !== undefined)
  if (useless !== undefined) return { problem: `\`--${useless}\` goes with \`--send\`.` }

  const endpoint = new URL(text('endpoint') ?? DEFAULT_ENDPOINT)
  const { origin } = new URL(text('origin') ?? DEFAULT_ORIGIN)
  const options = { origin, timeoutMs: Number(text('timeout') ?? DEFAULT_TIMEOUT) }
  const get = await probe(endpoint.href, options)
  const tried: Tried = {
    endpoint,
    origin,
    isGiven: text('origin') !== undefined,
    isUnverified: process.env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0',
    hasProxy:
      process.env['NODE_USE_ENV_PROXY'] !== '1' && proxies.some((name) => process.env[name]),
    get,
  }
  if (given['send']) {
    const clientId = text('client-id') ?? ''
    const hit = { clientId, userId, email, customerId: text('customer-id') }
    tried.post = await probe(endpoint.href, { ...options, body: identityHit(hit, new Date()) })
  } else if (isAnswer(get)) {
    tried.again = await probe(endpoint.href, options)
  }

  const result = diagnose(tried)
  if (given['json']) out(printable(JSON.stringify({ endpoint: endpoint.href, origin, ...result })))
  else [`${endpoint.href}, for pages of ${origin}`, '', ...tableOf(result)].forEach(out)
  return result.findings.some(({ state }) => state === 'failed') ? 1 : 0
}
