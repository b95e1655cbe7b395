import { type Row, isDue } from './row.ts'

/** A row that this page may send. */
export type Entry = {
  row: Row
  body: string
  /** Of a call of this page, not of an earlier one or another tab. */
  isOwn: boolean
  isInFlight: boolean
  /** It has ended: accepted, or dropped. */
  isOver: boolean
  /** The database has it as well, where other tabs find it. */
  isStored: boolean
  /** Others may have sent it while this page was in the back/forward cache: it has to ask first. */
  isStale: boolean
  /** Until then no other page sends it, in milliseconds of the page's life. */
  leasedUntil: number
}

export function newEntry(row: Row, body: string, isOwn: boolean): Entry {
  return {
    row,
    body,
    isOwn,
    isInFlight: false,
    isOver: false,
    isStored: false,
    isStale: false,
    leasedUntil: -Infinity,
  }
}

/** The rows that this page may send, in the order in which it ought to. */
export type Queue = {
  add: (entry: Entry) => void
  /** One of this page's calls that was held, or wanted later: before those of later calls. */
  putBack: (entry: Entry) => void
  get: (id: string) => Entry | undefined
  delete: (id: string) => void
  /**
   * The next to send that is `ready`: in the order of the calls, and where earlier pages left a
   * backlog, one of each in turn, so that neither holds up the other.
   */
  next: (ready: (entry: Entry) => boolean) => Entry | undefined
  /** All of them, oldest first. */
  all: () => Entry[]
  /** Whether one waits that is due, and when the next of the others is. */
  dues: (now: number) => { isDue: boolean; next: number }
  /** Whether one is not in flight. */
  hasWaiting: () => boolean
  hasBacklog: () => boolean
}

function first(entries: Map<string, Entry>, ready: (entry: Entry) => boolean): Entry | undefined {
  for (const entry of entries.values()) if (!entry.isInFlight && ready(entry)) return entry
  return undefined
}

export function createQueue(): Queue {
  // A Map keeps the order in which rows came.
  const own = new Map<string, Entry>()
  const backlog = new Map<string, Entry>()
  let isBacklogsTurn = false

  return {
    add(entry) {
      const entries = entry.isOwn ? own : backlog
      entries.set(entry.row.id, entry)
    },
    putBack(entry) {
      const later = [...own.values()].filter(({ row }) => row.at > entry.row.at)
      for (const each of [entry, ...later]) {
        own.delete(each.row.id)
        own.set(each.row.id, each)
      }
    },
    get: (id) => own.get(id) ?? backlog.get(id),
    delete(id) {
      if (!own.delete(id)) backlog.delete(id)
    },
    next(ready) {
      const mine = first(own, ready)
      const theirs = first(backlog, ready)
      if (mine === undefined || theirs === undefined) return mine ?? theirs
      isBacklogsTurn = !isBacklogsTurn
      return isBacklogsTurn ? mine : theirs
    },
    all: () => [...backlog.values(), ...own.values()].sort((a, b) => a.row.at - b.row.at),
    dues(now) {
      const dues = { isDue: false, next: Infinity }
      for (const entries of [own, backlog]) {
        for (const { row, isInFlight } of entries.values()) {
          if (isInFlight) continue
          if (isDue(row, now)) dues.isDue = true
          else dues.next = Math.min(dues.next, row.due)
        }
      }
      return dues
    },
    hasWaiting: () => [own, backlog].some((entries) => first(entries, () => true) !== undefined),
    hasBacklog: () => backlog.size > 0,
  }
}
