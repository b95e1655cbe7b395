/** Tells the site's developer something, once and without Segment's debug mode. Never throws. */
export function complain(level: 'error' | 'warn', message: string, ...more: unknown[]): void {
  try {
    // eslint-disable-next-line no-console -- a developer must be told without Segment's debug mode
    console[level](`Skalin: ${message}`, ...more)
  } catch {
    // A page may have replaced it by something that fails.
  }
}
