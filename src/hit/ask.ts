import { field } from './read.ts'

/**
 * What a function given as a setting answers. One that throws, or answers with the wrong type,
 * counts as not given for that event.
 */
export function ask<Answer>(
  setting: string,
  call: () => unknown,
  isAnswer: (answer: unknown) => answer is Answer,
  warn: (message: string) => void,
): Answer | undefined {
  try {
    const answer = call()
    if (isAnswer(answer)) return answer
    quiet(answer)
    warn(`\`${setting}\` returned the wrong type (${typeof answer}) and was ignored.`)
  } catch {
    warn(`\`${setting}\` threw and was ignored.`)
  }
  return undefined
}

/** Of a promise that nobody waits for: what it rejects with is no error of the page's. */
export function quiet(answer: unknown): void {
  const then = field(answer, 'then')
  if (typeof then === 'function') then.call(answer, undefined, () => undefined)
}
