export const second: number = 1000
export const minute: number = 60 * second
export const hour: number = 60 * minute

/** Hits older than this are dropped: Skalin's health scores look at recent usage. */
export const maxAgeMs: number = 7 * 24 * hour
/** How long a row belongs to the page that sends it. It is longer than a request may take. */
export const leaseMs: number = 20 * second
/** How long a request may take, its answer's body included. */
export const timeoutMs: number = 10 * second
/**
 * The clocks of two tabs may differ by less than this: what one has just written can lie ahead for
 * another. What lies farther ahead was written by a clock that was set back since.
 */
export const clockSkewMs: number = 1 * second
/** How long `flush()` waits. */
export const flushTimeoutMs: number = 10 * second
