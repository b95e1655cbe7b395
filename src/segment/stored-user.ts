import type { SegmentEvent } from '../hit/event.ts'
import { field, text } from '../hit/read.ts'
import { type Analytics, callMethod } from './host.ts'

/** What Segment has stored of a user and a group: one object for as long as nothing of it changes. */
export type Stored = {
  userId: string | undefined
  anonymousId: string | undefined
  /** The anonymous ids that this visitor had on this page before `setAnonymousId()`. */
  formerIds: readonly string[]
  traits: unknown
  groupId: unknown
  /** Differ when the traits, or the group, differ. */
  traitsMark: string
  groupMark: string
}

/** Segment's stored user. Its getters rewrite cookies and storage, so they are asked only when needed. */
export type StoredUser = {
  /** As of now; `made` is the event that is being made at this moment, if one is. */
  look: (made?: SegmentEvent) => Stored
  /** What is stored under `key` is another's now: another tab's, or after a reset. `null` stands for all keys. */
  doubt: (key: string | null) => void
}

type Store = 'localStorage' | 'cookie' | 'memory'

/** How long the group is believed in which nobody was seen to change. */
const groupMs = 1000

const changing = ['identify', 'group', 'alias']

/** Where an instance keeps its user or its group, and under which names. As Segment's `User` decides it. */
function placeOf({ options }: Analytics, part: 'user' | 'group', traitsKey: string) {
  const own = field(options, part)
  const listed = field(field(own, 'storage') ?? field(options, 'storage'), 'stores')
  const isMemory =
    field(options, 'disableClientPersistence') === true || field(own, 'persist') === false
  const all: Store[] = isMemory
    ? ['memory']
    : Array.isArray(listed)
      ? (listed as Store[])
      : ['localStorage', 'cookie', 'memory']
  const stores =
    field(own, 'localStorageFallbackDisabled') === true
      ? all.filter((store) => store !== 'localStorage')
      : all
  return {
    stores,
    idKey: text(field(field(own, 'cookie'), 'key')) ?? `ajs_${part}_id`,
    traitsKey: text(field(field(own, 'localStorage'), 'key')) ?? traitsKey,
  }
}

const anonymousKey = 'ajs_anonymous_id'

function fromStorage(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

function fromCookies(key: string): string | null {
  try {
    const start = `${key}=`
    const found = document.cookie.split('; ').find((cookie) => cookie.startsWith(start))
    return found === undefined ? null : found.slice(start.length)
  } catch {
    return null
  }
}

export function createStoredUser(instance: Analytics): StoredUser {
  const userPlace = placeOf(instance, 'user', 'ajs_user_traits')
  const groupPlace = placeOf(instance, 'group', 'ajs_group_properties')
  const isShared = userPlace.stores.includes('localStorage')
  const groupIsShared = groupPlace.stores.includes('localStorage')
  let kept: Stored | undefined
  let isDoubted = false
  let isForeign = false
  let groupAt = 0

  // Not by way of Segment's getters, where that is possible: looking must change nothing.
  function traitsMark(): string {
    if (isShared) return fromStorage(userPlace.traitsKey) ?? ''
    try {
      return JSON.stringify([callMethod(callMethod(instance, 'user'), 'traits')])
    } catch {
      return ''
    }
  }
  function groupMark(): string {
    const { stores, idKey } = groupPlace
    const mark =
      (groupIsShared ? fromStorage(idKey) : null) ??
      (stores.includes('cookie')
        ? fromCookies(idKey)
        : text(callMethod(callMethod(instance, 'group'), 'id')))
    return mark ?? ''
  }

  function formerIds(anonymousId: string | undefined): readonly string[] {
    if (kept?.anonymousId === undefined) return []
    if (kept.anonymousId === anonymousId) return kept.formerIds
    // Whether another tab has changed a cookie, nobody tells. Another user gets another id.
    const isOwn = !isForeign && (isShared || !userPlace.stores.includes('cookie'))
    return isOwn && kept.userId === undefined
      ? [...kept.formerIds, kept.anonymousId].slice(-20)
      : []
  }

  function ask(): Stored {
    const user = callMethod(instance, 'user')
    const userId = text(callMethod(user, 'id'))
    const anonymousId = text(callMethod(user, 'anonymousId'))
    const traits = callMethod(user, 'traits')
    const stored = {
      userId,
      anonymousId,
      formerIds: formerIds(anonymousId),
      traits: typeof traits === 'object' ? { ...traits } : undefined,
      groupId: callMethod(callMethod(instance, 'group'), 'id'),
      traitsMark: traitsMark(),
      groupMark: groupMark(),
    }
    isDoubted = isForeign = false
    groupAt = Date.now()
    return stored
  }

  /** What the event itself tells, and what a look without a getter tells. */
  function isAsBefore(made: SegmentEvent | undefined, before: Stored): boolean {
    if (isDoubted) return false
    if (made !== undefined) {
      if (changing.includes(made.type as string)) return false
      if (text(made.userId) !== before.userId) return false
      if (text(made.anonymousId) !== before.anonymousId) return false
    }
    if (traitsMark() !== before.traitsMark) return false
    if (groupIsShared && Math.abs(Date.now() - groupAt) < groupMs) return true
    groupAt = Date.now()
    return groupMark() === before.groupMark
  }

  return {
    look(made) {
      if (kept !== undefined && isAsBefore(made, kept)) return kept
      const now = ask()
      const isSame =
        kept !== undefined &&
        now.userId === kept.userId &&
        now.anonymousId === kept.anonymousId &&
        now.traitsMark === kept.traitsMark &&
        now.groupMark === kept.groupMark
      if (!isSame) kept = now
      return kept ?? now
    },
    doubt(key) {
      if (key === anonymousKey || key === null) {
        isForeign = true
        if (kept !== undefined) kept = { ...kept, formerIds: [] }
      }
      const keys = [anonymousKey, userPlace.idKey, userPlace.traitsKey, groupPlace.idKey, null]
      if (keys.includes(key)) isDoubted = true
    },
  }
}
