import { short } from './printable.ts'
import type { HitFields } from './protocol.ts'

/** Calls functions that the user wrote, and keeps what goes wrong in them for the user's own test. */
export type UserCode = {
  /** Calls a function that answers nothing. What it throws, now or later, is kept. */
  readonly tell: (name: string, hit: HitFields, call: () => unknown) => void
  /** Asks a function that answers yes or no; throws when it gives no answer. */
  readonly ask: (name: string, hit: HitFields, call: () => unknown) => boolean
  /** Keeps a failure until somebody is told of it. */
  readonly fail: (failure: Error) => void
  /** What nobody has been told of yet, for whoever asks first. */
  readonly takeFailure: () => Error | undefined
  /** `listener` is told of each failure from now on, until the returned function is called. */
  readonly onFailure: (listener: (failure: Error) => void) => () => void
}

const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value

const failureOf = (name: string, hit: HitFields, cause: unknown): Error => {
  const what = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)
  // What is most often wrong: a field that hits of the other action have.
  const fields = Object.keys(hit).map(short).join(', ')
  return new Error(`${name} threw ${what}. The hit's fields were: ${fields || 'none'}.`, { cause })
}

/** Calls a function of the user's that must say yes or no at once, and throws in words if it does not. */
export const askUser = (name: string, hit: HitFields, call: () => unknown): boolean => {
  let answer: unknown
  try {
    answer = call()
  } catch (cause) {
    throw failureOf(name, hit, cause)
  }
  if (!isPromise(answer)) return Boolean(answer)
  // Nobody will wait for it: without this, its failure would end the process.
  void Promise.resolve(answer).catch(() => undefined)
  throw new TypeError(`${name} must answer at once (received: a promise).`)
}

/** {@link UserCode} with nothing gone wrong yet. */
export const createUserCode = (): UserCode => {
  const listeners = new Set<(failure: Error) => void>()
  let untold: Error | undefined

  const fail = (failure: Error): void => {
    if (listeners.size === 0) untold ??= failure
    for (const listener of [...listeners]) listener(failure)
  }

  return {
    fail,
    tell: (name, hit, call) => {
      const failed = (cause: unknown): void => fail(failureOf(name, hit, cause))
      try {
        const answer = call()
        if (isPromise(answer)) void Promise.resolve(answer).catch(failed)
      } catch (cause) {
        failed(cause)
      }
    },
    ask: (name, hit, call) => {
      try {
        return askUser(name, hit, call)
      } catch (failure) {
        fail(failure as Error)
        throw failure
      }
    },
    takeFailure: () => {
      const failure = untold
      untold = undefined
      return failure
    },
    onFailure: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
