import { now } from '../browser/clock.ts'
import type { Hit } from '../hit/hit.ts'
import type { Client, OpenIdentity } from './client.ts'
import type { Row } from './row.ts'

/**
 * Keeps the identities of one person in the order of their calls, across tabs and pages: the Skalin
 * of an endpoint keeps what it was told last.
 */
export type Identities = {
  /** It waits, or is on its way since `sentAt`. */
  open: (row: Row, sentAt?: number) => void
  /** It holds up no other any more. */
  close: (row: { id: string; hit?: Hit }) => void
  /** The oldest of the person's that must go before this row. */
  before: (row: Row) => OpenIdentity | undefined
}

export function createIdentities(
  client: Client,
  endpoint: string,
  hash: (text: string) => string,
): Identities {
  function personOf({ identity }: Hit): string {
    try {
      const { id, email } = JSON.parse(identity ?? '{}') as { id?: string; email?: string }
      return hash(`${endpoint} ${id ?? email}`)
    } catch {
      return ''
    }
  }

  return {
    open({ id, hit, at }, sentAt = 0) {
      if (hit.action === 'ui') client.setIdentity(id, { id, who: personOf(hit), at, sentAt })
    },
    close({ id, hit }) {
      if (hit === undefined || hit.action === 'ui') client.setIdentity(id, undefined)
    },
    before({ id, hit, at }) {
      if (hit.action !== 'ui') return undefined
      const who = personOf(hit)
      // Of the same millisecond in two tabs, one goes first all the same.
      const isOlder = (open: OpenIdentity) => open.at < at || (open.at === at && open.id < id)
      const older = client
        .identities()
        .filter((open) => open.who === who && isOlder(open) && open.at <= now())
      return older.sort((a, b) => a.at - b.at)[0]
    },
  }
}
