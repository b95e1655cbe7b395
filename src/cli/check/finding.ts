export type State = 'ok' | 'warning' | 'failed' | 'not tried'

/** One line of the table. */
export type Finding = {
  check: string
  state: State
  says: string
  /** What to do about it. */
  todo?: string
}

export const finding = (check: string, state: State, says: string, todo?: string): Finding => ({
  check,
  state,
  says,
  ...(todo === undefined ? {} : { todo }),
})
