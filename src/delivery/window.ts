import { second } from './limits.ts'

/** At most so many requests of a tab at once: HTTP/1.1 has six connections to a host, for all of its page. */
const maxWindow = 4
/** To begin with: a collector that hangs from the start holds no more of them. */
export const initialWindow = 2

/** Slow start: one request after trouble, one more with each answer. https://www.rfc-editor.org/rfc/rfc5681 */
export function nextWindow(window: number): number {
  return Math.min(maxWindow, window + 1)
}

/** How many may be in flight now, `oldestMs` after the oldest of them went out. */
export function openWindow(window: number, oldestMs: number): number {
  return oldestMs >= second ? Math.min(window, initialWindow) : window
}
