/**
 * A copy of something foreign, down to what nobody can copy: functions and elements stay what they
 * are, and a property that throws when it is read is left out.
 */
export function copy(value: unknown): unknown {
  try {
    return structuredClone(value)
  } catch {
    return partByPart(value, new Map())
  }
}

/** Each part once, whoever refers to it: a tree whose nodes know each other has paths without end. */
function partByPart(value: unknown, copies: Map<unknown, unknown>): unknown {
  if (typeof value !== 'object' || value === null) return value
  const known = copies.get(value)
  if (known !== undefined) return known
  const isList = Array.isArray(value)
  if (!isList && Object.prototype.toString.call(value) !== '[object Object]') {
    try {
      return structuredClone(value)
    } catch {
      return value
    }
  }
  const copied = (isList ? [] : {}) as Record<string, unknown>
  copies.set(value, copied)
  for (const name of Object.keys(value)) {
    try {
      copied[name] = partByPart((value as Record<string, unknown>)[name], copies)
    } catch {
      // Only this property is left out.
    }
  }
  return copied
}
