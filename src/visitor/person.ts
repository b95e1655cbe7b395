import type { SegmentEvent } from '../hit/event.ts'
import { field, text } from '../hit/read.ts'
import { type Traits, customerTraits, emailTrait, pickTraits } from '../hit/traits.ts'
import { type PersonMemory, type StoredPerson, type Told, hash } from './person-note.ts'
import { type Word, arrive, isOpen, latest, latestSaid, said, saying } from './word.ts'

/** What was known of a call's person and group when it was made. */
export type Knowledge = {
  /** Absent for a call of somebody else than Segment's stored user. */
  user?: string
  traits?: Word<Told> | undefined
  group?: Word<string | undefined> | undefined
  /** The call is itself such a word. */
  isSaying: boolean
  /** It is an `identify` that made another known user the current one. */
  isSwitch: boolean
}

/** A call, as far as it says something about a person. */
type Saying = {
  generation: { over: boolean }
  /** Absent when nobody saw the call being made. */
  made?: SegmentEvent | undefined
  ctx: { event: SegmentEvent }
}

/** The people of one generation. */
type State = {
  stored?: StoredPerson
  traits: Map<string, Word<Told>>
  group: Word<string | undefined> | undefined
}

/** What hits may say about a person: what was said of them to this destination, as it arrived. */
export type People = {
  /** A call is made, or one that nobody saw being made arrives. */
  see: (call: Saying, stored: StoredPerson, isWithheld: boolean) => Knowledge
  /** An `identify` or `group` has arrived. `isUntouched`: nobody can have changed it. */
  learn: (
    call: Saying,
    knowledge: Knowledge,
    event: SegmentEvent,
    isUntouched: () => boolean,
  ) => void
  /** What a hit of an event may say. `isUntouched` as above, asked only where it matters. */
  about: (
    knowledge: Knowledge,
    event: SegmentEvent,
    isUntouched: () => boolean,
  ) => { traits: Traits | undefined; groupId: string | undefined }
  /** Something may be stored of a person from now on, or nothing any more. */
  allow: (allowed: boolean) => void
  /** Another tab has changed what is stored. */
  doubt: () => void
}

/** Whether a call's person has no id, and an e-mail address all the same. */
export const isKnownByMail = ({ user, traits }: Knowledge): boolean =>
  user === '' && emailTrait(field(latest(traits)?.traits, 'email')) !== undefined

/** Whether an `identify` of a call's person has arrived here before it. */
export const isHeardOf = ({ traits }: Knowledge): boolean => latest(traits)?.isStored === false

/** Whether anything said or stored of a call's person is to be known. */
export const isToldOf = ({ traits }: Knowledge): boolean => latest(traits) !== undefined

/** What Segment had stored of a call's person when that was all that is known; none where nothing is. */
export const storedTraits = ({ traits }: Knowledge): unknown => latest(traits)?.stored?.traits

/** An `identify` that says of `traits` what it has not lost on its way. */
export const withoutLostTraits = (event: SegmentEvent, traits: unknown): SegmentEvent => ({
  ...event,
  traits: Object.fromEntries(
    Object.entries(traits ?? {}).filter(([name]) => field(event.traits, name) !== undefined),
  ),
})

