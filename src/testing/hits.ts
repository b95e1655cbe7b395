import { hitKey, isHit, type RequestLog } from './log.ts'
import { shown } from './printable.ts'
import type { HitFields } from './protocol.ts'
import type { ReceivedHit, ReceivedRequest } from './received.ts'
import { requestLine } from './request-line.ts'
import { MAX_DELAY_MS, check, checkAll, isMilliseconds, isWhole, optional } from './rules.ts'
import { clearTimeout, setTimeout } from './timers.ts'
import { askUser, type UserCode } from './user-code.ts'

/** Which hits to wait for. */
export type HitQuery = {
  /**
   * How many there must be at least.
   *
   * @default 1
   */
  count?: number
  /**
   * Only these. Asked once for each arrival; a hit has only the fields of its action, so that a `ui`
   * has no `event`.
   *
   * @default () => true
   */
  where?: (hit: HitFields) => boolean
}

/** Waits for hits. */
export type HitsQueue = {
  readonly hits: (query?: HitQuery, deadlineMs?: number) => Promise<ReceivedHit[]>
  /** Ends all waiting, for good. */
  readonly close: () => void
}

type End = 'found' | 'late' | 'closed' | Error

/** Lines of a failed wait, so that a test of thousands of hits keeps a readable message. */
const MAX_LINES = 50

const queryRules = {
  count: optional<unknown>('a whole number from 0', (value) => isWhole(value, 0, Infinity)),
  where: optional<unknown>('a function', (value) => typeof value === 'function'),
}
const deadlineRule = optional<unknown>(`milliseconds from 0 to ${MAX_DELAY_MS}`, isMilliseconds)

const arrived = ({ requests, strays }: RequestLog): string => {
  if (requests.length === 0) {
    const { count, path } = strays()
    if (count === 0) return 'Nothing arrived.'
    return `Nothing arrived at \`/hit\`: ${count} POST went to other paths, the last one to ${shown(path)}.`
  }
  const unshown = Math.max(0, requests.length - MAX_LINES)
  return [
    'What arrived:',
    ...(unshown === 0 ? [] : [`  … ${unshown} before these`]),
    ...requests.slice(unshown).map((received) => `  ${requestLine(received)}`),
  ].join('\n')
}

/** The hits of a log that a query asks for, as they come. */
const createMatch = (where: (hit: HitFields) => boolean) => {
  const keys = new Set<string>()
  return {
    size: (): number => keys.size,
    clear: (): void => keys.clear(),
    /** Thousands of arrivals each come by here, so that each hit is looked at once. */
    consider: (received: ReceivedHit): void => {
      const fits = askUser('The `where` of `hits()`', received.hit, () => where(received.hit))
      keys[fits ? 'add' : 'delete'](hitKey(received))
    },
    of: ({ hits }: RequestLog): ReceivedHit[] =>
      [...hits].filter(([key]) => keys.has(key)).map(([, received]) => received),
  }
}

/** Lets many wait for the hits of a log. */
export const createHits = (log: RequestLog, userCode: UserCode): HitsQueue => {
  const waiting = new Set<(end: End) => void>()
  let isClosed = false

  const wait = (match: ReturnType<typeof createMatch>, count: number, deadlineMs: number) =>
    new Promise<End>((resolve) => {
      const finish = (end: End): void => {
        clearTimeout(timer)
        log.news.off('request', onRequest).off('clear', match.clear)
        stopListening()
        waiting.delete(finish)
        resolve(end)
      }
      const onRequest = (received: ReceivedRequest): void => {
        if (!isHit(received)) return
        try {
          match.consider(received)
        } catch (failure) {
          finish(failure as Error)
          return
        }
        if (match.size() >= count) finish('found')
      }
      // It keeps the process alive, so that a script which waits is told of its deadline.
      const timer = setTimeout(() => finish('late'), deadlineMs)
      log.news.on('request', onRequest).on('clear', match.clear)
      const stopListening = userCode.onFailure(finish)
      waiting.add(finish)
    })

  return {
    hits: async (query = {}, deadlineMs = 5000) => {
      const problems = [
        ...checkAll('query', queryRules, query),
        ...check('deadlineMs', deadlineRule, deadlineMs),
      ]
      if (problems.length > 0) throw new TypeError(problems.join(' '))
      const failure = userCode.takeFailure()
      if (failure) throw failure

      const { count = 1, where = () => true } = query
      const match = createMatch(where)
      for (const received of log.hits.values()) match.consider(received)
      let end: End = 'found'
      if (match.size() < count) {
        end = isClosed ? 'closed' : await wait(match, count, deadlineMs)
      }
      if (end === 'found') return match.of(log)
      if (end instanceof Error) throw end
      const wanted = count === 1 ? '1 hit' : `${count} hits`
      const why =
        end === 'late' ? `Waited ${deadlineMs} ms` : 'The collector was closed while a test waited'
      throw new Error(`${why} for ${wanted}, ${match.size()} came. ${arrived(log)}`)
    },
    close: () => {
      isClosed = true
      for (const finish of [...waiting]) finish('closed')
    },
  }
}
