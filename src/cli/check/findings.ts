// Pure: what the answers of an endpoint mean for the plugin.
import { short } from '../../testing/printable.ts'
import { localNetwork, policy, time, tls } from './connection.ts'
import { explainFailure } from './failure.ts'
import { type Reading, cors, reading, retryAfter } from './cors.ts'
import { type Finding, finding } from './finding.ts'
import { type Answer, isAnswer } from './probe.ts'
import type { Tried } from './tried.ts'

/** What the plugin will do with the endpoint. */
export type Verdict = 'readable' | 'opaque' | 'unknown' | 'losing' | 'failing' | 'unreachable'

export type Findings = { verdict: Verdict; says: string; findings: Finding[] }

const isAcceptance = (status: number): boolean => status >= 200 && status < 300
const isBusy = (status: number): boolean => [408, 425, 429].includes(status) || status >= 500
const isNowhere = (status: number): boolean => [404, 410].includes(status)
const isBarred = (status: number): boolean => [401, 403, 407, 451].includes(status)
/** https://fetch.spec.whatwg.org/#redirect-status */
const isRedirect = (status: number): boolean => [301, 302, 303].includes(status) || keepsHit(status)
/** Whoever follows sends the same once more: by others, it would arrive empty. */
const keepsHit = (status: number): boolean => [307, 308].includes(status)

const redirect = ({ endpoint, post }: Tried, { status, headers }: Answer): Finding => {
  if (!isRedirect(status)) return finding('Redirects', 'ok', 'None.')
  const location = headers.get('location')
  const target =
    location !== null && URL.canParse(location, endpoint.href)
      ? new URL(location, endpoint.href).href
      : 'nowhere'
  const says = `It answers ${status}${post ? '' : ' to a GET,'} to ${target}.`
  const todo = 'Use the final address as `endpoint`.'
  const loss = keepsHit(status) ? '' : ' A hit that follows would arrive empty.'
  return post
    ? finding('Redirects', 'failed', `${says}${loss}`, todo)
    : finding('Redirects', 'warning', says, `If it does so to a POST: ${todo} \`--send\` tells.`)
}

const comeAgain = ({ status, headers }: Answer): string => {
  const asked = headers.get('retry-after')
  return asked !== null && isBusy(status) ? ` It asks to come again after ${short(asked)}.` : ''
}

/** What became of the hit that was sent. */
const post = (answer: Answer, kind: Reading): Finding => {
  const { status, text } = answer
  if (isAcceptance(status)) {
    return finding('POST', 'ok', `It took the hit, without a preflight: ${status}.`)
  }
  const failed = (says: string, todo?: string): Finding => finding('POST', 'failed', says, todo)
  const todo = 'Check the address, and what stands before it.'
  // The plugin sends it once more, by a request that follows redirects and tells no status.
  if (kind === 'hidden' && keepsHit(status)) {
    return failed(
      `It redirects: ${status}. Hits would follow, and count as accepted wherever they arrive.`,
    )
  }
  if (kind === 'hidden') {
    return failed(
      `It answered ${status}, and no page can read that: hits would count as accepted, and be lost.`,
      `${todo} Have \`Access-Control-Allow-Origin\` sent with errors, too.`,
    )
  }
  if (kind === 'blocked') {
    return failed(`It answered ${status}, and no page is told: hits would wait.`, todo)
  }
  if (status === 400 || status === 413 || status === 422) {
    const why = text === '' ? '' : ` It says: ${short(text)}`
    return failed(
      `It refused the hit with ${status}: the plugin would drop it.${why}`,
      'Check `--client-id`, and that the address is that of a Skalin collector.',
    )
  }
  if (isRedirect(status)) return failed(`It redirects: ${status}. The plugin does not follow.`)
  const fate = isBusy(status) ? 'wait and be tried again' : 'wait, and be tried a few times an hour'
  return failed(`It answered ${status}: hits would ${fate}.${comeAgain(answer)}`, todo)
}

