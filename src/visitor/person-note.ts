import { now } from '../browser/clock.ts'
import type { Note } from '../browser/note.ts'
import { sameIdOf } from '../hit/hash.ts'
import type { Traits } from '../hit/traits.ts'

/** What Segment has stored at one moment; one object for as long as nothing of it changes. */
export type StoredPerson = {
  userId: string | undefined
  anonymousId: string | undefined
  traits: unknown
  groupId: string
  traitsMark: string
  /** What was stored when the page began, or by another tab, where a call has changed it. */
  former?: StoredPerson
}

/** What counts of a person: what an `identify` said, or what Segment has stored. */
export type Told = {
  /** The hash of the user id under which it arrived. */
  of: string
  traits: Traits
  isStored: boolean
  /** When that counted, where it is what Segment has stored: what it stores later may be kept from us. */
  stored?: StoredPerson
}

/** What this browser remembers of the last person of whom something was said to this destination. */
export type PersonNote = {
  /** Hashes: the user id that Segment has, and the one under which something arrived. */
  user: string
  of: string
  /** What was said, or stored when that counted last; else what Segment has stored, if so, or nothing. */
  traits?: Traits
  isStored?: boolean
  group?: string | undefined
  /** Hashes of what Segment had stored: if it has something else now, nobody here saw that change. */
  traitsMark: string
  groupMark: string
  /** The hour of the last call, epoch milliseconds. */
  at: number
}

/** Keeps the note, as long as that is allowed, and a week after the last call at most. */
export type PersonMemory = {
  /** What is noted for what Segment has stored; a part of it that is unknown is absent. */
  recall: (stored: StoredPerson) => {
    traits?: PersonNote | undefined
    group?: PersonNote | undefined
  }
  /** Another user was known here, whose group Segment still has. */
  isOfAnother: (stored: StoredPerson) => boolean
  /** A `group` that is absent is not known here; of one without a value is known that there is none. */
  keep: (
    stored: StoredPerson,
    told: { of: string; traits: Traits | undefined; isStored: boolean } | undefined,
    group: { value: string | undefined } | undefined,
  ) => void
  /** The note is to be kept again, or it would seem that no call was made. */
  isDue: () => boolean
  /** Whether anything may be stored, by default not; answers whether that is news. */
  allow: (allowed: boolean) => boolean
  forget: () => void
}

const hourMs = 3_600_000
const weekMs = 7 * 24 * hourMs

export const hash: (part: string) => string = sameIdOf('person')

/** Reads a stored note; throws if it is not one. */
export function parsePersonNote(json: unknown): PersonNote {
  const note = json as PersonNote
  const texts = [note.user, note.of, note.traitsMark, note.groupMark, note.group ?? '']
  const isNote =
    texts.every((text) => typeof text === 'string') &&
    Number.isFinite(note.at) &&
    typeof (note.traits ?? {}) === 'object'
  if (!isNote) throw new TypeError()
  return note
}

/** While the page is `isOptedOut`, nothing new is kept. */
export function createPersonMemory(
  note: Note<PersonNote>,
  isOptedOut: () => boolean,
): PersonMemory {
  let isAllowed = false
  let keptAt: number | undefined

  function forget(): void {
    keptAt = undefined
    note.write(undefined)
  }

  function read(): PersonNote | undefined {
    const noted = note.read()
    keptAt = noted?.at
    // Also by a clock that was set back: the note must end some day.
    if (noted === undefined || Math.abs(now() - noted.at) <= weekMs) return noted
    forget()
    return undefined
  }

  const memory: PersonMemory = {
    recall(stored) {
      const noted = read()
      if (noted === undefined) return {}
      const isOfUser = noted.user === hash(stored.userId ?? '')
      return {
        traits: isOfUser && noted.traitsMark === hash(stored.traitsMark) ? noted : undefined,
        group: noted.groupMark === hash(stored.groupId) ? noted : undefined,
      }
    },

    isOfAnother({ userId = '', groupId }) {
      const noted = groupId === '' ? undefined : read()
      if (noted === undefined || noted.groupMark !== hash(groupId)) return false
      return ![hash(userId), hash('')].includes(noted.user)
    },

    keep(stored, told, group) {
      if (!isAllowed || isOptedOut()) return
      // Another copy of the plugin may have heard what this one has not.
      const before = memory.recall(stored)
      const { of, traits, isStored } = told ?? before.traits ?? { of: '' }
      const customer = group ? group.value : before.group?.group
      // To the hour, so that the same again need not be written.
      keptAt = Math.floor(now() / hourMs) * hourMs
      note.write({
        user: hash(stored.userId ?? ''),
        of,
        ...(isStored && { isStored }),
        ...(traits && { traits }),
        group: customer,
        traitsMark: hash(stored.traitsMark),
        groupMark: hash(stored.groupId),
        at: keptAt,
      })
    },

    isDue: () => keptAt !== undefined && Math.abs(now() - keptAt) > hourMs,

    allow(allowed) {
      const isNews = allowed !== isAllowed
      isAllowed = allowed
      if (isNews && allowed) read()
      return isNews
    },

    forget,
  }
  return memory
}
