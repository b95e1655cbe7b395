import type { SegmentEvent } from './event.ts'
import { dateMs, field, text, wellFormed } from './read.ts'
import type { MappingSource } from './source.ts'

/** What is said of a person, by the names of the traits. */
export type Traits = Record<string, unknown>

type Trait = string | number | boolean | null

/** What the traits say the customer is, the first that is an id. `trait.groupId` is in Segment's docs. */
export const customersIn = (traits: unknown): unknown[] => [
  field(traits, 'groupId'),
  field(field(traits, 'trait'), 'groupId'),
]

/** The traits that decide the customer, who is a company. */
export function customerTraits(traits: unknown): Traits {
  const [groupId, older] = customersIn(traits).map(sendableTrait)
  return { groupId, trait: { groupId: older } }
}

/** The traits that hits may need: the chosen ones, the e-mail address and the customer. */
export function pickTraits(traits: unknown, chosen: readonly string[]): Traits {
  const names = ['email', ...chosen]
  const picked = Object.fromEntries(names.map((name) => [name, sendableTrait(field(traits, name))]))
  return { ...picked, ...customerTraits(traits) }
}

/**
 * Where an event's traits are looked up, first source first. Those of a `group` call describe the
 * group, never the person.
 */
export function traitSources(event: SegmentEvent, source: MappingSource): unknown[] {
  return event.type === 'identify'
    ? [event.traits]
    : [field(event.context, 'traits'), source.moment.traits]
}

export function firstTrait<T>(
  sources: unknown[],
  name: string,
  as: (value: unknown) => T | undefined,
): T | undefined {
  for (const traits of sources) {
    const value = as(field(traits, name))
    if (value !== undefined) return value
  }
  return undefined
}

export function emailTrait(value: unknown): string | undefined {
  const email = typeof value === 'string' ? text(value) : undefined
  return email?.includes('@') ? email : undefined
}

export function sendableTrait(value: unknown): Trait | undefined {
  if (typeof value === 'string') return wellFormed(value)
  const isPlain = value === null || typeof value === 'boolean' || Number.isFinite(value)
  if (isPlain) return value as Trait
  const ms = dateMs(value)
  return Number.isFinite(ms) ? new Date(ms).toISOString() : undefined
}
