import { validateHeaderValue } from 'node:http'
import type { FaultKind } from './faults.ts'
import {
  MAX_DELAY_MS,
  checkAll,
  isMilliseconds,
  isWhole,
  mustBe,
  optional,
  required,
  type Rule,
} from './rules.ts'

type Rules = Readonly<Record<string, Rule<unknown>>>

const isHeaderValue = (value: unknown): boolean => {
  if (typeof value !== 'string') return false
  try {
    validateHeaderValue('x', value)
    return true
  } catch {
    return false
  }
}

const flag = optional<unknown>('a boolean', (value) => typeof value === 'boolean')

const scope: Rules = {
  where: optional('a function', (value) => typeof value === 'function'),
  times: optional('a whole number from 1', (value) => isWhole(value, 1, Infinity)),
}

const rulesOf: Record<FaultKind['kind'], Rules> = {
  status: {
    status: required('a whole number from 200 to 599', (value) => isWhole(value, 200, 599)),
    retryAfter: optional(
      'whole seconds or a header text',
      (value) => isWhole(value, 0, Infinity) || isHeaderValue(value),
    ),
    exposeRetryAfter: flag,
    cors: flag,
    location: optional('a header text', isHeaderValue),
  },
  hang: {
    at: required('`headers` or `body`', (value) => value === 'headers' || value === 'body'),
  },
  reset: {},
  slow: {
    ms: required(`milliseconds from 0 to ${MAX_DELAY_MS}`, isMilliseconds),
  },
  'no-cors': {},
}

/** The reasons why this is no fault, a sentence each: for values that no compiler has seen. */
export const checkFault = (value: unknown): string[] => {
  if (typeof value !== 'object' || value === null) return [mustBe('fault', 'an object', value)]
  const { kind, ...given }: Record<string, unknown> = { ...value }
  const kinds = Object.entries(rulesOf)
  const found = kinds.find(([name]) => name === kind)
  if (!found) return [mustBe('kind', `one of ${kinds.map(([name]) => name).join(', ')}`, kind)]
  const [name, own] = found
  return checkAll(`fault \`${name}\``, { ...own, ...scope }, given)
}
