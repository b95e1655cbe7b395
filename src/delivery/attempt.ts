import { type EndpointState, departed, modeFor, untried } from './endpoint.ts'
import { type Ending, type Mode, judge } from './policy.ts'
import type { Row } from './row.ts'
import type { Sender } from './sender.ts'

/** The endpoint's state, shared by all tabs and read afresh each time. */
export type EndpointNote = {
  read: () => EndpointState | undefined
  write: (state: EndpointState) => void
}

/** What delivery asks of its page. */
export type Page = {
  isOnline: () => boolean
  isHidden: () => boolean
  /** Its `pagehide` has been. */
  hasLeft: () => boolean
  /** It may send requests whose answers it cannot read. */
  noCors: () => boolean
}

/**
 * A tab that is being closed is hidden first, and sees its requests fail before `pagehide`, although
 * they go on without it. A second later it is gone, or the failure was one.
 */
const doubtMs = 1000

/** Sends a row, a second time if the first answer cannot be read, and learns from what comes of it. */
export async function attempt(
  row: Row,
  {
    send,
    note,
    page,
    isForgotten,
  }: { send: Sender; note: EndpointNote; page: Page; isForgotten: (row: Row) => boolean },
): Promise<Ending> {
  const state = () => note.read() ?? untried
  let mode: Mode = page.noCors() ? modeFor(state(), Date.now()) : 'cors'
  for (;;) {
    const sentAt = Date.now()
    note.write(departed(state(), mode, sentAt))
    const outcome = await send(row.hit, mode)
    if (outcome.kind === 'network' && page.isHidden()) {
      await new Promise((resolve) => setTimeout(resolve, doubtMs))
    }
    const judged = judge(state(), outcome, {
      mode,
      sentAt,
      now: Date.now(),
      online: page.isOnline(),
      left: page.hasLeft(),
      noCors: page.noCors(),
      reachedAt: row.reachedAt,
      random: Math.random(),
    })
    note.write(judged.state)
    if (judged.verdict.outcome !== 'again') return judged.verdict
    if (isForgotten(row)) return { outcome: 'waiting', reason: 'network' }
    mode = 'no-cors'
  }
}
