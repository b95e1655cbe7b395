import type { Note } from '../browser/note.ts'

/** One stay of one visitor, shared by all tabs of the origin. */
export type Visit = {
  id: string
  visitor: string
  /** When the last call was made that became a hit, epoch milliseconds. */
  at: number
  /** The client ids for which the user has been identified in this visit. */
  identified: string[]
}

/** The time between two resets. A call belongs to the stay in which it was made. */
export type Stay = { over: boolean; visit?: Visit | undefined }

/** A call that becomes a hit, as far as its visit is concerned. */
export type Entry = {
  visitor: string
  at: number
  clientId: string
  /** The event's user is known. */
  known: boolean
  /** The hit is itself a `ui`. */
  identifies: boolean
}

/** Keeps the visit: which one a call belongs to, and when the next begins. */
export type VisitKeeper = {
  stay: () => Stay
  /** The visit of a call, and whether a `ui` must go before it. */
  enter: (stay: Stay, entry: Entry) => { visitId: string; introduce: boolean }
  /** Ends the visit. Calls already made still belong to it. */
  reset: () => void
}

/** Reads a stored visit; throws if it is not one. */
export function parseVisit(json: unknown): Visit {
  const { id, visitor, at, identified } = json as Visit
  if (typeof id !== 'string' || !/^[\da-f]{16}$/.test(id) || !Number.isFinite(at))
    throw new TypeError()
  return { id, visitor, at, identified: identified.filter((client) => typeof client === 'string') }
}

/**
 * Decides visits. A new one begins after `timeoutMs` without a hit, for another visitor, and after
 * {@link VisitKeeper.reset}.
 */
export function createVisitKeeper(
  note: Note<Visit>,
  timeoutMs: number,
  randomId: () => string,
): VisitKeeper {
  let stay: Stay = { over: false }

  return {
    stay: () => stay,

    enter(during, { visitor, at, clientId, known, identifies }) {
      const last = during.over ? during.visit : note.read()
      // A last call far in the future means that the clock was set back: no visit is that long.
      const goesOn = last?.visitor === visitor && Math.abs(at - last.at) <= timeoutMs
      const visit = goesOn ? last : { id: randomId(), visitor, at, identified: [] }
      const introduced = visit.identified.includes(clientId)
      const next = {
        ...visit,
        at,
        identified: known && !introduced ? [...visit.identified, clientId] : visit.identified,
      }
      if (during.over) during.visit = next
      else note.write(next)
      return { visitId: visit.id, introduce: known && !identifies && !introduced }
    },

    reset() {
      stay.visit = note.read()
      stay.over = true
      stay = { over: false }
      note.write(undefined)
    },
  }
}
