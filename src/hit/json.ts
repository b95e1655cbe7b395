type Primitive = string | number | boolean | null | undefined

/**
 * The JSON of an object with these members, in this order. Member by member, because a `toJSON` that
 * the page put on the prototype of objects or arrays bends what `JSON.stringify` makes of them, but
 * not of primitives.
 */
export function jsonOf(members: readonly (readonly [name: string, value: Primitive])[]): string {
  const parts = members
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`)
  return `{${parts.join(',')}}`
}
