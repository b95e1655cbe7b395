import type { SegmentEvent } from '../hit/event.ts'
import { field, text } from '../hit/read.ts'
import { copy } from './copy.ts'
import { type Analytics, callMethod, isPersistent, storesOf } from './host.ts'

/** What Segment has stored of a user and a group: one object for as long as nothing of it changes. */
export type Stored = {
  userId: string | undefined
  anonymousId: string | undefined
  /** The anonymous ids that this visitor had on this page before `setAnonymousId()`. */
  formerIds: readonly string[]
  traits: unknown
  /** Empty if there is none. */
  groupId: string
  /** Differs when the traits differ. */
  traitsMark: string
  /** What was stored when the page began, or by another tab, of the same user, where a call has changed it. */
  former?: Stored
}

/** Segment's stored user. Its getters rewrite cookies and storage, so they are asked only when needed. */
export type StoredUser = {
  /** As of now; `made` is the event that is being made at this moment, if one is. */
  look: (made?: SegmentEvent) => Stored
  /**
   * What is stored under `key` is another's now: another tab's, or after a reset. `null` stands for all
   * keys, `''` for cookies, which other subdomains may have changed.
   */
  doubt: (key: string | null) => void
  /** The page comes back from the back/forward cache, where it was told of no change. */
  back: () => void
}

const isChanging = (made: SegmentEvent | undefined) =>
  ['identify', 'group', 'alias'].includes(made?.type as string)
const anonymousKey = 'ajs_anonymous_id'
const userKey = 'ajs_user_id'

function read<Value>(place: () => Value): NonNullable<Value> | '' {
  try {
    return place() ?? ''
  } catch {
    // Blocked, for Segment as well, or none of Segment's.
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
  const cookies = () => read(() => document.cookie)
  const item = (key: string) => read(() => localStorage.getItem(key))
  function traitsMark(): string {
    const mark = isStorage ? item(traitsKey) : ''
    // Segment has them in memory when a page has cleared its storage.
    const isEmpty = isStorage && !kept?.traitsMark
    return mark || isEmpty ? mark : read(() => JSON.stringify(traitsOf()))
  }

  // An error takes time to make, and most pages have no group.
  const parsed = (json: string) => json && read((): unknown => JSON.parse(json))

  const isPlain = isUsual && isStorage
  const isPlainGroup = isPlain && field(instance.options, 'group') === undefined
  const snap = () => (isPlain ? [userKey, anonymousKey, groupKey, traitsKey].map(item) : undefined)
  /** What was stored before a call here, which changes it before it is heard of. */
  let before = snap()

  function formerly(current: Stored): Stored | undefined {
    if (before === undefined) return undefined
    const [userId, anonymousId, group, traits] = before.map(parsed)
    const isSame =
      text(userId) === current.userId &&
      (current.userId !== undefined || text(anonymousId) === current.anonymousId)
    const traitsMark = before[3] ?? ''
    return isSame ? { ...current, traits, groupId: text(group) ?? '', traitsMark } : undefined
  }

  /** Segment's getter writes what it has into all stores, which holds up a page's first call. */
  function groupIdOf(): string {
    const id = isPlainGroup ? text(parsed(item(groupKey))) : undefined
    // As long as Segment keeps something in them.
    const isInNoStore =
      isPlainGroup &&
      item(anonymousKey) !== '' &&
      !kept?.groupId &&
      !cookies().includes(`${groupKey}=`)
    const asked = () => text(callMethod(callMethod(instance, 'group'), 'id'))
    return id ?? (isInNoStore ? undefined : asked()) ?? ''
  }

  /** Differs when the traits or the group do. Reading it changes nothing: it asks no getter that would. */
  const snapshot = (mark = traitsMark()) => `${isCookieFirst ? cookies() : item(groupKey)} ${mark}`

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
    const userId = text(callMethod(user, 'id'))
    const stored = {
      userId,
      anonymousId,
      // Whom no `identify` here has made known came by a cookie: of a page of another subdomain.
      formerIds: formerIds(anonymousId, userId === undefined || made?.type === 'identify'),
      traits: typeof traits === 'object' ? copy(traits) : undefined,
      groupId: groupIdOf(),
      traitsMark: traitsMark(),
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
      const isUnseen = kept === undefined || isDoubted
      const current = ask(made)
      const former = isUnseen && isChanging(made) ? formerly(current) : undefined
      before = undefined
      if (
        kept?.traitsMark !== current.traitsMark ||
        kept.groupId !== current.groupId ||
        kept.userId !== current.userId ||
        kept.anonymousId !== current.anonymousId
      ) {
        kept = current
      }
      return former ? { ...current, former } : kept
    },
    back() {
      isForeign = true
      before = snap()
      if (kept !== undefined) kept = ask(undefined)
    },
    doubt(key) {
      isDoubted = true
      if (key === null) before = undefined
      else if ([userKey, traitsKey, groupKey].includes(key)) before = snap()
      if (key !== null && key !== anonymousKey) return
      isForeign = true
      if (kept !== undefined) kept = { ...kept, formerIds: [] }
    },
  }
}
