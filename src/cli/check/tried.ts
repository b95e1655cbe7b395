import type { Probe } from './probe.ts'

/** What was tried, and for whom. */
export type Tried = {
  endpoint: URL
  /** The page's origin; `isGiven` tells whether somebody named it. */
  origin: string
  isGiven: boolean
  /** A first request, and one on the same connection. */
  get: Probe
  again?: Probe
  post?: Probe
}
