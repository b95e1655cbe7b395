import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { format } from 'prettier'
import { expect, test } from 'vitest'
import { isIdentifier } from '../../src/hit/identifier.ts'
import { names } from '../hit/names.ts'
import { sampleSchemes } from '../hit/schemes.ts'

const share = (texts: readonly string[]) => (texts.filter(isIdentifier).length / texts.length) * 100

const schemes = sampleSchemes(2000).map((scheme) => ({ ...scheme, found: share(scheme.ids) }))

test('docs/features.md has these figures; `vitest -u` writes them', async () => {
  const file = fileURLToPath(new URL('../../docs/features.md', import.meta.url))
  const percent = (value: number) => `${Math.round(value * 10) / 10} %`
  const tables = {
    Found: [
      ['Identifier', 'Such as', 'Found'],
      ...schemes.map(({ name, ids, found }) => [
        name,
        `\`${(ids[0] ?? '').replace(/^(.{40}).+$/, '$1…')}\``,
        percent(found),
      ]),
    ],
    'Left alone': [
      ['Names', 'How many', 'Taken for identifiers'],
      ...Object.entries(names).map(([kind, texts]) => [
        kind,
        texts.length.toLocaleString('en'),
        texts.filter(isIdentifier).length.toLocaleString('en'),
      ]),
    ],
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
