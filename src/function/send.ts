import { encodeHit } from '../hit/hit.ts'
import { field, text } from '../hit/read.ts'
import type { ServerHit } from './decide.ts'
import type { Timer } from './timer.ts'

/** What became of a hit: `failed` may be tried again, `rejected` need not. */
export type Sent = { sent: ServerHit['action'] } | { rejected: string } | { failed: string }

/** Answers that would be the same another time. */
const refusals = [400, 413, 422]

function outcomeOf(status: number, action: ServerHit['action']): Sent {
  if (status >= 200 && status < 300) return { sent: action }
  const said = `Skalin answered ${status}.`
  return refusals.includes(status) ? { rejected: said } : { failed: said }
}

/** An answer whose body is a stream of Node's, as with node-fetch, or one of the web's, as with Node's own. */
type Answer = {
  status: number
  body:
    | (AsyncIterable<Uint8Array> & {
        once?: (event: 'unpipe', listener: (source: { destroy: () => void }) => void) => void
        destroy?: () => void
      })
    | null
}

/** More than Skalin would ever answer. */
const maxAnswerBytes = 65_536

/** Waits for the end of an answer, of which nothing is kept. */
async function arrival(body: Answer['body']): Promise<void> {
  let bytes = 0
  for await (const chunk of body ?? []) {
    bytes += chunk.length
    if (bytes > maxAnswerBytes) return
  }
}

async function post(endpoint: string, hit: ServerHit, timer: Timer): Promise<Sent> {
  try {
    const answer: unknown = await fetch(endpoint, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: encodeHit(hit),
      // Followed, the POST would become a GET, and a login page's 200 a silent loss.
      redirect: 'manual',
      // node-fetch's own, as there is no AbortController: it frees the connection until there are headers.
      timeout: timer.limitMs,
      // node-fetch's own: a body that is not unpacked comes straight from the connection.
      compress: false,
    } as RequestInit)
    const { status, body } = answer as Answer
    // From here on this does: the end of node-fetch's body alone leaves the connection open.
    body?.once?.('unpipe', (connection) => connection.destroy())
    const letGo = () => body?.destroy?.()
    void timer.over.then(letGo)
    const outcome = outcomeOf(status, hit.action)
    // An acceptance that breaks off is none; of other answers, the status says all.
    if ('sent' in outcome) await arrival(body)
    letGo()
    return outcome
  } catch (error) {
    // Not its message, which quotes the address.
    const code = text(field(error, 'code')) ?? 'network error'
    return { failed: `Skalin could not be reached: ${code}.` }
  }
}

/** Sends one hit; `failed` when it cannot be done in the time of this invocation. */
export async function send(endpoint: string, hit: ServerHit, timer: Timer): Promise<Sent> {
  const late = { failed: 'Skalin did not answer in time.' }
  if (timer.isOver()) return late
  return Promise.race([post(endpoint, hit, timer), timer.over.then(() => late)])
}
