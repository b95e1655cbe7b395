import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, test } from 'vitest'

// Pages replace built-ins (docs/compatibility.md, "Libraries and habits"), so what runs in them uses
// few, and plain ones. One more here is a decision: who replaces it, and is that in the table?
// Missing on purpose: `Promise.all` and `race`, `finally`, `Array.from`, `Date.parse`, `reduce`,
// `entries` and `flat` of arrays.

const used = {
  Array: 'every filter find flatMap forEach includes indexOf isArray join length map pop push slice some sort splice',
  Date: 'getTime getUTCFullYear getUTCMonth now prototype toISOString toTimeString toUTCString',
  Function: 'call',
  JSON: 'parse stringify',
  Map: 'delete get has keys set size values',
  Math: 'abs ceil floor max min random round',
  Number: 'MAX_VALUE isFinite toString',
  Object: 'assign defineProperty entries fromEntries getOwnPropertyDescriptor getPrototypeOf hasOwnProperty keys prototype toString',
  Promise: 'catch resolve then',
  Reflect: 'defineProperty deleteProperty get set',
  RegExp: 'exec test',
  Set: 'add clear delete has size',
  String: 'charAt charCodeAt endsWith fromCharCode includes length match normalize padStart replace slice split startsWith toLowerCase toUpperCase trim',
  Symbol: 'for',
  WeakMap: 'get set',
  WeakSet: 'add delete has',
  // Of these what they are, not what they have: libraries replace them as a whole.
  global: 'AbortController Array Boolean BroadcastChannel Date EventTarget IDBKeyRange Infinity JSON Map Math NaN Number Object Promise Proxy Reflect RegExp Set String Symbol SyntaxError TypeError URL Uint16Array WeakMap WeakSet clearTimeout console crossOriginIsolated crypto decodeURIComponent document encodeURIComponent fetch indexedDB isFinite localStorage location navigator parseInt performance requestIdleCallback setTimeout structuredClone window',
} // prettier-ignore

/** The type or the variable that has a member, `global` for what has none. */
function ownerOf(declaration: ts.Declaration): string {
  const { parent } = declaration
  if (ts.isInterfaceDeclaration(parent))
    return parent.name.text.replace(/^Readonly(?=Array|Map|Set)|^Callable|Constructor$/g, '')
  if (ts.isModuleBlock(parent)) return parent.parent.name.text
  const variable = ts.isTypeLiteralNode(parent) ? parent.parent : undefined
  return variable && ts.isVariableDeclaration(variable) ? variable.name.getText() : 'global'
}

/** What the source uses of TypeScript's own libraries, by owner. */
function builtIns(): Map<string, Set<string>> {
  const config = fileURLToPath(new URL('../../src/tsconfig.json', import.meta.url))
  const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => undefined }
  const parsed = ts.getParsedCommandLineOfConfigFile(config, {}, host)
  if (!parsed) throw new Error('src/tsconfig.json cannot be read.')
  const program = ts.createProgram(parsed.fileNames, parsed.options)
  const checker = program.getTypeChecker()
  const found = new Map<string, Set<string>>()

  function look(node: ts.Node): void {
    if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node))
      return
    const symbol = ts.isIdentifier(node) ? checker.getSymbolAtLocation(node) : undefined
    const declaration = symbol?.declarations?.[0]
    if (symbol && declaration && program.isSourceFileDefaultLibrary(declaration.getSourceFile())) {
      const owner = ownerOf(declaration)
      found.set(owner, (found.get(owner) ?? new Set()).add(symbol.name))
    }
    ts.forEachChild(node, look)
  }
  // The command line and the Segment Function run elsewhere, `inspect` in tests.
  const inPages = /\/src\/(?!testing\/|cli\/|function\/|inspect\.)/
  for (const file of program.getSourceFiles()) if (inPages.test(file.fileName)) look(file)
  return found
}

test('what runs in pages uses these built-ins and no others', () => {
  const found = builtIns()
  const lists = Object.keys(used).map((owner) => [
    owner,
    [...(found.get(owner) ?? [])].sort().join(' '),
  ])
  expect(Object.fromEntries(lists)).toEqual(used)
}, 60_000)
