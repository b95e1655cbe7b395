/**
 * A copy of something foreign, down to what nobody can copy: functions and elements stay what they
 * are, and a property that throws when it is read is left out.
 */
export function copy(value: unknown, within: readonly unknown[] = []): unknown {
  try {
    return structuredClone(value)
  } catch {
    if (typeof value !== 'object' || value === null) return value
  }
  if (Array.isArray(value)) return value.map((item) => copy(item, [...within, value]))
  if (Object.prototype.toString.call(value) !== '[object Object]') return value
  const copied: Record<string, unknown> = {}
  for (const name of Object.keys(value)) {
    try {
      const member: unknown = (value as Record<string, unknown>)[name]
      if (!within.includes(member) && member !== value) {
        copied[name] = copy(member, [...within, value])
      }
    } catch {
      // Only this property is left out.
    }
  }
  return copied
}
