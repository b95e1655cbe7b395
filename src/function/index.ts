import type { SegmentEvent } from '../hit/event.ts'
import { personIn } from '../hit/hit.ts'
import { type Decision, type ServerHit, type Skip, decide } from './decide.ts'
import { type Sent, send } from './send.ts'
import { type FunctionSettings, resolveSettings } from './settings.ts'
import { inTime } from './timer.ts'

/** Segment's errors: what is thrown tells it to try an event again, or to discard it. */
declare const RetryError: new (message: string) => Error
declare const InvalidEventPayload: new (message: string) => Error

type Outcome = Sent | { skipped: Skip }

/** What Segment is told of one event of a batch: 500 is tried again, 400 is not. */
type Status = { status: 200 | 400 | 500; errormessage?: string }

/** Hits that go out one after the other, each with the place of its event in the batch. */
type Job = [index: number, hit: ServerHit][]

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

function statusOf(outcome: Outcome): Status {
  if ('failed' in outcome) return { status: 500, errormessage: outcome.failed }
  if ('rejected' in outcome) return { status: 400, errormessage: outcome.rejected }
  return { status: 200 }
}

/** What every handler of a single event does; its answer is for those who try the Function out. */
async function handle(event: SegmentEvent, rawSettings: unknown): Promise<Outcome> {
  const settings = resolveSettings(rawSettings)
  const decision = decideSafely(event, settings)
  const outcome =
    'hit' in decision
      ? await inTime((timer) => send(settings.endpoint, decision.hit, timer))
      : decision
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
  await inTime(async (timer) => {
    // What is said of one person, or of one visitor, is one job: said later, it arrives later, and takes
    // no other's place meanwhile.
    const jobs = new Set<Job>()
    const identifying = new Map<string, Job>()
    for (const [index, event] of events.entries()) {
      const decision = decideSafely(event, settings)
      if ('hit' in decision) {
        const { hit } = decision
        const keys = hit.action === 'ui' ? [hit.visitor_id, `person ${personIn(hit)}`] : []
        const parts = new Set(
          keys.map((key) => identifying.get(key)).filter((part) => part !== undefined),
        )
        const job = [...parts].flat().concat([[index, hit]])
        job.sort(([one], [other]) => one - other)
        jobs.add(job)
        for (const part of parts) jobs.delete(part)
        for (const [key, part] of identifying) if (parts.has(part)) identifying.set(key, job)
        for (const key of keys) identifying.set(key, job)
      } else statuses[index] = statusOf(decision)
    }
    // One iterator for all workers: each takes the next job that none has taken.
    const queue = jobs.values()
    const worker = async (): Promise<void> => {
      for (const job of queue) {
        let outcome: Sent | undefined
        for (const [index, hit] of job) {
          // After a failure the rest fails, too, so that it is tried again in its order.
          if (!outcome || !('failed' in outcome)) {
            outcome = await send(settings.endpoint, hit, timer)
          }
          statuses[index] = statusOf(outcome)
        }
      }
    }
    await Promise.all(Array.from({ length: maxInFlight }, worker))
  })
  return statuses
}

/** What the handlers call. */
const skalin: { handle: typeof handle; handleBatch: typeof handleBatch } = { handle, handleBatch }

export default skalin
