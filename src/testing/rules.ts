import { shown } from './printable.ts'

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
