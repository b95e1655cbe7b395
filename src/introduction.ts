import type { SegmentEvent } from './hit/event.ts'
import { text } from './hit/read.ts'
import { customerTraits } from './hit/traits.ts'
import type { Reporter } from './report.ts'
import type { Call } from './segment/calls.ts'
import type { Middleware } from './segment/middleware.ts'
import {
  type Knowledge,
  type People,
  isHeardOf,
  isKnownByMail,
  isToldOf,
  storedTraits,
  withoutLostTraits,
} from './visitor/person.ts'
import type { Entry, VisitKeeper } from './visitor/visit.ts'

/** What is known of a call's person, and the traits that Segment had stored. */
type Known = { knowledge: Knowledge; traits: unknown }

/**
 * Who an event's user is, after the middlewares have seen it as an `identify`; `undefined` when they
 * stop that, or when nobody needs to be told.
 */
export function createIntroduction<AsOf extends Known>(parts: {
  middleware: Middleware
  people: People
  visits: VisitKeeper
  reporter: Reporter
  isStraight: (call: Call<AsOf>) => boolean
  entryOf: (call: Call, event: SegmentEvent) => Entry
}): (call: Call<AsOf>, event: SegmentEvent) => Promise<SegmentEvent | undefined> {
  const { middleware, people, visits, reporter } = parts

  return async (call, event) => {
    const { knowledge } = call.asOf
    // What Segment has stored is its present user's, not that of an event that it kept for a former one.
    const traits = knowledge.user === undefined ? undefined : call.asOf.traits
    const isHeard = isHeardOf(knowledge)
    const isKnown = text(event.userId) !== undefined || isKnownByMail(knowledge)
    if (event.type === 'identify' || !isKnown) return undefined
    const isIntroduced = !visits.introduces(call.generation, parts.entryOf(call, event))
    const isToldAll = isHeard || !isToldOf(knowledge)
    if (isToldAll && isIntroduced) return undefined
    const before: object = isHeard
      ? (people.about(knowledge, event, () => true).traits ?? {})
      : parts.isStraight(call)
        ? { ...(storedTraits(knowledge) as object | undefined) }
        : customerTraits(storedTraits(knowledge))
    // They may make of other traits what was said: then all are shown, and those that were said taken.
    const shown = isHeard ? { ...(traits as object | undefined), ...before } : before
    const original = call.ctx.event as SegmentEvent
    const { messageId, anonymousId, userId, context, integrations, timestamp } = original
    const asked = { messageId, anonymousId, userId, context, integrations, timestamp }
    const passed = await middleware.ask(
      call.analytics,
      { ...asked, type: 'identify', traits: shown },
      reporter.about(call.ctx, event),
    )
    if (passed?.type !== 'identify') return undefined
    // What was said has been through the middlewares before: they may take from it, not change it again.
    const introduction = isHeard ? withoutLostTraits(passed, before) : passed
    // Where nothing is to be known, nothing was said.
    if (isToldOf(knowledge)) people.learn(call, knowledge, introduction, () => false)
    return { ...introduction, messageId: event.messageId }
  }
}
