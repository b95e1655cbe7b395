import { readFile, readdir } from 'node:fs/promises'
import { root } from './install.ts'

/** A fenced block of code. */
export interface Example {
  /** `<page>:<line of its fence>`. */
  name: string
  language: string
  code: string
}

export const pageText = (name: string): Promise<string> => readFile(`${root}/${name}`, 'utf8')

/** The pages whose examples readers copy. */
export async function pages(): Promise<string[]> {
  const docs = (await readdir(`${root}/docs`)).filter((name) => name.endsWith('.md'))
  return ['README.md', 'CONTRIBUTING.md', ...docs.map((name) => `docs/${name}`)]
}

export function examplesOf(page: string, text: string): Example[] {
  return [...text.matchAll(/^```(\w*)[^\n]*\n(.*?)^```$/gms)].map(
    ({ index, 1: language = '', 2: code = '' }) => ({
      name: `${page}:${text.slice(0, index).split('\n').length}`,
      language,
      code,
    }),
  )
}

/** The cells of the first table below the heading `## <heading>`, without the table's head. */
export function tableBelow(heading: string, text: string): string[][] {
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? ''
  const [table = ''] = /(^\|.*\n)+/m.exec(section) ?? []
  const rows = table.trimEnd().split('\n').slice(2)
  return rows.map((row) =>
    row
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}
