/** For instances that nothing can be put on. Made when it is needed: to import this must touch nothing. */
let elsewhere: WeakMap<object, Map<symbol, object>> | undefined

/**
 * Something that belongs to an analytics instance. It is kept on the instance, where a second copy of
 * this package finds it too, and where nobody else comes across it.
 */
export function shared<Value extends object>(
  instance: object,
  name: string,
  create: () => Value,
): Value {
  const key = Symbol.for(name)
  const value = create()
  const kind: unknown = Object.getPrototypeOf(value)
  const kept = elsewhere?.get(instance) ?? new Map<symbol, object>()
  for (const found of [(instance as Record<symbol, unknown>)[key], kept.get(key)]) {
    // What somebody else has put there is of another kind.
    if (found && Object.getPrototypeOf(found) === kind) return found as Value
  }
  try {
    Object.defineProperty(instance, key, { value })
  } catch {
    elsewhere ??= new WeakMap()
    elsewhere.set(instance, kept.set(key, value))
  }
  return value
}
