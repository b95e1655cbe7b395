import type { Note } from '../browser/note.ts'

/** One session of one visitor, shared by all tabs of the origin. */
export type Visit = {
  id: string
  visitor: string
  /** When the last call was made that became a hit, epoch milliseconds. */
  at: number
  /** The client ids for which the user has been identified in this visit. */
  identified: string[]
}

/** What a call is made in: the visit that goes on, or the last one before a reset. */
export type Period = { over: boolean; visit?: Visit }

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
  /** Whether a `ui` would have to go before the hit of a call. */
  introduces: (period: Period, entry: Entry) => boolean
  /** The visit of a call, and whether a `ui` must go before it. */
  enter: (period: Period, entry: Entry) => { visitId: string; introduce: boolean }
  /** Ends the visit. Calls already made still belong to it. */
  end: (period: Period) => void
  /** Nothing of it may stay in the browser's storage for this client id. */
  forget: (clientId: string) => void
  /** The page goes: what is written seldom is written now. */
  save: () => void
  /** Another tab has changed what is stored. */
  doubt: () => void
}

/** Reads a stored visit; throws if it is not one. */
export function parseVisit(json: unknown): Visit {
  const { id, visitor, at, identified } = json as Visit
  if (typeof id !== 'string' || !/^[\da-f]{16}$/.test(id) || !Number.isFinite(at))
    throw new TypeError()
  return { id, visitor, at, identified: identified.filter((client) => typeof client === 'string') }
}

/** How far the time of the last call may lag in storage. */
const lagMs = 5000

/** The same visit, as far as one knows and the other. */
const both = (one: Visit, other: Visit): Visit => ({
  ...one,
  at: Math.max(one.at, other.at),
  identified: [...new Set([...one.identified, ...other.identified])],
})

/** The same visit, in which nobody has been told of its user for this client id. */
const without = (visit: Visit, clientId: string): Visit => ({
  ...visit,
  identified: visit.identified.filter((other) => other !== clientId),
})

/**
 * Decides visits. A new one begins after `timeoutMs` without a hit, for another visitor, and after
 * a reset. Storage is asked when something could begin or is to be written; else memory knows. Without
 * storage that is `persistent`, no other tab can have ended a visit.
 */
export function createVisitKeeper(
  note: Note<Visit>,
  timeoutMs: number,
  randomId: () => string,
  persistent: boolean,
): VisitKeeper {
  let writtenAt = -Infinity
  let unsaved: Period | undefined
  let current: Period | undefined

  // A last call far in the future means that the clock was set back: no visit is that long.
  const goesOn = (last: Visit | undefined, { visitor, at }: Entry): last is Visit =>
    last?.visitor === visitor && Math.abs(at - last.at) <= timeoutMs

  /** The visit that an entry goes on with, as far as this tab and the others know. */
  function lastOf(period: Period, entry: Entry): Visit | undefined {
    const { visit } = period
    const isSettled =
      goesOn(visit, entry) && (!entry.known || visit.identified.includes(entry.clientId))
    if (period.over || (isSettled && !isDue(entry.at))) return visit
    const stored = persistent ? note.read() : visit
    const isSame = stored !== undefined && stored.id === visit?.id
    return isSame ? both(stored, visit) : stored
  }

  const isDue = (at: number) => Math.abs(at - writtenAt) >= Math.min(lagMs, timeoutMs / 10)

  function visitOf(period: Period, entry: Entry): Visit | undefined {
    const last = lastOf(period, entry)
    return goesOn(last, entry) ? last : undefined
  }

  /** Whether the user of a call has to be introduced to its visit. */
  const isStranger = (visit: Visit | undefined, { known, identifies, clientId }: Entry) =>
    known && !identifies && visit?.identified.includes(clientId) !== true

  return {
    introduces: (period, entry) => isStranger(visitOf(period, entry), entry),

    enter(period, entry) {
      const { visitor, at, clientId, known } = entry
      const visit = visitOf(period, entry) ?? { id: randomId(), visitor, at, identified: [] }
      const { identified } = visit
      const next = {
        ...visit,
        at,
        identified:
          known && !identified.includes(clientId) ? [...identified, clientId] : identified,
      }
      const isNews = period.visit?.id !== next.id || next.identified !== period.visit.identified
      period.visit = next
      if (!period.over) {
        unsaved = current = period
        if (isNews || isDue(at)) save(at)
      }
      return { visitId: visit.id, introduce: isStranger(visit, entry) }
    },

    end(period) {
      const stored = note.read()
      // Another tab may have begun one since: the last calls are in that.
      if (stored && stored.at >= (period.visit?.at ?? 0)) period.visit = stored
      note.write(undefined)
    },

    forget(clientId) {
      unsaved = undefined
      writtenAt = -Infinity
      const stored = note.read()
      const rest = stored && without(stored, clientId)
      note.write(rest && rest.identified.length > 0 ? rest : undefined)
      if (current?.visit) current.visit = without(current.visit, clientId)
    },

    save() {
      const stored = note.read()
      // Another tab has begun one since, or ended this one; or it has told more of the same.
      if (stored === undefined || stored.id !== unsaved?.visit?.id) return
      unsaved.visit = both(unsaved.visit, stored)
      save(writtenAt)
    },

    doubt() {
      writtenAt = -Infinity
    },
  }

  function save(at: number): void {
    if (unsaved?.visit !== undefined && !unsaved.over) note.write(unsaved.visit)
    unsaved = undefined
    writtenAt = at
  }
}
