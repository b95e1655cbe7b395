/** What pages put in the place of the browser's own, and a use that shows it. */
const needs: Record<string, () => boolean> = {
  fetch: () => typeof fetch === 'function',
  URL: () => new URL('about:/b').pathname === '/b',
  crypto: () => typeof crypto.getRandomValues === 'function',
}

/** The names of what the page lacks now; a later script may still bring it. */
export function missing(): string[] {
  return Object.keys(needs).filter((name) => {
    try {
      return !needs[name]?.()
    } catch {
      return true
    }
  })
}
