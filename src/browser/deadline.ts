/** What `promise` gives; `late` if it takes longer than `ms`. */
export async function within<Result>(
  ms: number,
  promise: Promise<Result>,
  late: Result,
): Promise<Result> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const deadline = new Promise<Result>((resolve) => {
    timer = setTimeout(resolve, ms, late)
  })
  return Promise.race([promise, deadline]).finally(() => clearTimeout(timer))
}
