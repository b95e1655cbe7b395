import { check, mustBe, optional, required } from './rules.ts'

/** What `inspect()` tells of an application: a call that was made, or a report on it. */
export type Inspection = { kind: 'call' | 'report'; at: number; [field: string]: unknown }

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const text = optional<unknown>('a string', (value) => typeof value === 'string')
const object = required<unknown>('an object', isObject)
const rules = {
  at: required<unknown>('a number', Number.isFinite),
  clientId: text,
  messageId: text,
}

const problemsOf = (message: unknown): string[] => {
  if (!isObject(message)) return [mustBe('message', 'an object', message)]
  const { kind } = message
  if (kind !== 'call' && kind !== 'report') {
    return [mustBe('kind', '`call` or `report`', kind)]
  }
  const content = kind === 'call' ? 'event' : 'report'
  return Object.entries({ ...rules, [content]: object }).flatMap(([name, rule]) =>
    check(name, rule, message[name]),
  )
}

/** The messages in a body, or why it has none: any page of this machine may have sent it. */
export const parseInspections = (
  body: string,
): { messages: Inspection[] } | { problem: string } => {
  let messages: unknown
  try {
    messages = JSON.parse(body)
  } catch {
    return { problem: 'The body must be JSON.' }
  }
  if (!Array.isArray(messages)) return { problem: mustBe('body', 'an array', messages) }
  const [problem] = messages.flatMap(problemsOf)
  return problem === undefined ? { messages: messages as Inspection[] } : { problem }
}
