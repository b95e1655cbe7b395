import { EventEmitter } from 'node:events'

/** A Server-Sent Event, as it goes out. */
export const serverSentEvent = (name: string, value: unknown, id?: string): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(value)}\n\n`

/** One thing that an inspector is told, as it goes out. */
export type Entry = { readonly id: string; readonly text: string }

/** The newest of what came, for inspectors to read at their own pace. */
export type Journal = {
  readonly add: (kind: string, value: unknown) => void
  readonly clear: () => void
  /** What comes after the entry with this id, at most `limit` entries, oldest first. */
  readonly after: (id: string, limit: number) => Entry[]
  /** Whether a reader that has come so far still knows what is here; else it has to start anew. */
  readonly continues: (id: string) => boolean
  /** Where a reader starts that knows nothing. */
  readonly start: () => string
  /** Emits `entry` after each {@link Journal.add} and `clear` after each clear. */
  readonly news: EventEmitter<{ entry: []; clear: [] }>
}

export type JournalLimits = { entries: number; characters: number }

/** A day's work, and less memory than a tab of a browser. */
const LIMITS: JournalLimits = { entries: 20_000, characters: 64 * 1024 * 1024 }

/** An empty journal. */
export const createJournal = (limits: JournalLimits = LIMITS): Journal => {
  // After a restart, the numbers begin again: an older reader must not take them for its own.
  const run = Date.now().toString(36)
  const entries: Entry[] = []
  let firstNumber = 1
  let characters = 0
  const news: Journal['news'] = new EventEmitter()
  news.setMaxListeners(0)

  const idOf = (number: number): string => `${run}-${number}`
  const numberOf = (id: string): number =>
    id.startsWith(`${run}-`) ? Number(id.slice(run.length + 1)) : NaN

  const drop = (count: number): void => {
    for (const { text } of entries.splice(0, count)) characters -= text.length
    firstNumber += count
  }

  return {
    news,
    start: () => idOf(firstNumber - 1),
    continues: (id) => {
      const next = numberOf(id) + 1
      return next >= firstNumber && next <= firstNumber + entries.length
    },
    after: (id, limit) => {
      const from = Math.max(0, numberOf(id) + 1 - firstNumber)
      return entries.slice(from, from + limit)
    },
    add: (kind, value) => {
      const id = idOf(firstNumber + entries.length)
      const text = serverSentEvent(kind, value, id)
      entries.push({ id, text })
      characters += text.length
      while (entries.length > limits.entries || characters > limits.characters) drop(1)
      news.emit('entry')
    },
    clear: () => {
      drop(entries.length)
      // It has a number of its own, so that who was away and comes again starts anew.
      firstNumber += 1
      news.emit('clear')
    },
  }
}
