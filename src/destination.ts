import { createAnonymous } from './visitor/anonymous.ts'
import { type Call, createCalls } from './segment/calls.ts'
import { consentOf } from './segment/consent.ts'
import { createDelivery } from './delivery/delivery.ts'
import type { SegmentEvent } from './hit/event.ts'
import { fnv1a64 } from './hit/hash.ts'
import { fitHit, wireBytes } from './hit/hit.ts'
import { identify, mapEvent } from './hit/map-event.ts'
import { text } from './hit/read.ts'
import type { MappingSource } from './hit/source.ts'
import {
  type Analytics,
  type SegmentContext,
  comesUnchanged,
  isPersistent,
} from './segment/host.ts'
import type { Middleware } from './segment/middleware.ts'
import { createNote } from './browser/note.ts'
import { createPage, whenIdle } from './browser/page.ts'
import { randomId } from './browser/random.ts'
import { createReporter } from './report.ts'
import { isNew } from './segment/seen.ts'
import type { ResolvedSettings } from './settings.ts'
import { createVisitKeeper, parseVisit } from './visitor/visit.ts'

/** The plugin at work in a page: the way of an event, from the call to the outbox and the network. */
export type Destination = {
  watch: (analytics: Analytics) => void
  unwatch: (analytics: Analytics) => void
  /** A call has reached the hook. */
  take: (ctx: SegmentContext) => void
  flush: () => Promise<void>
  pending: () => Promise<number>
  clear: () => Promise<void>
  stop: () => Promise<void>
}

export function createDestination(
  settings: ResolvedSettings,
  first: Analytics,
  middleware: Middleware,
): Destination {
  const { clientId, endpoint } = settings
  const persistent = isPersistent(first)
  const storage = persistent ? () => localStorage : undefined
  const page = createPage(settings.respectGpc)
  const reporter = createReporter(settings.onDelivery)
  const visits = createVisitKeeper(
    createNote(storage, 'skalin:visit', parseVisit),
    settings.visitTimeoutMs,
    randomId,
  )
  const delivery = createDelivery({
    clientId,
    endpoint,
    persistent,
    page,
    bytesOf: wireBytes,
    hash: fnv1a64,
    whenIdle,
    onProgress: reporter.progress,
    onDrop: reporter.dropped,
  })
  const anonymous = createAnonymous({ delivery, reporter })
  const calls = createCalls({
    first,
    stay: visits.stay,
    onCall: (call) => {
      if (page.hasLeft()) rescue(call)
    },
    onReset: reset,
  })
  const pageVisitorId = randomId()
  const rescued = new WeakSet<SegmentContext>()
  let begun = false
  let withdrawn = false
  let stopped = false

  /** Looks after the page and what earlier pages left, from the first moment that is allowed. */
  function begin(): void {
    if (begun) return
    begun = true
    try {
      delivery.start()
      page.watch({
        onOnline: delivery.online,
        onLeaving() {
          if (page.hasLeft()) calls.waiting().forEach(rescue)
          delivery.leave()
        },
        onBack: delivery.back,
      })
    } catch {
      // A page that lets nobody listen: its calls are sent all the same.
    }
  }

  /** From an event to its hits, or the reason why it has none. */
  function deliver(call: Call, event: SegmentEvent): void {
    // A middleware may have been asked before the end and answer after it.
    if (stopped) return
    const told = reporter.about(call.ctx, event)
    const consent = consentOf(event, settings.consent)
    if (consent === 'withdrawn' && !withdrawn) void delivery.forget()
    withdrawn = consent === 'withdrawn' || (withdrawn && consent === 'missing')
    if (consent !== 'given') return told.skipped('consent')
    if (page.isOptedOut()) return told.skipped('gpc')
    const messageId = text(event.messageId)
    if (messageId !== undefined && !isNew(call.analytics, `${clientId} ${messageId}`)) {
      return told.skipped('duplicate')
    }
    begin()
    const source: MappingSource = {
      settings,
      moment: call.moment,
      pageVisitorId,
      randomId,
      warn: reporter.warn,
    }
    const draft = mapEvent(event, source)
    if ('skipped' in draft) return told.skipped(draft.skipped)
    const known = draft.identity !== undefined
    if (!known && settings.anonymous === 'drop') return told.skipped('anonymous')

    const { visitId, introduce } = visits.enter(call.stay, {
      visitor: draft.visitor_id,
      at: call.moment.at,
      clientId,
      known,
      identifies: draft.action === 'ui',
    })
    const drafts = introduce ? [identify(event, source, 'identify'), draft] : [draft]
    const hits = drafts.flatMap((each) => {
      const hit = each && fitHit({ ...each, visit_id: visitId })
      if (hit === undefined) told.dropped('too-large')
      else told.made(hit)
      return hit ?? []
    })
    if (!known && settings.anonymous === 'hold') anonymous.hold(call, hits)
    else delivery.post(hits, call.moment.at)
    if (known) anonymous.release(draft, introduce)
  }

  /**
   * Takes a call whose hook will not come, because the page goes. Only where the hook would have had
   * the same event: nothing goes out behind a middleware's or a consent tool's back.
   */
  function rescue(call: Call): void {
    const { ctx, analytics } = call
    if (settings.consent !== undefined || middleware.isInstalled() || rescued.has(ctx)) return
    if (!comesUnchanged(analytics, ctx.event)) return
    rescued.add(ctx)
    deliver(call, ctx.event)
  }

  function reset(at: number): void {
    visits.reset()
    anonymous.reset(at, calls.waiting().length > 0)
  }

  return {
    watch(analytics) {
      calls.watch(analytics)
      if (settings.consent === undefined && !settings.respectGpc) begin()
    },

    take(ctx) {
      const call = calls.arrive(ctx)
      if (rescued.has(ctx)) return
      if (!middleware.isInstalled()) {
        deliver(call, ctx.event)
        return
      }
      middleware.pass(ctx.event, (event) => {
        if (event) deliver(call, event)
        else reporter.about(ctx, ctx.event).skipped('middleware')
      })
    },

    unwatch: calls.unwatch,
    flush: () => (begun ? delivery.flush() : Promise.resolve()),
    pending: () => (begun ? delivery.pending() : Promise.resolve(0)),

    async clear() {
      visits.reset()
      await delivery.forget()
    },

    async stop() {
      if (middleware.isInstalled()) await middleware.settled()
      stopped = true
      anonymous.stop()
      page.unwatch()
      await delivery.stop()
    },
  }
}
