/** Epoch milliseconds. A number, also where a library has `Date.now()` give a Date. */
export function now(): number {
  const time: unknown = Date.now()
  return Number(time)
}

/** Milliseconds of the page's life: unlike the clock, they never jump. */
export function elapsed(): number {
  try {
    return performance.now()
  } catch {
    // A page may have replaced it by something that fails.
    return now()
  }
}
