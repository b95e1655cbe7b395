import { now } from '../browser/clock.ts'
import {
  type EndpointState,
  initialState,
  isInTrouble,
  modeFor,
  onProbeLost,
  onSend,
} from './endpoint.ts'
import { second } from './limits.ts'
import { type Ending, type Mode, type Outcome, isAcceptance } from './outcome.ts'
import { type Attempt, onOutcome } from './policy.ts'
import type { Sender } from './sender.ts'
import { createWaits } from './waits.ts'

/** The endpoint's state, shared by all tabs. */
export type EndpointNote = {
  read: (when?: 'now') => EndpointState | undefined
  write: (state: EndpointState) => void
}

/** What delivery asks of its page. */
export type Page = {
  isOnline: () => boolean
  isHidden: () => boolean
  /** It is going, or was hidden a moment ago: this may be the last chance to send. */
  isLeaving: () => boolean
  /** Its `pagehide` has been. */
  hasLeft: () => boolean
  /** How often it has come back from the back/forward cache. */
  returns: () => number
  /** It may send requests whose answers it cannot read. */
  noCors: () => boolean
}

/** What is sent: the body of a row, and what counts of its way. */
export type Parcel = {
  body: string
  reachedAt: number | undefined
  /** Its page has gone since, and nobody was there to hear an answer. */
  isLost: () => boolean
  /** It is not to be sent a second time, now or any more. */
  isOver: () => boolean
  /** It was given up, and accepted after all. */
  onLate: (status: number) => void
}

/** Makes attempts and lets the endpoint's state learn from them. */
export type Attempts = {
  state: () => EndpointState
  make: (parcel: Parcel) => Promise<Ending>
  /** The page goes: nobody needs to wait for what its requests find. */
  leave: () => void
}

/**
 * A page that is left may see its requests fail before it is told, hidden or not, although they go on
 * without it. A second later it is gone, or the failure was one.
 */
const doubtMs = second

function differs(one: EndpointState, other: EndpointState): boolean {
  const names = Object.keys(initialState) as (keyof EndpointState)[]
  return names.some((name) => one[name] !== other[name])
}

export function createAttempts({
  send,
  note,
  page,
}: {
  send: Sender
  note: EndpointNote
  page: Page
}): Attempts {
  const byOwnTime = createWaits()
  /** The state before and after requests that are probes. */
  let probe: { before: EndpointState; sent: EndpointState } | undefined
  /** As it is now: what another tab has learnt a moment ago must not be written over. */
  const latest = () => byOwnTime(note.read('now') ?? initialState)

  function state(): EndpointState {
    const known = byOwnTime(note.read() ?? initialState)
    // Of several tabs one is to probe: what it did a moment ago counts.
    return isInTrouble(known) ? latest() : known
  }

  function learn(before: EndpointState, after: EndpointState): void {
    if (differs(before, after)) note.write(after)
  }

  /** What an outcome means by now: for the hit, and for what is known of the endpoint. */
  function judge(outcome: Outcome, attempt: Attempt) {
    const by = (known: EndpointState) => ({ known, ...onOutcome(known, outcome, attempt) })
    const judged = by(state())
    // Where all is well there is nothing to learn that could write over what another tab has learnt.
    const isNews = judged.verdict.outcome !== 'accepted' || differs(judged.known, judged.state)
    return isNews ? by(latest()) : judged
  }

  async function make({ body, reachedAt, isLost, isOver, onLate }: Parcel): Promise<Ending> {
    let next: Mode | undefined
    for (;;) {
      const sentAt = now()
      const before = state()
      const mode = next ?? (page.noCors() ? modeFor(before, sentAt) : 'cors')
      const sent = onSend(before, mode, sentAt)
      if (sent !== before) {
        // Several go on leaving, one after the other.
        const first = probe?.sent.retryAt === before.retryAt ? probe.before : before
        probe = { before: first, sent }
        learn(before, sent)
      }
      const outcome = await send(body, mode, (late) => {
        if (late.kind === 'answer' && isAcceptance(late.status)) onLate(late.status)
      })
      const attempt = (): Attempt => ({
        mode,
        sentAt,
        now: now(),
        online: page.isOnline(),
        left: isLost(),
        noCors: page.noCors(),
        reachedAt,
        random: Math.random(),
      })
      let judged = judge(outcome, attempt())
      if (outcome.kind === 'network' && judged.verdict.outcome !== 'again') {
        await new Promise((resolve) => setTimeout(resolve, doubtMs))
        judged = judge(outcome, attempt())
      }
      learn(judged.known, judged.state)
      if (judged.verdict.outcome !== 'again') return judged.verdict
      if (isOver()) return { outcome: 'waiting', reason: 'network' }
      next = 'no-cors'
    }
  }

  return {
    state,
    make,
    leave() {
      if (probe) learn(latest(), onProbeLost(latest(), probe.before, probe.sent))
      probe = undefined
    },
  }
}
