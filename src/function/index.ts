import type { SegmentEvent } from '../hit/event.ts'
import { type Decision, type Skip, decide } from './decide.ts'
import { type Sent, send } from './send.ts'
import { type FunctionSettings, resolveSettings } from './settings.ts'
import { type Timer, inTime } from './timer.ts'

/** Segment's errors: what is thrown tells it to try an event again, or to discard it. */
declare const RetryError: new (message: string) => Error
declare const InvalidEventPayload: new (message: string) => Error

type Outcome = Sent | { skipped: Skip }

/** What Segment is told of one event of a batch: 500 is tried again, 400 is not. */
type Status = { status: 200 | 400 | 500; errormessage?: string }

/** Segment's batches are of 20 events, and of up to 400 for those who ask for it. */
const maxInFlight = 20

/** One event that cannot be read must not cost the others of its batch. */
function decideSafely(event: SegmentEvent, settings: FunctionSettings): Decision {
  try {
    return decide(event, settings)
  } catch {
    return { rejected: 'The call cannot be read. Is it nested thousands of levels deep?' }
  }
}

/**
 * `turns` has the last identity of each visitor: what was said later must arrive later, also if it is
 * tried again.
 */
async function deliver(
  event: SegmentEvent,
  settings: FunctionSettings,
  timer: Timer,
  turns = new Map<string, Promise<Sent>>(),
): Promise<Outcome> {
  const decision = decideSafely(event, settings)
  if (!('hit' in decision)) return decision
  const { hit } = decision
  const sendNow = () => send(settings.endpoint, hit, timer)
  if (hit.action === 'ev') return sendNow()
  const sent = Promise.resolve(turns.get(hit.visitor_id)).then((earlier) =>
    earlier && 'failed' in earlier ? earlier : sendNow(),
  )
  turns.set(hit.visitor_id, sent)
  return sent
}

function statusOf(outcome: Outcome): Status {
  if ('failed' in outcome) return { status: 500, errormessage: outcome.failed }
  if ('rejected' in outcome) return { status: 400, errormessage: outcome.rejected }
  return { status: 200 }
}

/** What every handler of a single event does; its answer is for those who try the Function out. */
async function handle(event: SegmentEvent, rawSettings: unknown): Promise<Outcome> {
  const settings = resolveSettings(rawSettings)
  const outcome = await inTime((timer) => deliver(event, settings, timer))
  if ('failed' in outcome) throw new RetryError(outcome.failed)
  if ('rejected' in outcome) throw new InvalidEventPayload(outcome.rejected)
  return outcome
}

/** What `onBatch` does: each event as if it were single, and a status for each, in their order. */
async function handleBatch(
  events: readonly SegmentEvent[],
  rawSettings: unknown,
): Promise<Status[]> {
  const settings = resolveSettings(rawSettings)
  const statuses: Status[] = []
  // One iterator for all workers: each takes the next event that none has taken.
  const queue = events.entries()
  const turns = new Map<string, Promise<Sent>>()
  await inTime(async (timer) => {
    const worker = async (): Promise<void> => {
      for (const [index, event] of queue) {
        statuses[index] = statusOf(await deliver(event, settings, timer, turns))
      }
    }
    await Promise.all(Array.from({ length: maxInFlight }, worker))
  })
  return statuses
}

/** What the handlers call. */
const skalin: { handle: typeof handle; handleBatch: typeof handleBatch } = { handle, handleBatch }

export default skalin
