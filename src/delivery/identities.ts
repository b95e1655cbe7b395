import { now, tick } from '../browser/clock.ts'
import type { Hit } from '../hit/hit.ts'
import type { Client, OpenIdentity } from './client.ts'
import type { Row } from './row.ts'

/**
 * Keeps the identities of one person in the order of their calls, across tabs and pages: the Skalin
 * of an endpoint keeps what it was told last.
 */
export type Identities = {
  /** A call of this page has made it. */
  made: (row: Row) => void
  /** It waits, or is on its way since `sentAt`. */
  open: (row: Row, sentAt?: number) => void
  /** It holds up no other any more. */
  close: (row: { id: string; hit?: Hit }) => void
  /** The oldest of the person's that must go before this row. */
  before: (row: Row) => OpenIdentity | undefined
}

export function createIdentities(
  client: Client,
  /** Whom an identity is about, at this endpoint. */
  whoIn: (hit: Hit) => string,
): Identities {
  /** The times of this page's, each after the one before: a clock may be set back between two calls. */
  const made = new Map<string, number>()
  let last = -Infinity

  return {
    made({ id, hit, at }) {
      if (hit.action !== 'ui') return
      last = Math.max(at, last + tick)
      made.set(id, last)
    },
    open({ id, hit, at }, sentAt = 0) {
      if (hit.action !== 'ui') return
      const known = client.identities().find((open) => open.id === id)
      client.setIdentity(id, {
        id,
        who: whoIn(hit),
        at: made.get(id) ?? known?.at ?? at,
        sentAt,
      })
    },
    close({ id, hit }) {
      made.delete(id)
      if (hit === undefined || hit.action === 'ui') client.setIdentity(id, undefined)
    },
    before({ id, hit, at }) {
      if (hit.action !== 'ui') return undefined
      const who = whoIn(hit)
      const all = client.identities()
      const mine = made.get(id) ?? all.find((open) => open.id === id)?.at ?? at
      // Of the same millisecond in two tabs, one goes first all the same.
      const isOlder = (open: OpenIdentity) => open.at < mine || (open.at === mine && open.id < id)
      const counts = (open: OpenIdentity) => open.at <= now() || made.has(open.id)
      const older = all.filter((open) => open.who === who && isOlder(open) && counts(open))
      return older.sort((a, b) => a.at - b.at)[0]
    },
  }
}
