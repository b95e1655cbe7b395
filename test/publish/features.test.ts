import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { runInNewContext } from 'node:vm'
import { transform } from 'esbuild'
import { format } from 'prettier'
import { expect, test } from 'vitest'
import { isIdentifier } from '../../src/hit/identifier.ts'
import { names } from '../hit/names.ts'
import { sampleSchemes } from '../hit/schemes.ts'

type Classifier = typeof isIdentifier

const schemes = sampleSchemes(2000)
const taken = (texts: readonly string[], is: Classifier) => texts.filter(is).length
const found = (is: Classifier) => schemes.map(({ ids }) => (taken(ids, is) / ids.length) * 100)
const foundNow = found(isIdentifier)
const rounded = (value: number) => Math.round(value * 10) / 10

/**
 * The rules of the classifier: what of its source each is, and what stands there without it. That of 32
 * hexadecimal digits is for UUIDs too rare to be among so few.
 */
const rules: [name: string, rule: RegExp, without?: string][] = [
  ['`@`', /^ {2}\/@\[\^:\]\/,$/m],
  ['five digits in a row', /^ {2}\/\\d\{5\}\/,$/m],
  ['four digits', /^.*\\d000.*$/m],
  ['years and round numbers as an exception', /\(\?!19.*?\)/],
  ['a key with a number', /^.*\[A-Z\]\[A-Z\\d\]\+-.*$/m],
  ['dates', /^.*w\?\\d.*$/m],
  ['addresses of devices', /^.*\{5\}\|::.*$/m],
  ['licence keys', /^.*\{4,6\}.*$/m],
  ['`id=5` and `Orders(5)`', /key\.test\(text\) \|\| /],
  ['standards as an exception', /\.replace\(standards, ''\)/],
  ['a number alone', /isNumber\(text\) \|\| /],
  ['versions and ratios as an exception', / &&\n {2}!\/\^\(\?!.*\.test\(text\)/],
  ['the count of pieces', /(?<=odd \+= )\/\\d\/.*$/m, '0'],
  ['capitals as borders of pieces', /(?<=pieces = ).*/, '/\\d+|\\p{L}+/gu'],
  ['the table of letters', /^ *odd \+= 4 - .*$/m],
  ['a single word must be stranger', /found\.length > 1 \?.*(?=\)$)/m, '9'],
  ['a single word in capitals, less so', /(?<= : )\/\\p\{Ll\}.*? : 10/, '15'],
  ['`-` and `_` as letters of an alphabet', / \|\|\n *\/\/ The alphabets[^]*?(?=\n {2}\)\n)/],
  ['tokens of 6 characters at least', /token\.length < 6 \|\| /],
  ['short letters with a short number', / \|\| namedNumber\.test\(token\)/],
  ['`2` and `4` as words', /\.replace\(\/\(\\p\{L\}.*?'\$1~'\)/],
]

/** What changes most for want of a rule: how much of a kind of identifier is found, else which names are taken for one. */
async function changeWithout(rule: RegExp, without = ''): Promise<string> {
  const source = await readFile(new URL('../../src/hit/identifier.ts', import.meta.url), 'utf8')
  expect(source).toMatch(rule)
  const { code } = await transform(
    source.replace(rule, () => without),
    {
      loader: 'ts',
      format: 'cjs',
    },
  )
  const module: { exports: { isIdentifier?: Classifier } } = { exports: {} }
  runInNewContext(code, { module })
  const is = module.exports.isIdentifier ?? isIdentifier

  const foundThen = found(is)
  const lost = foundThen.map((share, index) => (foundNow[index] ?? 0) - share)
  const most = lost.indexOf(Math.max(...lost))
  const [before, after] = [foundNow, foundThen].map((shares) => rounded(shares[most] ?? 0))
  const loss = before === after ? '' : `${schemes[most]?.name} found: ${before} → ${after} %`
  if ((lost[most] ?? 0) >= 1) return loss
  const changes = (['tricky names', 'words of the English dictionary'] as const).map((kind) => {
    const [now, then] = [isIdentifier, is].map((each) => taken(names[kind], each))
    return then === now ? '' : `${kind} taken: ${now} → ${then}`
  })
  return [...changes, loss].find((change) => change !== '') ?? 'nothing'
}

test('docs/features.md has these figures; `vitest -u` writes them', async () => {
  const file = fileURLToPath(new URL('../../docs/features.md', import.meta.url))
  const changes: string[][] = []
  for (const [name, rule, without] of rules)
    changes.push([name, await changeWithout(rule, without)])
  expect(changes.filter(([, change]) => change === 'nothing')).toEqual([])
  const tables = {
    Found: [
      ['Identifier', 'Such as', 'Found'],
      ...schemes.map(({ name, ids }, index) => [
        name,
        `\`${(ids[0] ?? '').replace(/^(.{40}).+$/, '$1…')}\``,
        `${rounded(foundNow[index] ?? 0)} %`,
      ]),
    ],
    'Left alone': [
      ['Names', 'How many', 'Taken for identifiers'],
      ...Object.entries(names).map(([kind, texts]) => [
        kind,
        texts.length.toLocaleString('en'),
        taken(texts, isIdentifier).toLocaleString('en'),
      ]),
    ],
    'What each rule is for': [['Without', 'Changes'], ...changes],
  }
  let text = await readFile(file, 'utf8')
  for (const [heading, [head = [], ...rows]] of Object.entries(tables)) {
    const lines = [head, head.map(() => '---'), ...rows].map(
      (cells) => `| ${cells.join(' | ')} |\n`,
    )
    // `$&` and the like in an example must not be read as such.
    text = text.replace(
      new RegExp(`(## ${heading}\\n\\n.*\\n\\n)(\\|.*\\n)*`),
      (_, before: string) => before + lines.join(''),
    )
  }
  await expect(await format(text, { parser: 'markdown' })).toMatchFileSnapshot(file)
})
