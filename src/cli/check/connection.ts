// Pure: what is between a page and the endpoint, whatever it answers.
import { isLoopback } from '../../testing/guard.ts'
import { type Finding, finding } from './finding.ts'
import { type Answer, isAnswer } from './probe.ts'
import type { Tried } from './tried.ts'

const SLOW_MS = 2000
/** When the plugin gives up. */
const LIMIT_MS = 10_000

/**
 * For a browser, so is every name under `localhost`.
 * https://w3c.github.io/webappsec-secure-contexts/#is-origin-trustworthy
 */
const isThisMachine = ({ hostname }: URL): boolean =>
  /(^|\.)localhost\.?$/.test(hostname) || isLoopback(hostname.replace(/^\[|\]$/g, ''))

export const tls = ({ endpoint, origin, isUnverified }: Tried): Finding => {
  if (endpoint.protocol === 'https:') {
    return isUnverified
      ? finding(
          'TLS',
          'warning',
          'The certificate was not verified: NODE_TLS_REJECT_UNAUTHORIZED is 0.',
          'Unset it, and check again: browsers verify.',
        )
      : finding('TLS', 'ok', 'The certificate is valid.')
  }
  if (isThisMachine(endpoint)) {
    return finding('TLS', 'ok', 'None, and on this machine none is needed.')
  }
  const isSecurePage = origin.startsWith('https:')
  return finding(
    'TLS',
    isSecurePage ? 'failed' : 'warning',
    isSecurePage
      ? 'None: browsers let no https page send to an http address.'
      : 'None: whoever is on the way reads every hit.',
    'Give the endpoint a certificate, and an https address.',
  )
}

/** The time of what counts most: of the hit, else of what came on a connection that was there. */
export const time = ({ get, again, post }: Tried, judged: Answer): Finding => {
  const { ms } = post || !again || !isAnswer(again) ? judged : again
  const first = isAnswer(get) && get.ms !== ms ? `, the first time in ${get.ms} ms` : ''
  const says = `It answers in ${ms} ms${first}.`
  if (ms < SLOW_MS) return finding('Time', 'ok', says)
  const limit = `${says} After ${LIMIT_MS} ms the plugin gives up, and tries later.`
  return finding('Time', ms < LIMIT_MS ? 'warning' : 'failed', limit)
}

export const policy = ({ endpoint }: Tried): Finding =>
  finding(
    'Policy',
    'ok',
    `If your pages have a Content-Security-Policy: connect-src ${endpoint.origin}`,
  )

export const localNetwork = ({ endpoint, origin }: Tried): Finding[] =>
  isThisMachine(endpoint) && !isThisMachine(new URL(origin))
    ? [
        finding(
          'Browser',
          'warning',
          `Chrome asks the person before a page of ${origin} may reach this machine, and Safari may refuse it.`,
          'Develop on a page of this machine, such as http://localhost.',
        ),
      ]
    : []
