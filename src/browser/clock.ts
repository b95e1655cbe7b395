/** Epoch milliseconds. A number, also where a library has `Date.now()` give a Date. */
export function now(): number {
  const time: unknown = Date.now()
  return Number(time)
}

/** About the least by which two epochs in milliseconds can differ: the order of one millisecond. */
export const tick = 0.001

/** Milliseconds of the page's life: unlike the clock, they never jump. */
export function elapsed(): number {
  try {
    const time: unknown = performance.now()
    if (typeof time === 'number') return time
  } catch {
    // A page may have replaced it by something that fails, or gives nothing.
  }
  return now()
}
