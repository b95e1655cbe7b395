import { ask } from './ask.ts'
import { type SegmentEvent, ownOptions } from './event.ts'
import { jsonOf } from './json.ts'
import { field, lostId, text } from './read.ts'
import type { MappingSettings, MappingSource } from './source.ts'
import { customersIn, emailTrait, firstTrait, sendableTrait, traitSources } from './traits.ts'

const isCustomer = (answer: unknown): answer is string | number | undefined =>
  answer === undefined || typeof answer === 'string' || typeof answer === 'number'

// The domain's first dot is where it is looked for: tried at each, a long id would freeze the page.
const address = /^[^\s@]+@[^\s@.]+\.[^\s@]+$/

/** An id of the page's, with a warning where a word was left in its place. */
export function idOrWarn(
  what: string,
  value: unknown,
  { warn }: Pick<MappingSource, 'warn'>,
): string | undefined {
  const word = lostId(value)
  if (word !== undefined) {
    warn(`The ${what} is the word \`${word}\`, which counts as none.`)
  }
  return text(value)
}

/** The `identity` field: who the event's user is; `undefined` for an unknown visitor. */
export function identityOf(
  event: SegmentEvent,
  source: MappingSource,
  withTraits: boolean,
): string | undefined {
  const traits = traitSources(event, source)
  const id = idOrWarn('user id', event.userId, source)
  const email = firstTrait(traits, 'email', emailTrait) ?? (id && address.test(id) ? id : undefined)
  if (id === undefined && email === undefined) return undefined
  const chosen = withTraits ? source.settings.traits : []
  // Not by way of an object: that would put a trait called `7` before `id`, and lose `__proto__`.
  return jsonOf([
    ['id', id],
    ['email', email],
    ...chosen.map((name) => [name, firstTrait(traits, name, sendableTrait)] as const),
  ])
}

/** What the setting `customerId` says of an event: a function of the site's is asked. */
function askedCustomer(
  event: SegmentEvent,
  { settings: { customerId }, warn }: Pick<MappingSource, 'settings' | 'warn'>,
): string | number | undefined {
  return typeof customerId === 'function'
    ? ask('customerId', () => customerId(event), isCustomer, warn)
    : customerId
}

/** That setting as of an event: the function itself where it failed, to be asked again. */
export function customerAsOf(
  event: SegmentEvent,
  settings: MappingSettings,
): MappingSettings['customerId'] {
  const failures: string[] = []
  const answer = askedCustomer(event, { settings, warn: (failure) => failures.push(failure) })
  return failures.length > 0 ? settings.customerId : answer
}

/**
 * The `customer_id` field. What is said for this plugin goes before Segment's group, because an
 * application whose group ids are not Skalin's customers says so by the `groupId` trait.
 */
export function customerOf(event: SegmentEvent, source: MappingSource): string | undefined {
  const customer = (value: unknown) => idOrWarn('customer', value, source)
  const set =
    customer(field(ownOptions(event), 'customerId')) ?? customer(askedCustomer(event, source))
  if (set !== undefined) return set
  let trait: string | undefined
  for (const value of traitSources(event, source).flatMap(customersIn)) trait ??= customer(value)
  const group =
    customer(field(event.context, 'groupId')) ??
    customer(event.type === 'group' ? event.groupId : source.moment.groupId)
  if (trait !== undefined && group !== undefined && trait !== group) {
    source.warn('The `groupId` trait and the Segment group differ: the trait is the customer.')
  }
  return trait ?? group
}
