import type { State } from './finding.ts'
import type { Findings } from './findings.ts'

const signs: Record<State, string> = { ok: '✓', warning: '!', failed: '✗', 'not tried': '–' }
const LABEL_WIDTH = 12

/** The findings as lines to read: what is so, and below it what to do. */
export const tableOf = ({ findings, says }: Findings): string[] => [
  ...findings.flatMap(({ check, state, says: words, todo }) => [
    `${signs[state]} ${check.padEnd(LABEL_WIDTH)}${words}`,
    ...(todo === undefined ? [] : [`${' '.repeat(LABEL_WIDTH + 2)}→ ${todo}`]),
  ]),
  '',
  says,
]
