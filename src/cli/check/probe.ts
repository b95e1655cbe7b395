import ky from 'ky'

/** What came of one request. */
export type Probe = Answer | Failure
/** `text` is the beginning of its body. */
export type Answer = { ms: number; status: number; headers: Headers; text: string }
export type Failure = {
  ms: number
  /** Node's code, `TIMEOUT`, or `UNKNOWN`. */
  code: string
  message: string
}

export const isAnswer = (probe: Probe): probe is Answer => 'status' in probe

/** Enough to see what a collector complains of. */
const MAX_CHARACTERS = 4096

/** Reads a body to its end, as the plugin does, and keeps its beginning. */
const beginningOf = async ({ body }: Response, signal: AbortSignal): Promise<string> => {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    signal.throwIfAborted()
    if (text.length < MAX_CHARACTERS) text += decoder.decode(chunk, { stream: true })
  }
  return text.slice(0, MAX_CHARACTERS)
}

/** A request as the plugin makes it from a page of `origin`, and no other: without retries and redirects. */
export const probe = async (
  endpoint: string,
  { origin, timeoutMs, body }: { origin: string; timeoutMs: number; body?: URLSearchParams },
): Promise<Probe> => {
  const start = performance.now()
  const spent = (): number => Math.round(performance.now() - start)
  const signal = AbortSignal.timeout(timeoutMs)
  const ask = async (): Promise<Answer> => {
    const response = await ky(endpoint, {
      method: body ? 'post' : 'get',
      headers: {
        Origin: origin,
        ...(body && { 'Content-Type': 'application/x-www-form-urlencoded' }),
      },
      redirect: 'manual',
      retry: 0,
      timeout: false,
      throwHttpErrors: false,
      signal,
      // A text: fetch names a charset with everything else.
      ...(body && { body: body.toString() }),
    })
    // Headers without the end of the body are no answer.
    const text = await beginningOf(response, signal)
    return { ms: spent(), status: response.status, headers: response.headers, text }
  }
  // Node's fetch forgets a signal that only a request of ky's, collected as garbage, still knew.
  const expired = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error))
  })
  try {
    return await Promise.race([ask(), expired])
  } catch (error) {
    if (signal.aborted) {
      return { ms: spent(), code: 'TIMEOUT', message: `no answer came within ${timeoutMs} ms` }
    }
    const { message, cause = error } = error as Error
    const { code = 'UNKNOWN', message: reason } = cause as NodeJS.ErrnoException
    return { ms: spent(), code, message: reason || message }
  }
}
