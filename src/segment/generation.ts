import { shared } from './shared.ts'

/**
 * The time between two `reset()`s of an instance. A call belongs to the one in which it was made,
 * also when its hook comes later.
 */
export type Generation = { over: boolean }

/** Of one instance; all copies of the package on it have the same. */
type Generations = { current: Generation; last: Generation; resets: number }

function generationsOf(instance: object): Generations {
  return shared(instance, 'skalin-analytics-plugin:generation', () => {
    const current = { over: false }
    return { current, last: current, resets: 0 }
  })
}

export const generationOf = (instance: object): Generation => generationsOf(instance).current

/** Ends the current generation, and returns it. */
export function endGeneration(instance: object): Generation {
  const all = generationsOf(instance)
  all.last = all.current
  all.last.over = true
  all.current = { over: false }
  return all.last
}

/**
 * To be called at each reset of an instance; returns the generation that it has ended. Every copy
 * of the package hears of the reset, and only the first one to hear of it ends something.
 */
export function createResetListener(instance: object): () => Generation {
  const all = generationsOf(instance)
  let heard = all.resets
  return () => {
    heard += 1
    if (heard <= all.resets) return all.last
    all.resets = heard
    return endGeneration(instance)
  }
}
