/** For instances that nothing can be put on. */
const elsewhere = new WeakMap<object, Map<symbol, Set<unknown>>>()

/**
 * A set that belongs to an analytics instance. It is kept on the instance, where a second copy of this
 * package finds it too, and where nobody else comes across it.
 */
export function sharedSet<Item>(instance: object, name: string): Set<Item> {
  const key = Symbol.for(name)
  const found = (instance as Record<symbol, unknown>)[key]
  if (found instanceof Set) return found as Set<Item>
  const kept = elsewhere.get(instance) ?? new Map<symbol, Set<unknown>>()
  const set = kept.get(key) ?? new Set()
  try {
    Object.defineProperty(instance, key, { value: set })
  } catch {
    elsewhere.set(instance, kept.set(key, set))
  }
  return set as Set<Item>
}
