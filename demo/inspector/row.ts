import type { Arrival, Call, Fields, Told } from './messages.ts'

/** A hit and what is known of its way. */
export type Way = {
  /** Its event id, or a name for a request without one. */
  key: string
  hit: Fields
  /** The `ui` that introduces a returning user, before the call's own hit. */
  introduces: boolean
  /** The newest report, unless a later one came after the end. */
  told: Told | undefined
  reports: Told[]
  arrivals: Arrival[]
  /** How often the collector took it. */
  taken: number
}

export type Row = {
  /** The call's message id, or the key of a hit whose call nobody has told of. */
  id: string
  at: number
  call: Call | undefined
  /** The event ids that its hits may have. */
  keys: string[]
  /** Why a hit, or all of them, was not made of the call: skipped, or too large. */
  ended: Told | undefined
  ways: Way[]
  /** Grows with every change. */
  version: number
}
