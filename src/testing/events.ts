import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Journal, serverSentEvent } from './journal.ts'
import { clearInterval, setInterval } from './timers.ts'

/** What inspectors are told besides the journal's entries. */
export type EventParts = {
  journal: Journal
  /** What each begins with: where hits go, and the fault that is set. */
  greeting: () => object
}

const BATCH = 100
/** So that a page which slept, or lost its connection without a word, notices and comes again. */
const BEAT_MS = 15_000

/**
 * Sends the journal, then what comes, as Server-Sent Events: `hello` first, then `request`, `call`,
 * `report`, `clear`, and `beat` when there is nothing to say; `live` between what was and what comes.
 *
 * Who comes again names the last event it had, as browsers do by header and pages can by `?after=`,
 * and is told what it missed; or `hello` with `anew`, if that is no longer known.
 */
export const streamEvents = (
  req: IncomingMessage,
  res: ServerResponse,
  { journal, greeting }: EventParts,
): ((name: string, value: unknown) => void) => {
  const tell = (name: string, value: unknown): void => {
    res.write(serverSentEvent(name, value))
  }
  let place = String(req.headers['last-event-id'] ?? req.url?.split('?after=')[1] ?? '')
  let isLive = false
  const hello = (anew: boolean): void => {
    if (anew) place = journal.start()
    isLive = false
    tell('hello', { ...greeting(), anew })
  }

  // At the reader's pace: what a page in the background does not read is not kept for it twice.
  const pump = (): void => {
    while (!res.writableNeedDrain && !res.destroyed) {
      // So far behind that what it would be told next is forgotten.
      if (!journal.continues(place)) hello(true)
      const entries = journal.after(place, BATCH)
      const last = entries.at(-1)
      if (!last) {
        if (!isLive) tell('live', null)
        isLive = true
        return
      }
      place = last.id
      res.write(entries.map(({ text }) => text).join(''))
    }
  }
  const clear = (): void => {
    place = journal.start()
    res.write(serverSentEvent('clear', null, place))
  }

  hello(!journal.continues(place))
  const beat = setInterval(() => {
    if (!res.writableNeedDrain) tell('beat', null)
  }, BEAT_MS)
  res.on('drain', pump)
  journal.news.on('entry', pump).on('clear', clear)
  res.once('close', () => {
    clearInterval(beat)
    journal.news.off('entry', pump).off('clear', clear)
  })
  pump()
  return tell
}