/** What an answer to a GET lets expect. Few collectors answer one as they do a hit. */
const look = (answer: Answer, kind: Reading): Finding => {
  const { status } = answer
  const isUnread = kind === 'hidden' && !isAcceptance(status)
  if (!isUnread && !isBusy(status) && !isNowhere(status) && !isBarred(status)) {
    const says = `It answers ${status} to a GET; what it says to a POST, only \`--send\` tells.`
    return finding('Answer', 'ok', says)
  }
  const fate = isUnread ? 'hits count as accepted, and are lost' : 'hits wait'
  const nothing = isNowhere(status) ? 'nothing is there, and ' : ''
  return finding(
    'Answer',
    isNowhere(status) ? 'failed' : 'warning',
    `It answers ${status} to a GET.${comeAgain(answer)} If it does so to a POST, ${nothing}${fate}.`,
    `${isNowhere(status) ? 'Is the path right? ' : ''}Try with \`--send\`.`,
  )
}

const notSent = finding(
  'POST',
  'not tried',
  'A hit is usage, so none was sent.',
  'Add `--send` and `--user-id` or `--email` to send one `ui` hit.',
)

const unusedProxy = finding(
  'Proxy',
  'warning',
  'HTTP_PROXY or HTTPS_PROXY is set, and this check goes without.',
  'Set NODE_USE_ENV_PROXY=1 as well, with Node 24 or newer.',
)

const says: Record<Verdict, string> = {
  readable: 'The plugin will deliver to it, and know of each hit whether it was taken.',
  opaque:
    'The plugin will deliver to it without reading an answer: each hit goes up to 4 times within hours and counts as accepted, `unconfirmed`.',
  unknown: 'Whether it takes hits, only a hit tells: one that `--send` sends, or a page.',
  losing: 'As it answers now, hits would be lost: the plugin cannot tell that they were not taken.',
  failing:
    'As it answers now, the plugin will keep hits for up to 7 days and try again, or drop what is refused.',
  unreachable:
    'As it is now, the plugin will keep hits for up to 7 days, and try a few times an hour.',
}

const reachable = ({ endpoint }: Tried): Finding =>
  finding('Reachable', 'ok', `${endpoint.host} answers.`)

const withoutAnswer = (tried: Tried, failure: Finding): Finding[] =>
  isAnswer(tried.get) ? [reachable(tried), tls(tried), { ...failure, check: 'POST' }] : [failure]

const verdictOf = ({ post: sent }: Tried, { status }: Answer, kind: Reading, failed: string[]) => {
  const isUnread = sent && kind === 'hidden' && !isAcceptance(status)
  if (isUnread && keepsHit(status)) return 'unknown'
  // What browsers do not send, or give up, is not lost.
  if (isUnread && !failed.includes('TLS') && !failed.includes('Time')) return 'losing'
  // What it answers to a GET decides nothing.
  if (failed.some((check) => check !== 'Answer')) return 'failing'
  if (!sent) return 'unknown'
  return kind === 'hidden' ? 'opaque' : 'readable'
}

/** What all that was tried says. What it answers to a hit counts, and to a look only without one. */
export const diagnose = (tried: Tried): Findings => {
  const { get, post: sent } = tried
  const judged = sent ?? get
  const around = [policy(tried), ...localNetwork(tried)]
  if (!isAnswer(judged)) {
    const failure = explainFailure(judged)
    const isByProxy = tried.hasProxy === true && failure.check === 'Reachable'
    // What browsers can do, and this check does not, says nothing of them.
    const isOpen = failure.check === 'Protocol' || isByProxy
    const verdict = isOpen ? 'unknown' : failure.check === 'Time' ? 'failing' : 'unreachable'
    const findings = [
      ...withoutAnswer(tried, failure),
      ...(isByProxy ? [unusedProxy] : []),
      ...around,
    ]
    return { verdict, says: says[verdict], findings }
  }
  const kind = reading(tried, judged)
  const { status } = judged
  const taken = isAcceptance(status) ? [finding('Answer', 'ok', `It answers ${status}.`)] : []
  const findings = [
    reachable(tried),
    tls(tried),
    redirect(tried, judged),
    ...(sent ? [...taken, post(judged, kind)] : [look(judged, kind), notSent]),
    cors(tried, judged),
    retryAfter(tried, judged),
    time(tried, judged),
    ...around,
  ]
  const failed = findings.filter(({ state }) => state === 'failed').map(({ check }) => check)
  const verdict = verdictOf(tried, judged, kind, failed)
  return { verdict, says: says[verdict], findings }
}
