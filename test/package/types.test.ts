import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, test } from 'vitest'

const file = (name: string) => fileURLToPath(new URL(`types/${name}`, import.meta.url))

/** What the strictest of applications would be told about these files. */
function diagnose(...files: string[]): string[] {
  const program = ts.createProgram(files, {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    verbatimModuleSyntax: true,
    skipLibCheck: false,
    noEmit: true,
  })
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
}

test(
  'the types compile with analytics-next 1.72.2, 1.78.1 and the newest, strictly, and misuses do not',
  { timeout: 60_000 },
  () => {
    expect(diagnose(file('uses.ts'), file('misuses.ts'))).toEqual([])
  },
)