export function createPeople(options: {
  memory: PersonMemory
  /** The traits that hits may say, besides those for the e-mail address and the customer. */
  chosen: readonly string[]
}): People {
  const { memory, chosen } = options
  const states = new WeakMap<object, State>()
  let current: { state: State; generation: Saying['generation'] } | undefined
  let isDoubted = false

  function stateOf(generation: object): State {
    const state = states.get(generation) ?? { traits: new Map(), group: undefined }
    states.set(generation, state)
    return state
  }

  function keep(): void {
    const { state, generation } = current ?? {}
    if (state?.stored === undefined || generation?.over !== false) return
    const told = latest(state.traits.get(state.stored.userId ?? ''))
    // What has been stored since was kept from here, or has not arrived: the next page is not to take it.
    const isNewer = told?.stored && told.stored.traitsMark !== state.stored.traitsMark
    const traits = told?.isStored && !isNewer ? undefined : told?.traits
    memory.keep(state.stored, told && { ...told, traits }, latestSaid(state.group))
  }

  const asStored = (of: string, stored: StoredPerson): Word<Told> =>
    said({ of, traits: pickTraits(stored.traits, chosen), isStored: true, stored })

  /** What Segment has stored has changed: by this call, which says so, or unseen, which is news. */
  function notice(state: State, stored: StoredPerson, type: unknown): void {
    const before = state.stored
    state.stored = stored
    const user = stored.userId ?? ''
    const isOther = before?.userId !== stored.userId
    const traitsAreNews =
      type !== 'identify' && (isOther || before?.traitsMark !== stored.traitsMark)
    const groupIsNews = type !== 'group' && before?.groupId !== stored.groupId
    if (!traitsAreNews && !groupIsNews && !isDoubted) return
    // An earlier page, or another tab, may have seen the change and know what arrived of it.
    const noted = memory.recall(stored)
    const isKnown = traitsAreNews || !isOpen(state.traits.get(user))
    if (noted.traits && isKnown) {
      const { of, isStored = false } = noted.traits
      const { traits } = noted.traits
      if (isStored)
        state.traits.set(
          user,
          asStored(of, traits ? { ...stored, traits, traitsMark: '' } : stored),
        )
      else if (traits) state.traits.set(user, said({ of, traits, isStored }))
      else state.traits.delete(user)
    } else if (traitsAreNews) state.traits.set(user, asStored(hash(user), stored))
    const isGroupKnown = groupIsNews || !isOpen(state.group)
    if (noted.group && isGroupKnown) state.group = said(noted.group.group)
    else if (groupIsNews) state.group = said(text(stored.groupId))
    isDoubted = false
  }

  return {
    see({ generation, made, ctx }, stored, isWithheld) {
      const state = stateOf(generation)
      current = { state, generation }
      const before = state.stored?.userId
      const type = made?.type
      // The first call of a page, after one on which somebody else was known.
      const isOther =
        type === 'identify' && state.stored === undefined && memory.isOfAnother(stored)
      if (stored.former) notice(state, stored.former, undefined)
      if (stored !== state.stored || isDoubted) notice(state, stored, type)
      if (memory.isDue()) keep()
      const event = made ?? ctx.event
      const user = text(event.userId)
      const isStoredOne =
        user === stored.userId &&
        (user !== undefined || text(event.anonymousId) === stored.anonymousId)
      const isIdentify = type === 'identify' && !isWithheld
      const isGroup = type === 'group' && !isWithheld
      // The group that Segment keeps is of no user.
      if (isGroup) state.group = saying(state.group)
      if (!isStoredOne) {
        return { group: isGroup ? state.group : undefined, isSaying: false, isSwitch: false }
      }

      const key = user ?? ''
      if (isIdentify) state.traits.set(key, saying(state.traits.get(key)))
      if (type === 'identify' || type === 'group') keep()
      const isSwitch = isOther || (type === 'identify' && before !== undefined && before !== user)
      const { group } = state
      const isSaying = isIdentify || isGroup
      return { user: key, traits: state.traits.get(key), group, isSaying, isSwitch }
    },

    learn({ generation, made }, knowledge, event, isUntouched) {
      const { user } = knowledge
      const isGroup = event.type === 'group'
      if (user === undefined && !(isGroup && knowledge.group)) return
      // Kept from an earlier page, or handed on once more: what was said or stored since is newer.
      if (made === undefined && (isUntouched() || isGroup || isHeardOf(knowledge))) return
      const state = stateOf(generation)
      if (event.type === 'identify') {
        const word = (knowledge.traits ??= saying<Told>(undefined))
        if (user !== undefined && !state.traits.has(user)) state.traits.set(user, word)
        const of = hash(text(event.userId) ?? '')
        arrive(word, { of, traits: pickTraits(event.traits, chosen), isStored: false })
      } else if (isGroup) {
        const word = (knowledge.group ??= saying<string | undefined>(undefined))
        state.group ??= word
        arrive(word, text(event.groupId))
      } else return
      if (state === current?.state) keep()
    },

    about(knowledge, event, isUntouched) {
      const told = latest(knowledge.traits)
      const isAll = told?.of === hash(text(event.userId) ?? '') && (!told.isStored || isUntouched())
      return {
        traits: told && (isAll ? told.traits : customerTraits(told.traits)),
        groupId: latest(knowledge.group),
      }
    },

    allow(allowed) {
      if (memory.allow(allowed) && allowed) keep()
    },

    doubt() {
      isDoubted = true
    },
  }
}
