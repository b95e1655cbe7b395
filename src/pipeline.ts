import { randomId } from './browser/random.ts'
import type { SegmentEvent } from './hit/event.ts'
import { type Draft, type Hit, fitHit } from './hit/hit.ts'
import { identify, mapEvent, visitorOf } from './hit/map-event.ts'
import { text } from './hit/read.ts'
import type { MappingSource } from './hit/source.ts'
import { createIntroduction } from './introduction.ts'
import type { Reporter, SkipReason } from './report.ts'
import type { Call } from './segment/calls.ts'
import { isOnlyStamped, unknownCategory } from './segment/consent.ts'
import { type Analytics, type SegmentContext, countBetween, isMeant } from './segment/host.ts'
import type { Middleware } from './segment/middleware.ts'
import { isNew } from './segment/seen.ts'
import type { ResolvedSettings } from './settings.ts'
import type { Anonymous } from './visitor/anonymous.ts'
import type { Knowledge, People } from './visitor/person.ts'
import type { Entry, VisitKeeper } from './visitor/visit.ts'

/** What is remembered of a call's person from the moment when it was made. */
export type AsOf = {
  knowledge: Knowledge
  /** What Segment had stored. */
  traits: unknown
  formerIds: readonly string[]
  /** Whether it would have arrived as it was: {@link Pipeline.isSure}. */
  isSure: boolean
  /** The event as JSON, where somebody stands between that may change it. */
  json: string
  /** What the site's function of that name has answered, or itself where it failed. */
  customerId: ResolvedSettings['customerId']
}

/** The way of a call, from its hook to its hits. */
export type Pipeline = {
  /** A call has reached the hook. */
  take: (call: Call<AsOf>) => void
  /**
   * Takes a call whose hook will not come, or was ended in the middle, because the page goes. Only
   * where the hook would have had the same event: nothing goes out behind a middleware's or a consent
   * tool's back.
   */
  rescue: (call: Call<AsOf>) => void
  /** Middlewares have some of them. */
  isPassing: () => boolean
  /** These calls, and those that middlewares have, were made before all was to be forgotten. */
  forget: (waiting: readonly Call<AsOf>[]) => void
  /** Whether an event will arrive as it is: it is meant for Skalin, and nobody stands between. */
  isSure: (analytics: Analytics, event: SegmentEvent) => boolean
  stop: () => Promise<void>
}

type Parts = {
  settings: ResolvedSettings
  middleware: Middleware
  people: People
  visits: VisitKeeper
  anonymous: Anonymous
  reporter: Reporter
  /** Why an event may not be taken, if so. */
  refusalOf: (event: SegmentEvent) => 'consent' | 'gpc' | undefined
  /** One may: delivery starts, if it has not. */
  begin: () => void
  post: (hits: Hit[], madeAt: number) => void
}

