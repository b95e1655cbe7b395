import { type Rule, check, isWhole, mustBe, optional, required } from './rules.ts'

/** What `inspect()` tells of an application: a call that was made, or a report on it. */
export type Inspection = { kind: 'call' | 'report'; at: number; [field: string]: unknown }

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const text = optional<unknown>('a string', (value) => typeof value === 'string')
const someText = required<unknown>('a string', (value) => typeof value === 'string')
const object = required<unknown>('an object', isObject)
/** The last moment that a date can be. https://tc39.es/ecma262/#sec-time-values-and-time-range */
const lastMoment = 8.64e15
const moment = [
  'epoch milliseconds',
  (value: unknown) => Number.isFinite(value) && Math.abs(value as number) <= lastMoment,
] as const
const count = optional<unknown>('a whole number', (value) => isWhole(value, 0, Infinity))
const at = required<unknown>(...moment)
const callRules = { at, clientId: someText, messageId: someText, event: object }
const reportRules = { at, clientId: text, report: object }
const outcomes: unknown[] = ['accepted', 'waiting', 'dropped', 'skipped']
const insideReport = {
  outcome: required<unknown>('an outcome', (value) => outcomes.includes(value)),
  reason: text,
  messageId: text,
  attempts: count,
  status: count,
  nextTryAt: optional<unknown>(...moment),
  hit: optional<unknown>(
    'an object of strings',
    (value) => isObject(value) && Object.values(value).every((field) => typeof field === 'string'),
  ),
}

const problemsIn = (
  rulesOf: Readonly<Record<string, Rule<unknown>>>,
  value: Record<string, unknown>,
): string[] => Object.entries(rulesOf).flatMap(([name, rule]) => check(name, rule, value[name]))

const problemsOf = (message: unknown): string[] => {
  if (!isObject(message)) return [mustBe('message', 'an object', message)]
  const { kind } = message
  if (kind !== 'call' && kind !== 'report') {
    return [mustBe('kind', '`call` or `report`', kind)]
  }
  if (kind === 'call') return problemsIn(callRules, message)
  const problems = problemsIn(reportRules, message)
  return problems.length > 0
    ? problems
    : problemsIn(insideReport, message['report'] as Record<string, unknown>)
}

/** The messages in a body, and what is wrong with others: any page of this machine may have sent it. */
export const parseInspections = (
  body: string,
): { messages: Inspection[]; problem?: string | undefined } => {
  let messages: unknown
  try {
    messages = JSON.parse(body)
  } catch {
    return { messages: [], problem: 'The body must be JSON.' }
  }
  if (!Array.isArray(messages)) {
    return { messages: [], problem: mustBe('body', 'an array', messages) }
  }
  const good = messages.filter((message) => problemsOf(message).length === 0) as Inspection[]
  return { messages: good, problem: messages.flatMap(problemsOf)[0] }
}
