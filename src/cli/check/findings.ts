// Pure: what the answers of an endpoint mean for the plugin.
import { isLoopback } from '../../testing/guard.ts'
import { short } from '../../testing/printable.ts'
import { explainFailure } from './failure.ts'
import { cors, reading, retryAfter } from './cors.ts'
import { type Finding, finding } from './finding.ts'
import { type Answer, isAnswer } from './probe.ts'
import type { Tried } from './tried.ts'

/** What the plugin will do with the endpoint. */
export type Verdict = 'readable' | 'opaque' | 'failing' | 'unreachable'

export type Findings = { verdict: Verdict; says: string; findings: Finding[] }

const SLOW_MS = 2000
const LIMIT_MS = 10_000

const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '')

const tls = ({ endpoint, origin }: Tried): Finding => {
  if (endpoint.protocol === 'https:') return finding('TLS', 'ok', 'The certificate is valid.')
  if (isLoopback(hostOf(endpoint))) {
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

const redirect = ({ endpoint }: Tried, { status, headers }: Answer): Finding => {
  if (status < 300 || status > 399) return finding('Redirects', 'ok', 'None.')
  const location = headers.get('location')
  const target =
    location !== null && URL.canParse(location, endpoint.href)
      ? new URL(location, endpoint.href).href
      : 'nowhere'
  return finding(
    'Redirects',
    'failed',
    `It answers ${status} to ${target}. The plugin follows no redirect: the hit would arrive empty.`,
    'Use the final address as `endpoint`.',
  )
}

const isBusy = (status: number): boolean => [408, 425, 429].includes(status) || status >= 500

const post = ({ post: sent }: Tried): Finding => {
  if (!sent) {
    return finding(
      'POST',
      'not tried',
      'A hit is usage, so none was sent.',
      'Add `--send` and `--user-id` or `--email` to send one `ui` hit.',
    )
  }
  if (!isAnswer(sent)) return { ...explainFailure(sent), check: 'POST' }
  const { status, text } = sent
  if (status >= 200 && status < 300) {
    return finding('POST', 'ok', `It took the hit, without a preflight: ${status}.`)
  }
  if (status === 400 || status === 413 || status === 422) {
    const why = text === '' ? '' : ` It says: ${short(text)}`
    return finding(
      'POST',
      'failed',
      `It refused the hit with ${status}: the plugin would drop it.${why}`,
      'Check `--client-id`, and that the address is that of a Skalin collector.',
    )
  }
  if (status >= 300 && status < 400) return finding('POST', 'failed', `It redirects: ${status}.`)
  const fate = isBusy(status) ? 'wait and be tried again' : 'wait, and be tried a few times an hour'
  const todo = 'Check the address, and what stands before it.'
  return finding('POST', 'failed', `It answered ${status}: hits would ${fate}.`, todo)
}

const status = ({ post: sent }: Tried, { status: code, headers }: Answer): Finding => {
  if (isBusy(code)) {
    const retryAfter = headers.get('retry-after')
    const when = retryAfter === null ? '' : ` It asks to come again after ${short(retryAfter)}.`
    return finding(
      'Answer',
      'failed',
      `It answers ${code} now: hits would wait.${when}`,
      'Try again later, or ask who runs it.',
    )
  }
  if (!sent && [404, 410].includes(code)) {
    return finding(
      'Answer',
      'warning',
      `It answers ${code} to a GET. If it does so to a POST, nothing is there, and hits wait.`,
      'Is the path right? Try with `--send`.',
    )
  }
  if (!sent && [401, 403, 407, 451].includes(code)) {
    return finding(
      'Answer',
      'warning',
      `It answers ${code} to a GET. If it does so to a POST, hits wait.`,
      'Try with `--send`.',
    )
  }
  const usual = sent ? '' : ' to a GET; what it says to a POST, only `--send` tells'
  return finding('Answer', 'ok', `It answers ${code}${usual}.`)
}

const time = ({ again, post: sent }: Tried, first: Answer): Finding => {
  const later = [again, sent].find((each) => each !== undefined && isAnswer(each)) ?? first
  const says = `It answers in ${later.ms} ms, the first time in ${first.ms} ms.`
  return later.ms < SLOW_MS
    ? finding('Time', 'ok', says)
    : finding(
        'Time',
        'warning',
        `${says} After ${LIMIT_MS} ms the plugin gives up, and tries later.`,
      )
}

const policy = ({ endpoint }: Tried): Finding =>
  finding(
    'Policy',
    'ok',
    `If your pages have a Content-Security-Policy: connect-src ${endpoint.origin}`,
  )

const localNetwork = ({ endpoint, origin }: Tried): Finding[] =>
  isLoopback(hostOf(endpoint)) && !isLoopback(hostOf(new URL(origin)))
    ? [
        finding(
          'Browser',
          'warning',
          `Chrome asks the person before a page of ${origin} may reach this machine, and Safari may refuse it.`,
          'Develop on a page of this machine, such as http://localhost.',
        ),
      ]
    : []

const says: Record<Verdict, string> = {
  readable: 'The plugin will deliver to it, and know of each hit whether it was taken.',
  opaque:
    'The plugin will deliver to it without reading an answer: each hit goes up to 4 times within hours and counts as accepted, `unconfirmed`.',
  failing:
    'As it answers now, the plugin will keep hits for up to 7 days and try again, or drop what is refused.',
  unreachable:
    'As it is now, the plugin will keep hits for up to 7 days, and try a few times an hour.',
}

/** What all that was tried says. */
export const diagnose = (tried: Tried): Findings => {
  const { get, post: sent } = tried
  if (!isAnswer(get)) {
    const findings = [explainFailure(get), policy(tried)]
    return { verdict: 'unreachable', says: says.unreachable, findings }
  }
  // What it says to a hit counts for more than what it says to a look.
  const answer = sent && isAnswer(sent) ? sent : get
  const findings = [
    finding('Reachable', 'ok', `${tried.endpoint.host} answers.`),
    tls(tried),
    redirect(tried, answer),
    status(tried, answer),
    post(tried),
    cors(tried, answer),
    retryAfter(tried, answer),
    time(tried, get),
    policy(tried),
    ...localNetwork(tried),
  ]
  const isFailing = findings.some(({ state }) => state === 'failed')
  const isHidden = reading(tried, answer) === 'hidden'
  const verdict = isFailing ? 'failing' : isHidden ? 'opaque' : 'readable'
  return { verdict, says: says[verdict], findings }
}
