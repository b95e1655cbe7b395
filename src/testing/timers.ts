import timers from 'node:timers'

/**
 * Bound as this is loaded, not the globals, and not looked up at each use: fake timers of a test must
 * stop neither its own deadline nor the collector's.
 */
export const { clearInterval, clearTimeout, setInterval, setTimeout } = timers
