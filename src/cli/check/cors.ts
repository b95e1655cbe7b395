// Pure: what pages may read of an answer.
import { isIP } from 'node:net'
import { short } from '../../testing/printable.ts'
import { type Finding, finding } from './finding.ts'
import type { Answer } from './probe.ts'
import type { Tried } from './tried.ts'

/** `hidden`: that there was an answer, and no more. `blocked`: not even that. */
export type Reading = 'same-origin' | 'allowed' | 'hidden' | 'blocked'

const isHost = (text: string): boolean => text.startsWith('[') || isIP(text) !== 0

/** As far as it can be told without the list of public suffixes: two labels in common are a site. */
const isSameSite = (endpoint: URL, page: URL): boolean => {
  const [one, other] = [endpoint.hostname, page.hostname]
  if (one === other) return true
  const siteOf = (host: string): string => host.split('.').slice(-2).join('.')
  return !isHost(one) && !isHost(other) && siteOf(one) === siteOf(other)
}

/** https://fetch.spec.whatwg.org/#cross-origin-resource-policy-header */
const isBlocked = ({ endpoint, origin }: Tried, { headers }: Answer): boolean => {
  const rule = headers.get('cross-origin-resource-policy')
  if (rule === 'same-origin') return true
  const page = new URL(origin)
  const isDowngrade = page.protocol === 'http:' && endpoint.protocol === 'https:'
  return rule === 'same-site' && (isDowngrade || !isSameSite(endpoint, page))
}

/** Whether pages of the origin may read what it answers. */
export const reading = (tried: Tried, answer: Answer): Reading => {
  const { endpoint, origin } = tried
  if (endpoint.origin === origin) return 'same-origin'
  const allowed = answer.headers.get('access-control-allow-origin')
  if (allowed === '*' || allowed === origin) return 'allowed'
  return isBlocked(tried, answer) ? 'blocked' : 'hidden'
}

export const cors = (tried: Tried, answer: Answer): Finding => {
  const { origin, isGiven, post: sent } = tried
  const kind = reading(tried, answer)
  if (kind === 'same-origin') return finding('CORS', 'ok', 'The page is of the same origin.')
  if (kind === 'allowed') {
    return finding('CORS', 'ok', `Pages of ${origin} may read its answers.`)
  }
  const allowed = answer.headers.get('access-control-allow-origin')
  const policy = answer.headers.get('cross-origin-resource-policy') ?? ''
  const carries =
    allowed === null
      ? 'Its answers carry no `Access-Control-Allow-Origin`'
      : `Its answers are for ${short(allowed)}`
  const todo = [
    ...(isGiven ? [] : ['Name your application with `--origin`.']),
    ...(sent ? [] : ['Its answers to a POST may differ: `--send` tells.']),
    `Have it send \`Access-Control-Allow-Origin: ${isGiven ? origin : '*'}\`, or use a proxy of your own.`,
  ].join(' ')
  return kind === 'blocked'
    ? finding(
        'CORS',
        'failed',
        `${carries}, but \`Cross-Origin-Resource-Policy: ${short(policy)}\`: to pages of ${origin} each hit looks like a network error, and waits.`,
        todo,
      )
    : finding('CORS', 'warning', `${carries}: pages of ${origin} cannot read them.`, todo)
}

export const retryAfter = (tried: Tried, answer: Answer): Finding => {
  const kind = reading(tried, answer)
  if (kind === 'same-origin') return finding('Retry-After', 'ok', 'It can be read.')
  const exposed = (answer.headers.get('access-control-expose-headers') ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
  if (kind === 'allowed' && (exposed.includes('retry-after') || exposed.includes('*'))) {
    return finding('Retry-After', 'ok', 'It can be read.')
  }
  return finding(
    'Retry-After',
    'warning',
    'Pages cannot read it: after a 429 or 503 the plugin goes by its own times, 1 s to 7.5 min.',
    'Have `Access-Control-Expose-Headers: Retry-After` sent, above all with 429 and 503.',
  )
}