export function createPipeline(parts: Parts): Pipeline {
  const { settings, middleware, people, visits, anonymous, reporter } = parts
  const { clientId } = settings
  const pageVisitorId = randomId()
  /** They are being taken, or were when their page went. */
  const underWay = new WeakSet<SegmentContext>()
  const rescued = new WeakSet<SegmentContext>()
  const forgotten = new WeakSet<SegmentContext>()
  /** The middlewares have them. */
  const passing = new Set<SegmentContext>()
  let stopped = false

  /** Whether Segment has handed the event on as it was made, but for what its consent tools add. */
  function isStraight({ analytics, asOf, ctx }: Call<AsOf>): boolean {
    const between = countBetween(analytics)
    return between === 0 || (between === 1 && isOnlyStamped(asOf.json, ctx.event))
  }

  const isUntouched = (call: Call<AsOf>) =>
    !middleware.isInstalled(call.analytics) && isStraight(call)

  function sourceOf(
    call: Call<AsOf>,
    event: SegmentEvent,
    warn: MappingSource['warn'],
  ): MappingSource {
    const { at, fragment, asOf } = call
    const known = people.about(asOf.knowledge, event, () => isUntouched(call))
    const { customerId } = asOf
    return {
      // A function of the site's may have told the workspace that the page showed then.
      settings:
        customerId !== settings.customerId && isUntouched(call)
          ? { ...settings, customerId }
          : settings,
      moment: { at, ...known, fragment },
      pageVisitorId,
      randomId,
      warn,
    }
  }

  function isDuplicate({ analytics, ctx }: Call): boolean {
    const messageId = text((ctx.event as SegmentEvent).messageId)
    return messageId !== undefined && !isNew(analytics, `${clientId} ${messageId}`)
  }

  const skip = (call: Call, event: SegmentEvent, reason: SkipReason) =>
    reporter.about(call.ctx, event).skipped(reason)

  /** It was made before all was to be forgotten: then it is gone. */
  function discard({ ctx }: Call): boolean {
    if (forgotten.has(ctx)) reporter.about(ctx, ctx.event).dropped('consent')
    return forgotten.has(ctx)
  }

  /** Learns from an event; whether it may be taken. */
  function admits(call: Call<AsOf>, event: SegmentEvent): boolean {
    const { warn } = reporter.about(call.ctx, event)
    people.learn(call, call.asOf.knowledge, event, () => isUntouched(call))
    if (call.asOf.knowledge.isSwitch) {
      warn(
        'Another user was identified without `reset()`: a Segment group stays the customer until `group()`.',
      )
    }
    const refusal = parts.refusalOf(event)
    if (refusal === undefined) parts.begin()
    else skip(call, event, refusal)
    const unknown = refusal && unknownCategory(event, settings.consent)
    if (unknown) warn('`consent` asks for a category that events are not stamped with.', unknown)
    return refusal === undefined
  }

  /** The hits of an event that may be taken; `introduction` says who its user is, if need be. */
  function deliver(call: Call<AsOf>, event: SegmentEvent, introduction?: SegmentEvent): void {
    const told = reporter.about(call.ctx, event)
    const source = sourceOf(call, event, told.warn)
    const draft = mapEvent(event, source)
    if ('skipped' in draft) return told.skipped(draft.skipped)
    const known = draft.identity !== undefined
    // Whom somebody has taken out, no later hit may put back.
    const isTakenOut = Boolean(call.asOf.knowledge.user)
    const isLost = settings.anonymous === 'drop' || (settings.anonymous === 'hold' && isTakenOut)
    if (!known && isLost) return told.skipped('anonymous')

    const entry = entryOf(call, draft.visitor_id, known, draft.action === 'ui')
    const { visitId, introduce } = visits.enter(call.generation, entry)
    const drafts: (Draft | undefined)[] =
      introduce && introduction ? [identify(introduction, source, 'identify'), draft] : [draft]
    const hits = drafts.flatMap((each) => {
      const hit = each && fitHit({ ...each, visit_id: visitId })
      if (hit === undefined) told.dropped('too-large')
      else {
        told.made(hit)
        if (hit.identity !== each?.identity) told.warn('A hit over 16 KiB goes without `traits`.')
      }
      return hit ?? []
    })
    if (!known && settings.anonymous === 'hold') anonymous.hold(call, hits)
    else parts.post(hits, call.at)
    const former = call.asOf.formerIds.map((id) => visitorOf({ anonymousId: id }, pageVisitorId))
    if (known) anonymous.release(call, draft, introduce, former)
  }

  const entryOf = (call: Call, visitor: string, known: boolean, identifies: boolean): Entry => {
    return { visitor, at: call.at, clientId, known, identifies }
  }

  const introductionOf = createIntroduction({
    middleware,
    people,
    visits,
    reporter,
    isStraight,
    entryOf: (call, event) =>
      entryOf(call, visitorOf(event, pageVisitorId), true, event.type === 'group'),
  })

  async function takePassed(call: Call<AsOf>, event: SegmentEvent | undefined): Promise<void> {
    // A middleware may have been asked before the end and answer after it.
    if (stopped || discard(call)) return
    if (event === undefined) skip(call, call.ctx.event, 'middleware')
    else if (admits(call, event)) {
      const introduction = await introductionOf(call, event)
      if (!discard(call)) deliver(call, event, introduction)
    }
  }

  function takeNow(call: Call<AsOf>): void {
    const { event }: { event: SegmentEvent } = call.ctx
    if (stopped || !admits(call, event)) return
    // One that was ended in the middle is no duplicate of itself.
    const wasEnded = underWay.has(call.ctx)
    underWay.add(call.ctx)
    if (!wasEnded && isDuplicate(call)) skip(call, event, 'duplicate')
    else deliver(call, event, event)
    underWay.delete(call.ctx)
  }

  const isSure: Pipeline['isSure'] = (analytics, event) =>
    settings.consent === undefined &&
    !middleware.isInstalled(analytics) &&
    countBetween(analytics) === 0 &&
    isMeant(event)

  return {
    take(call) {
      const { ctx, analytics } = call
      if (rescued.has(ctx) || discard(call)) return
      if (!middleware.isInstalled(analytics)) takeNow(call)
      else if (isDuplicate(call)) skip(call, ctx.event, 'duplicate')
      else {
        passing.add(ctx)
        middleware.pass(analytics, ctx.event, reporter.about(ctx, ctx.event), async (event) => {
          try {
            await takePassed(call, event)
          } finally {
            passing.delete(ctx)
          }
        })
      }
    },

    isSure,
    isPassing: () => passing.size > 0,

    rescue(call) {
      const { ctx, analytics } = call
      // Who has stopped it may have gone since.
      const isStillSure = call.asOf.isSure && isSure(analytics, ctx.event)
      if (rescued.has(ctx) || forgotten.has(ctx) || !isStillSure) return
      rescued.add(ctx)
      takeNow(call)
    },

    forget(waiting) {
      for (const ctx of [...waiting.map((call) => call.ctx), ...passing]) forgotten.add(ctx)
    },

    async stop() {
      await middleware.settled()
      stopped = true
    },
  }
}
