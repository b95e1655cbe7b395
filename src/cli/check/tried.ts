import type { Probe } from './probe.ts'

/** What was tried, and for whom. */
export type Tried = {
  endpoint: URL
  /** The page's origin; `isGiven` tells whether somebody named it. */
  origin: string
  isGiven: boolean
  /** Node was told to take every certificate. */
  isUnverified?: boolean
  /** A proxy is named, and Node was not told to use it. https://nodejs.org/api/http.html#built-in-proxy-support */
  hasProxy?: boolean
  /** A first request and, where no hit is sent, one on the same connection. */
  get: Probe
  again?: Probe
  post?: Probe
}
