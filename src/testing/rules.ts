import { URL } from 'node:url'
import { short, shown } from './printable.ts'

/** What a named value must be; `allowed` continues the sentence "must be …". */
export type Rule<Value> = {
  allowed: string
  test: (value: Value) => boolean
  required: boolean
}

/** A value that must be there and pass. */
export const required = <Value>(allowed: string, test: Rule<Value>['test']): Rule<Value> => ({
  allowed,
  test,
  required: true,
})

/** A value that must pass if it is there. */
export const optional = <Value>(allowed: string, test: Rule<Value>['test']): Rule<Value> => ({
  allowed,
  test,
  required: false,
})

/** The one sentence for every refused value: the culprit, what is allowed, what came. */
export const mustBe = (name: string, allowed: string, received: unknown): string =>
  `\`${name}\` must be ${allowed} (received: ${shown(received)}).`

/** What is wrong with a value; `undefined` is one that is not there. */
export const check = <Value>(name: string, rule: Rule<Value>, value?: Value): string[] => {
  const passes = value === undefined ? !rule.required : rule.test(value)
  return passes ? [] : [mustBe(name, rule.allowed, value)]
}

/** White space, and what is as invisible: zero-width characters, byte order and bidi marks. */
export const isBlank = (text: string): boolean =>
  /^[\s\p{Default_Ignorable_Code_Point}]*$/u.test(text)

/** Words that programs leave where an id was missing. */
const MISSING = /^\s*(undefined|null|NaN|true|false|\[object \w+\])\s*$/

export const isId = (value: unknown): value is string =>
  typeof value === 'string' && !isBlank(value) && !MISSING.test(value)

/** `setTimeout` takes more for 1. https://nodejs.org/api/timers.html#settimeoutcallback-delay-args */
export const MAX_DELAY_MS: number = 2 ** 31 - 1

export const isWhole = (value: unknown, least: number, most: number): boolean =>
  typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most

export const isMilliseconds = (value: unknown): boolean => isWhole(value, 0, MAX_DELAY_MS)

export const isOrigin = (value: unknown): boolean =>
  typeof value === 'string' &&
  URL.canParse(value) &&
  /^https?:$/.test(new URL(value).protocol) &&
  new URL(value).href.replace(/\/$/, '') === new URL(value).origin

/** What is wrong with an object's values, and with its names; `what` says what they would be a part of. */
export const checkAll = (
  what: string,
  rules: Readonly<Record<string, Rule<unknown>>>,
  value: unknown,
): string[] => {
  if (typeof value !== 'object' || value === null) return [mustBe(what, 'an object', value)]
  const given = value as Record<string, unknown>
  const unknown = Object.keys(given).filter((name) => !Object.hasOwn(rules, name))
  return [
    ...Object.entries(rules).flatMap(([name, rule]) => check(name, rule, given[name])),
    ...unknown.map((name) => `\`${short(name)}\` is not a part of the ${what}.`),
  ]
}
