import type { SegmentEvent } from '../hit/event.ts'
import { field, text } from '../hit/read.ts'
import { type Analytics, callMethod, isPersistent, storesOf } from './host.ts'

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
  /** What was stored when the page began, of the same user, where its first call has changed it. */
  former?: Stored
}

/** Segment's stored user. Its getters rewrite cookies and storage, so they are asked only when needed. */
export type StoredUser = {
  /** As of now; `made` is the event that is being made at this moment, if one is. */
  look: (made?: SegmentEvent) => Stored
  /** What is stored under `key` is another's now: another tab's, or after a reset. `null` stands for all keys. */
  doubt: (key: string | null) => void
  /** The page comes back from the back/forward cache, where it was told of no change. */
  back: () => void
}

const isChanging = (made: SegmentEvent | undefined) =>
  ['identify', 'group', 'alias'].includes(made?.type as string)
const anonymousKey = 'ajs_anonymous_id'
const userKey = 'ajs_user_id'

function read(place: () => string | null): string {
  try {
    return place() ?? ''
  } catch {
    // Blocked, for Segment as well.
    return ''
  }
}

export function createStoredUser(instance: Analytics): StoredUser {
  const isStorage = isPersistent(instance)
  /** Pages of other subdomains may change what Segment reads. */
  const isCookieFirst = !isStorage || field(storesOf(instance), '0') === 'cookie'
  const keyOf = (part: string, store: string, usual: string) =>
    text(field(field(field(instance.options, part), store), 'key')) ?? usual
  const traitsKey = keyOf('user', 'localStorage', 'ajs_user_traits')
  const groupKey = keyOf('group', 'cookie', 'ajs_group_id')
  /** By its usual settings Segment keeps a user somewhere, and puts its id on each event. */
  const isUsual = [field(instance.options, 'user'), field(instance.options, 'storage')].every(
    (setting) => setting === undefined,
  )
  let kept: Stored | undefined
  let lastSnapshot = ''
  let isDoubted = false
  let isForeign = false

  const traitsOf = () => callMethod(callMethod(instance, 'user'), 'traits')
  const item = (key: string) => read(() => localStorage.getItem(key))
  function traitsMark(): string {
    if (!isStorage) return read(() => JSON.stringify([traitsOf()]))
    // Segment has them in memory when a page has cleared its storage.
    return item(traitsKey) || (kept?.traitsMark ? read(() => JSON.stringify(traitsOf())) : '')
  }

  const parsed = (json: string): unknown => (json === '' ? undefined : JSON.parse(json))
  let first =
    isUsual && isStorage
      ? {
          userId: item(userKey),
          anonymousId: item(anonymousKey),
          traits: item(traitsKey),
          groupId: item(groupKey),
        }
      : undefined

  function formerly(now: Stored): Stored | undefined {
    try {
      if (first === undefined || text(parsed(first.userId)) !== now.userId) return undefined
      const isSame = now.userId !== undefined || text(parsed(first.anonymousId)) === now.anonymousId
      if (!isSame) return undefined
      const groupId = parsed(first.groupId)
      return {
        ...now,
        traits: parsed(first.traits),
        groupId,
        traitsMark: first.traits,
        groupMark: text(groupId) ?? '',
      }
    } catch {
      // Not Segment's.
      return undefined
    }
  }

  /** Differs when the traits or the group do. Reading it changes nothing: it asks no getter that would. */
  const snapshot = (mark = traitsMark()) =>
    `${isCookieFirst ? read(() => document.cookie) : item(groupKey)} ${mark}`

  function formerIds(anonymousId: string | undefined, isOwnUser: boolean): readonly string[] {
    if (kept?.anonymousId === undefined) return []
    if (kept.anonymousId === anonymousId) return kept.formerIds
    // There is no event for a cookie that another tab has changed. Another user gets another id.
    const isOwn =
      isOwnUser && !isForeign && (isStorage || !lastSnapshot.includes(`${anonymousKey}=`))
    return isOwn && kept.userId === undefined
      ? [...kept.formerIds, kept.anonymousId].slice(-20)
      : []
  }

  function ask(made: SegmentEvent | undefined): Stored {
    const user = callMethod(instance, 'user')
    // Segment has just asked its dearest getter for the event.
    const ofEvent = isUsual ? text(made?.anonymousId) : undefined
    const anonymousId = ofEvent ?? text(callMethod(user, 'anonymousId'))
    const traits = traitsOf()
    const groupId = callMethod(callMethod(instance, 'group'), 'id')
    const userId = text(callMethod(user, 'id'))
    const stored = {
      userId,
      anonymousId,
      // Whom no `identify` here has made known came by a cookie: of a page of another subdomain.
      formerIds: formerIds(anonymousId, userId === undefined || made?.type === 'identify'),
      traits: typeof traits === 'object' ? { ...traits } : undefined,
      groupId,
      traitsMark: traitsMark(),
      groupMark: text(groupId) ?? '',
    }
    lastSnapshot = snapshot(stored.traitsMark)
    isDoubted = isForeign = false
    return stored
  }

  /** By what the event itself says, and by the snapshot. */
  function isAsBefore(made: SegmentEvent | undefined, before: Stored): boolean {
    if (isDoubted) return false
    if (made !== undefined) {
      if (isChanging(made)) return false
      if (text(made.userId) !== before.userId) return false
      if (text(made.anonymousId) !== before.anonymousId) return false
    }
    return snapshot() === lastSnapshot
  }

  return {
    look(made) {
      if (kept !== undefined && isAsBefore(made, kept)) return kept
      const now = ask(made)
      const former = kept === undefined && isChanging(made) ? formerly(now) : undefined
      if (
        kept?.traitsMark !== now.traitsMark ||
        kept.groupMark !== now.groupMark ||
        kept.userId !== now.userId ||
        kept.anonymousId !== now.anonymousId
      ) {
        kept = now
      }
      return former ? { ...now, former } : kept
    },
    back() {
      isForeign = true
      first = undefined
      if (kept !== undefined) kept = ask(undefined)
    },
    doubt(key) {
      isDoubted = true
      if (key === null || [userKey, traitsKey, groupKey].includes(key)) first = undefined
      if (key !== null && key !== anonymousKey) return
      isForeign = true
      if (kept !== undefined) kept = { ...kept, formerIds: [] }
    },
  }
}
