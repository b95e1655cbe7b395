// Pure: what pages may read of an answer.
import { short } from '../../testing/printable.ts'
import { type Finding, finding } from './finding.ts'
import type { Answer } from './probe.ts'
import type { Tried } from './tried.ts'

export type Reading = 'same-origin' | 'allowed' | 'hidden'

/** Whether pages of the origin may read what it answers. */
export const reading = ({ endpoint, origin }: Tried, { headers }: Answer): Reading => {
  if (endpoint.origin === origin) return 'same-origin'
  const allowed = headers.get('access-control-allow-origin')
  return allowed === '*' || allowed === origin ? 'allowed' : 'hidden'
}

export const cors = (tried: Tried, answer: Answer): Finding => {
  const { origin, isGiven, post: sent } = tried
  const kind = reading(tried, answer)
  if (kind === 'same-origin') return finding('CORS', 'ok', 'The page is of the same origin.')
  if (kind === 'allowed') {
    return finding('CORS', 'ok', `Pages of ${origin} may read its answers.`)
  }
  const allowed = answer.headers.get('access-control-allow-origin')
  const says =
    allowed === null
      ? `Its answers carry no \`Access-Control-Allow-Origin\`: pages of ${origin} cannot read them.`
      : `Its answers are for ${short(allowed)}: pages of ${origin} cannot read them.`
  const todo = [
    ...(isGiven ? [] : ['Name your application with `--origin`.']),
    ...(sent ? [] : ['Its answers to a POST may differ: `--send` tells.']),
    `Have it send \`Access-Control-Allow-Origin: ${isGiven ? origin : '*'}\`, or use a proxy of your own.`,
  ]
  return finding('CORS', 'warning', says, todo.join(' '))
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
