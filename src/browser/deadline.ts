/** What `promise` gives; `late` if it takes longer than `ms`, or fails. */
export function within<Result>(
  ms: number,
  promise: Promise<Result>,
  late: Result,
): Promise<Result> {
  // By hand: pages replace `Promise` by old ones that lack `race` or `finally`.
  return new Promise((resolve) => {
    // Pages have a `setTimeout` of their own that passes nothing on.
    const timer = setTimeout(() => resolve(late), ms)
    const end = (result: Result) => {
      clearTimeout(timer)
      resolve(result)
    }
    promise.then(end, () => end(late))
  })
}
