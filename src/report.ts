import { quiet } from './hit/ask.ts'
import type { Progress } from './delivery/courier.ts'
import type { DropReason, WaitReason } from './delivery/outcome.ts'
import type { Row } from './delivery/row.ts'
import { forgetOldest } from './segment/forget-oldest.ts'
import type { SegmentEvent } from './hit/event.ts'
import type { Hit } from './hit/hit.ts'
import { text } from './hit/read.ts'
import type { SegmentContext } from './segment/host.ts'

/**
 * Why a call became no hit.
 *
 * - `no-name`: nothing says what was used.
 * - `no-identity`: an `identify` or `group` without a user.
 * - `no-group`: a `group` without a group.
 * - `unsupported`: an `alias`, or the consent tools' own event.
 * - `feature-name`: `featureName` skipped it.
 * - `anonymous`: its visitor is unknown, and `anonymous` is `'drop'`; or a middleware took its user out.
 * - `consent`: not given.
 * - `gpc`: Global Privacy Control is respected and on.
 * - `middleware`: a destination middleware stopped it.
 * - `duplicate`: this call has been taken already.
 */
export type SkipReason =
  | 'no-name'
  | 'no-identity'
  | 'no-group'
  | 'unsupported'
  | 'feature-name'
  | 'anonymous'
  | 'consent'
  | 'gpc'
  | 'middleware'
  | 'duplicate'

/** What became of a call, or of a hit: the argument of `onDelivery`. */
export type DeliveryReport = {
  /**
   * `accepted`: Skalin has it. `waiting`: it is kept and will be tried again. `dropped`: it is gone
   * for good. `skipped`: no hit was made of the call.
   */
  outcome: 'accepted' | 'waiting' | 'dropped' | 'skipped'
  /** Why; of what was accepted only `unconfirmed`, where the page may not read the answers. */
  reason?: 'unconfirmed' | WaitReason | DropReason | SkipReason
  /** The hit as it goes out; absent when none was made. */
  hit?: Hit
  /** Segment's id of the call, for the last 1,000 hits of this page. */
  messageId?: string
  /** How often the hit has been sent. */
  attempts?: number
  /** The HTTP status of the collector's answer. */
  status?: number
  /** When it will be tried again at the earliest, epoch milliseconds. */
  nextTryAt?: number
}

/** Tells `onDelivery` and Segment's log what becomes of calls and hits. Nothing it does can throw. */
export type Reporter = {
  /** About one call, while its page lives. */
  about: (
    ctx: SegmentContext,
    event: SegmentEvent,
  ) => {
    skipped: (reason: SkipReason) => void
    dropped: (reason: DropReason) => void
    made: (hit: Hit) => void
    /** Says, in its log, what went wrong with it. */
    failed: (message: string, error?: unknown) => void
    /** Says to the site's developer, once, what is wrong, with the first example of it. */
    warn: (message: string, example?: string) => void
  }
  progress: (progress: Progress) => void
  dropped: (row: Pick<Row, 'hit' | 'attempts'>, reason: DropReason) => void
  /** A call is made. One that `onDelivery` makes may lead to the next, without end. */
  heard: (event: SegmentEvent | undefined) => void
}

const unreadable =
  'The collector answers without `Access-Control-Allow-Origin`, so nobody knows whether it took the ' +
  'hits: have that sent, or set `endpoint` to a proxy of your own.'

/** How many hits are remembered with the call that they were made of. */
const remembered = 1000
/** Nobody reads more of them, of a page whose calls have ended. */
const maxUnsaid = 100

/** Says something in Segment's log. */
export function log(
  ctx: SegmentContext,
  level: 'debug' | 'warn' | 'error',
  message: string,
  error?: unknown,
): void {
  try {
    ctx.log(level, `Skalin: ${message}`, error === undefined ? undefined : { error })
  } catch {
    // Not a context that logs: there is nobody to tell.
  }
}

/** More calls than this, each made while `onDelivery` was told of the one before, are a loop. */
const maxDepth = 10

export function createReporter(
  onDelivery: ((report: DeliveryReport) => void) | undefined,
): Reporter {
  const messageIds = new Map<unknown, string>()
  const warned = new Set<string>()
  /** Segment prints a call's log when its dispatch ends: what comes later goes with the next call. */
  const unsaid: [level: 'debug' | 'warn', message: string][] = []
  /** Calls that `onDelivery` has made, and how many such calls led to each. */
  const depths = new Map<unknown, number>()
  let telling: number | undefined

  function say(ctx: SegmentContext | undefined, level: 'debug' | 'warn', message: string): void {
    if (ctx) return log(ctx, level, message)
    unsaid.push([level, message])
    unsaid.splice(0, unsaid.length - maxUnsaid)
  }

  function tell(
    told: { [Field in keyof DeliveryReport]: DeliveryReport[Field] | undefined },
    ctx?: SegmentContext,
  ): void {
    const { outcome, reason, hit, status } = told
    const messageId = told.messageId ?? messageIds.get(hit?.event_id)
    if (outcome !== 'waiting') messageIds.delete(hit?.event_id)
    const what = [outcome, reason, status, hit?.event_id].filter((part) => part !== undefined)
    say(ctx, 'debug', what.join(' '))
    if (onDelivery === undefined) return
    // A copy: what is stored and sent is not the listener's to change.
    const members = Object.entries({ ...told, hit: hit && { ...hit }, messageId })
    const report = Object.fromEntries(members.filter(([, value]) => value !== undefined))
    telling = depths.get(messageId) ?? 0
    try {
      // It may as well be async.
      const listener: (report: DeliveryReport) => unknown = onDelivery
      quiet(listener(report as DeliveryReport))
    } catch {
      // An error of the listener must not stop the delivery.
    }
    telling = undefined
  }

  function warn(message: string, example?: string, ctx?: SegmentContext): void {
    if (warned.has(message)) return
    warned.add(message)
    say(ctx, 'warn', example === undefined ? message : `${message} The first: \`${example}\`.`)
  }

  return {
    about(ctx, event) {
      for (const line of unsaid.splice(0)) log(ctx, ...line)
      const messageId = text(event.messageId)
      return {
        skipped: (reason) => tell({ outcome: 'skipped', reason, messageId }, ctx),
        dropped: (reason) => tell({ outcome: 'dropped', reason, messageId }, ctx),
        made(hit) {
          if (messageId === undefined) return
          messageIds.set(hit.event_id, messageId)
          forgetOldest(messageIds, remembered)
        },
        failed: (message, error) => log(ctx, 'error', message, error),
        warn: (message, example) => warn(message, example, ctx),
      }
    },

    progress({ row: { hit, attempts }, outcome, reason, status, nextTryAt, reachedAt, due }) {
      if (reachedAt !== undefined || reason === 'unconfirmed') warn(unreadable)
      else if (due !== undefined) {
        warn(
          `The collector answered ${status ?? 'with a redirect'}: check \`clientId\` and \`endpoint\`.`,
        )
      }
      tell({ outcome, reason, hit, attempts, status, nextTryAt })
    },

    dropped({ hit, attempts }, reason) {
      tell({ outcome: 'dropped', reason, hit, attempts })
    },

    heard(event) {
      if (telling === undefined) return
      depths.set(text(event?.messageId), telling + 1)
      forgetOldest(depths, remembered)
      if (telling > maxDepth) {
        warn('`onDelivery` makes a call for each report of its own calls, without end.')
      }
    },
  }
}
