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

async function post(endpoint: string, hit: ServerHit, timeout: number): Promise<Sent> {
  try {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: encodeHit(hit),
      // Followed, the POST would become a GET, and a login page's 200 a silent loss.
      redirect: 'manual',
      // node-fetch's own: it frees the connection, as there is no AbortController to do so.
      timeout,
    } as RequestInit)
    // An answer that breaks off is none.
    await response.text()
    return outcomeOf(response.status, hit.action)
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
  return Promise.race([post(endpoint, hit, timer.limitMs), timer.over.then(() => late)])
}
