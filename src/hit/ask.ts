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
    warn(`\`${setting}\` returned the wrong type (${typeof answer}) and was ignored.`)
  } catch {
    warn(`\`${setting}\` threw and was ignored.`)
  }
  return undefined
}
