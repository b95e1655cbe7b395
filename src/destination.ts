import { within } from './browser/deadline.ts'
import { createNote } from './browser/note.ts'
import { createPage, whenIdle } from './browser/page.ts'
import { randomId } from './browser/random.ts'
import { createDelivery } from './delivery/delivery.ts'
import { flushTimeoutMs } from './delivery/limits.ts'
import { createSender } from './delivery/sender.ts'
import type { SegmentEvent } from './hit/event.ts'
import { fnv1a64 } from './hit/hash.ts'
import { encodeHit, personIn } from './hit/hit.ts'
import { customerAsOf } from './hit/identity.ts'
import { type AsOf, createPipeline } from './pipeline.ts'
import { createReporter } from './report.ts'
import { type Call, createCalls } from './segment/calls.ts'
import { createConsent, toJson } from './segment/consent.ts'
import { endGeneration } from './segment/generation.ts'
import {
  type Analytics,
  type SegmentContext,
  countBetween,
  isMeant,
  isPersistent,
} from './segment/host.ts'
import type { Middleware } from './segment/middleware.ts'
import { type StoredUser, createStoredUser } from './segment/stored-user.ts'
import type { ResolvedSettings } from './settings.ts'
import { createAnonymous } from './visitor/anonymous.ts'
import { createPeople, isHeardOf } from './visitor/person.ts'
import { createPersonMemory, parsePersonNote } from './visitor/person-note.ts'
import { createVisitKeeper, parseVisit } from './visitor/visit.ts'

const visitKey = 'skalin:visit'

/** The plugin at work in a page: its parts, and who of them knows whom. */
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
  const { clientId, endpoint, respectGpc } = settings
  const persistent = isPersistent(first)
  const storage = persistent ? () => localStorage : undefined
  const page = createPage(respectGpc)
  const reporter = createReporter(settings.onDelivery)
  const visitNote = createNote(storage, visitKey, parseVisit)
  const visits = createVisitKeeper(visitNote, settings.visitTimeoutMs, randomId, persistent)
  const personKey = `skalin:person:${fnv1a64(clientId)}`
  const personNote = createNote(storage, personKey, parsePersonNote)
  const memory = createPersonMemory(personNote, page.isOptedOut)
  const people = createPeople({ memory, chosen: settings.traits })
  const delivery = createDelivery({
    clientId,
    endpoint,
    persistent,
    page,
    send: createSender(endpoint),
    encode: encodeHit,
    personIn,
    hash: fnv1a64,
    whenIdle,
    onProgress: reporter.progress,
    onDrop: reporter.dropped,
  })
  const anonymous = createAnonymous(delivery, reporter.dropped, middleware.settled)
  const hasConsent = createConsent(settings.consent, () => {
    people.allow(false)
    memory.forget()
    visits.forget(clientId)
    void delivery.forget()
  })
  const pipeline = createPipeline({
    settings,
    middleware,
    people,
    visits,
    anonymous,
    reporter,
    refusalOf,
    begin,
    post: delivery.post,
  })
  const calls = createCalls<AsOf>({
    first,
    asOf,
    onCall(call) {
      reporter.heard(call.made)
      if (page.hasLeft()) pipeline.rescue(call)
    },
    onReset(ended, at, analytics) {
      visits.end(ended)
      storedUserOf(analytics).doubt(null)
      memory.forget()
      anonymous.reset(at, analytics, () => calls.mayCome() || pipeline.isPassing())
    },
  })
  const storedUsers = new Map<Analytics, StoredUser>()
  let begun = false

  function storedUserOf(analytics: Analytics): StoredUser {
    const user = storedUsers.get(analytics) ?? createStoredUser(analytics)
    storedUsers.set(analytics, user)
    return user
  }

  /** What is known of a call's person at this moment. */
  function asOf(call: Omit<Call, 'asOf'>): AsOf {
    const { analytics, made } = call
    const stored = storedUserOf(analytics).look(made)
    const isWithheld = made !== undefined && !isMeant(made)
    const isSure = made !== undefined && pipeline.isSure(analytics, made)
    const knowledge = people.see(call, stored, isWithheld)
    // Other tabs, which see what Segment has stored, need not wait for it.
    if (isSure && knowledge.isSaying) people.learn(call, knowledge, made, () => true)
    const { traits, formerIds } = stored
    const customerId = made ? customerAsOf(made, settings) : settings.customerId
    // To compare what arrives with: only where that decides something.
    const isCompared = customerId !== settings.customerId || !isHeardOf(knowledge)
    const json = made && isCompared && countBetween(analytics) === 1 ? toJson(made) : ''
    return { knowledge, traits, formerIds, isSure, json, customerId }
  }

  function refusalOf(event: SegmentEvent): 'consent' | 'gpc' | undefined {
    if (!hasConsent(event)) return 'consent'
    return page.isOptedOut() ? 'gpc' : undefined
  }

  /** Starts delivery, and listens to the page, once consent allows it. */
  function begin(): void {
    people.allow(true)
    if (begun) return
    begun = true
    try {
      delivery.start()
      page.watch({
        onOnline: delivery.online,
        onLeaving() {
          delivery.leave(() => calls.waiting().forEach(pipeline.rescue))
          visits.save()
          if (page.hasLeft()) void anonymous.stop()
        },
        onBack(wasAway) {
          // In the back/forward cache nobody was told what other pages have changed.
          if (wasAway) {
            people.doubt()
            visits.doubt()
          }
          for (const user of storedUsers.values()) {
            if (wasAway) user.back()
            // A page of another subdomain may have changed the cookies: no event tells of that.
            else user.doubt('')
          }
          delivery.back()
        },
        onStorage(key) {
          if (key === personKey || key === null) people.doubt()
          if (key === visitKey || key === null) visits.doubt()
          delivery.changedElsewhere(key)
          if (key?.startsWith('skalin:')) return
          for (const user of storedUsers.values()) user.doubt(key)
        },
      })
    } catch {
      // A page that lets nobody listen: its calls are sent all the same.
    }
  }

  async function flush(): Promise<void> {
    // Segment has handed over what destination middlewares have, too.
    await middleware.settled()
    // What consent and Global Privacy Control forbid is not sent by asking for it either.
    if ((begun || settings.consent === undefined) && !page.isOptedOut()) await delivery.flush()
  }

  return {
    watch(analytics) {
      calls.watch(analytics)
      storedUserOf(analytics)
      // Asked from now on, it knows of a middleware that is being loaded.
      countBetween(analytics)
      if (settings.consent === undefined && !page.isOptedOut()) begin()
    },

    take(ctx) {
      try {
        pipeline.take(calls.arrive(ctx))
      } finally {
        calls.finish(ctx)
      }
    },

    unwatch(analytics) {
      calls.unwatch(analytics)
      storedUsers.delete(analytics)
    },
    flush: () => within(flushTimeoutMs, flush(), undefined),
    pending: delivery.pending,

    async clear() {
      pipeline.forget(calls.waiting())
      for (const analytics of storedUsers.keys()) visits.end(endGeneration(analytics))
      visits.end({ over: true })
      memory.forget()
      await delivery.forget()
    },

    async stop() {
      await pipeline.stop()
      visits.save()
      await anonymous.stop()
      page.unwatch()
      await delivery.stop()
    },
  }
}
