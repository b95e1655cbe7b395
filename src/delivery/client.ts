import { held, type Row } from './row.ts'

/** What the pages of one client id tell each other at once, where the database is too slow. */
export type ClientState = {
  /** Hits made until then were to be forgotten. */
  forgottenAt: number
  /** Rows that the database had not taken when their page went. */
  unsaved: Row[]
}

export type ClientNote = {
  read: () => ClientState | undefined
  write: (state: ClientState) => void
}

/** The client id's note, as one endpoint uses it. */
export type Client = {
  isForgotten: (row: Row) => boolean
  /** All hits made until now are to be forgotten, also by tabs that cannot be told. */
  forget: () => void
  /** Leaves rows to the next page; those that it will find there. */
  save: (rows: Row[]) => Row[]
  saved: () => Row[]
  /** These need not be saved any more. */
  release: (ids: string[]) => void
}

/** The newest are the ones at stake: the others have been on their way for longer. */
const maxUnsaved = 100

/** Reads a stored state; throws if it is not one. JSON has no {@link held}. */
export function parseClientState(json: unknown): ClientState {
  const { forgottenAt, unsaved } = json as {
    forgottenAt: number
    unsaved: (Omit<Row, 'due'> & { due: number | null })[]
  }
  if (!Number.isFinite(forgottenAt)) throw new TypeError()
  return {
    forgottenAt,
    unsaved: unsaved.map((row) => {
      if (typeof row.hit.client_id !== 'string' || !Number.isFinite(row.at)) throw new TypeError()
      return { ...row, due: row.due ?? held }
    }),
  }
}

export function createClient(note: ClientNote, endpoint: string): Client {
  const state = () => note.read() ?? { forgottenAt: 0, unsaved: [] }

  return {
    isForgotten({ at }) {
      const { forgottenAt } = state()
      // One that lies ahead is of a clock that was set back since.
      return at <= forgottenAt && forgottenAt <= Date.now()
    },

    forget: () => note.write({ forgottenAt: Date.now(), unsaved: [] }),

    save(rows) {
      if (rows.length === 0) return []
      const { forgottenAt, unsaved } = state()
      const byId = new Map([...unsaved, ...rows].map((row) => [row.id, row]))
      const newest = [...byId.values()].slice(-maxUnsaved)
      note.write({ forgottenAt, unsaved: newest })
      return rows.filter((row) => newest.includes(row))
    },

    saved: () => state().unsaved.filter((row) => row.endpoint === endpoint),

    release(ids) {
      const { forgottenAt, unsaved } = state()
      const rest = unsaved.filter(({ id }) => !ids.includes(id))
      if (rest.length < unsaved.length) note.write({ forgottenAt, unsaved: rest })
    },
  }
}
