import ky from 'ky'

/** What came of one request. */
export type Probe = Answer | Failure
export type Answer = { ms: number; status: number; headers: Headers; text: string }
export type Failure = {
  ms: number
  /** Node's code, `TIMEOUT`, or `UNKNOWN`. */
  code: string
  message: string
}

export const isAnswer = (probe: Probe): probe is Answer => 'status' in probe

/** A request as the plugin makes it from a page of `origin`, and no other: without retries and redirects. */
export const probe = async (
  endpoint: string,
  { origin, timeoutMs, body }: { origin: string; timeoutMs: number; body?: URLSearchParams },
): Promise<Probe> => {
  const start = performance.now()
  const spent = (): number => Math.round(performance.now() - start)
  const signal = AbortSignal.timeout(timeoutMs)
  try {
    const response = await ky(endpoint, {
      method: body ? 'post' : 'get',
      headers: { Origin: origin },
      redirect: 'manual',
      retry: 0,
      timeout: false,
      throwHttpErrors: false,
      signal,
      ...(body && { body }),
    })
    // Headers without the end of the body are no answer.
    const text = await response.text()
    return { ms: spent(), status: response.status, headers: response.headers, text }
  } catch (error) {
    if (signal.aborted) {
      return { ms: spent(), code: 'TIMEOUT', message: `no answer came within ${timeoutMs} ms` }
    }
    const { message, cause = error } = error as Error
    const { code = 'UNKNOWN', message: reason } = cause as NodeJS.ErrnoException
    return { ms: spent(), code, message: reason || message }
  }
}
