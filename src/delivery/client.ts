import { now } from '../browser/clock.ts'
import { randomId } from '../browser/random.ts'
import { clockSkewMs, leaseMs, maxAgeMs, timeoutMs } from './limits.ts'
import { type Row, type Sent, held, unique } from './row.ts'

/** A `ui` hit that the collector has not answered for good. */
export type OpenIdentity = {
  id: string
  /** Whom it is about, as a hash. */
  who: string
  /** When its call was made. */
  at: number
  /** When it last went out without an answer; 0 if it never did, or was answered. */
  sentAt: number
}

/** What the pages of one client id tell each other at once, where the database is too slow. */
export type ClientState = {
  /** Begins anew when all is to be forgotten: rows of another era are. */
  era?: string | undefined
  /** Pages that have left: what they had on lease is free. */
  gone: string[]
  /** Rows that have ended and could not be deleted. */
  ended: string[]
  identities: OpenIdentity[]
  /** Requests that pages which have left will not hear of, and when they left. */
  sent: { id: string; at: number }[]
  /** Rows that the database had not taken when their page went. */
  unsaved: Row[]
}

export type ClientNote = {
  read: (when?: 'now') => ClientState | undefined
  /** Whether it outlives the page. */
  write: (state: ClientState) => boolean
}

/** The newest are the ones at stake: the others have been on their way for longer. */
const maxUnsaved = 100
const maxGone = 20
/** As many as a leaving page may have in flight. */
const maxSent = 200
const maxEnded = 5000
const maxIdentities = 50

const initial: ClientState = { gone: [], ended: [], identities: [], sent: [], unsaved: [] }

const listOf = (value: unknown): unknown[] => {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw new TypeError()
  return value
}
const isText = (value: unknown): value is string => typeof value === 'string'

/** Reads a stored state; throws if it is not one. JSON has no {@link held}. */
export function parseClientState(json: unknown): ClientState {
  const { era, gone, ended, identities, sent, unsaved } = json as Partial<Record<string, unknown>>
  const rows = listOf(unsaved) as (Omit<Row, 'due'> & { due: number | null })[]
  return {
    era: isText(era) ? era : undefined,
    gone: listOf(gone).filter(isText),
    ended: listOf(ended).filter(isText),
    identities: (listOf(identities) as OpenIdentity[]).filter(
      ({ id, who, at, sentAt }) => isText(id) && isText(who) && isFinite(at) && isFinite(sentAt),
    ),
    sent: (listOf(sent) as ClientState['sent']).filter(({ id, at }) => isText(id) && isFinite(at)),
    unsaved: rows.map((row) => {
      if (!isText(row.id) || !isText(row.hit.client_id) || !Number.isFinite(row.at))
        throw new TypeError()
      return { ...row, due: row.due ?? held }
    }),
  }
}

/** The client id's note, as the pages of one endpoint use it. */
export type Client = {
  era: () => string | undefined
  /** It was to be deleted, but its page was not told; `told` is the era that it was told of, if it was. */
  isForgotten: (row: Row, told?: string) => boolean
  /** All hits made until now are to be forgotten, also by tabs that cannot be told. Gives the new era. */
  forget: () => string
  /** This page has left; these rows are not written down yet. Gives those that are now. */
  leave: (page: string, rows: readonly Row[]) => Row[]
  /** It leaves with these on their way. */
  setSent: (ids: readonly string[]) => void
  sent: (when?: 'now') => Sent
  gone: () => string[]
  unsaved: () => Row[]
  /** These rows have ended, and the database or another tab may not know it. */
  end: (ids: readonly string[]) => void
  ended: () => string[]
  /** The database knows what there is to know of these. */
  settle: (ids: readonly string[]) => void
  /** As of now: another tab may have made one a moment ago. */
  identities: () => OpenIdentity[]
  /** An identity is on its way, waits, or (`undefined`) holds up nobody any more. */
  setIdentity: (id: string, identity: OpenIdentity | undefined) => void
}

const isRecent = ({ at }: ClientState['sent'][number]) => now() - at < leaseMs

export function createClient(note: ClientNote, endpoint: string): Client {
  const state = (when?: 'now') => note.read(when) ?? initial
  /** Storage that does not answer for a moment has not forgotten it. */
  let lastEra: string | undefined

  function change(part: (state: ClientState) => Partial<ClientState>): boolean {
    const before = state('now')
    return note.write({ ...before, ...part(before) })
  }

  return {
    era: () => (lastEra = state().era ?? lastEra),

    isForgotten({ era: made }, told) {
      const era = state().era ?? told
      return era !== undefined && made !== era
    },

    forget() {
      const era = randomId()
      change(() => ({ era, unsaved: [], identities: [], sent: [] }))
      return era
    },

    leave(page, rows) {
      let saved: Row[] = []
      const isKept = change(({ gone, unsaved, sent }) => {
        saved = unique([...unsaved, ...rows])
          .sort((a, b) => a.at - b.at)
          .slice(-maxUnsaved)
        return {
          gone: [...gone.filter((other) => other !== page), page].slice(-maxGone),
          unsaved: saved,
          sent: sent.filter(isRecent),
        }
      })
      return isKept ? rows.filter((row) => saved.includes(row)) : []
    },

    setSent(ids) {
      if (ids.length === 0) return
      const at = now()
      change(({ sent }) => {
        const others = sent.filter((other) => isRecent(other) && !ids.includes(other.id))
        return { sent: [...others, ...ids.map((id) => ({ id, at }))].slice(-maxSent) }
      })
    },
    sent: (when) => new Map(state(when).sent.map(({ id, at }) => [id, at])),

    gone: () => state().gone,
    unsaved: () => state().unsaved.filter((row) => row.endpoint === endpoint),

    end(ids) {
      change(({ ended, unsaved }) => ({
        ended: [...new Set([...ended, ...ids])].slice(-maxEnded),
        unsaved: unsaved.filter(({ id }) => !ids.includes(id)),
      }))
    },
    ended: () => state().ended,

    settle(ids) {
      const { ended, unsaved } = state()
      if (ended.length + unsaved.length === 0) return
      const known = new Set(ids)
      change((now) => ({
        ended: now.ended.filter((id) => !known.has(id)),
        unsaved: now.unsaved.filter(({ id }) => !known.has(id)),
      }))
    },

    identities: () => state('now').identities,

    setIdentity(id, identity) {
      if (identity === undefined && !state().identities.some((open) => open.id === id)) return
      change(({ identities }) => {
        const isYoung = ({ at }: OpenIdentity) => Math.abs(now() - at) < maxAgeMs
        const others = identities.filter((open) => open.id !== id && isYoung(open))
        return { identities: (identity ? [...others, identity] : others).slice(-maxIdentities) }
      })
    },
  }
}

/** Whether an identity may still be on its way to the collector, though nobody waits for its answer. */
export function mayArrive({ sentAt }: OpenIdentity, at: number): boolean {
  return at >= sentAt - clockSkewMs && at < sentAt + timeoutMs
}
