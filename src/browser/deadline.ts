/** What `promise` gives; `late` if it takes longer than `ms`, or fails. */
export function within<Result>(
  ms: number,
  promise: Promise<Result>,
  late: Result,
): Promise<Result> {
  // By hand: pages replace `Promise` by old ones that lack `race` or `finally`.
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms, late)
    const end = (result: Result) => {
      clearTimeout(timer)
      resolve(result)
    }
    promise.then(end, () => end(late))
  })
}
