import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { read, root } from './install.ts'

const folder = join(root, '.github/workflows')

describe.each(await readdir(folder))('the workflow %s', async (name) => {
  const text = await read(folder, name)
  const lines = text.split('\n')

  test('uses actions by their commit, and says which version that is', () => {
    const used = lines.filter((line) => /\buses:/.test(line))
    const pinned = /^\s+- uses: [\w.-]+\/[\w./-]+@[\da-f]{40} # v\d+\.\d+\.\d+$/
    expect(used.filter((line) => !pinned.test(line))).toEqual([])
    expect(used).not.toEqual([])
  })

  test('may do no more than it says, and says it', () => {
    // The first is the whole workflow's, for a job that has none of its own.
    const [, general = ''] = /^permissions:(.*(?:\n {2}.*)*)/m.exec(text) ?? []
    expect(general.trim()).toMatch(/^({}|contents: read)$/)
    const granted = [...text.matchAll(/^\s+([\w-]+): (?:write|read)$/gm)].map(([line]) =>
      line.trim(),
    )
    const allowed =
      name === 'publish.yml' ? ['contents: read', 'id-token: write'] : ['contents: read']
    expect(new Set(granted)).toEqual(new Set(allowed))
  })

  test('leaves no credentials behind after checking out', () => {
    const checkouts = lines.flatMap((line, index) =>
      line.includes('actions/checkout@') ? [lines.slice(index + 1, index + 3)] : [],
    )
    for (const [given, option] of checkouts) {
      expect([given?.trim(), option?.trim()]).toEqual(['with:', 'persist-credentials: false'])
    }
    expect(checkouts).not.toEqual([])
  })

  test('puts nothing that others may write into a shell', () => {
    const shell = lines.filter((line) => /\brun:/.test(line))
    expect(shell.filter((line) => /\$\{\{(?!\s*matrix\.)/.test(line))).toEqual([])
    expect(text).not.toContain('pull_request_target')
  })
})
