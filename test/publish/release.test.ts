import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { read, root } from './install.ts'

const copied = [
  '.prettierrc.json',
  'package.json',
  'README.md',
  'CHANGELOG.md',
  'rollup.config.mjs',
  'scripts',
  'src',
  'tsconfig.json',
]

/** A copy of this repository, to build and to release. */
let copy: string
beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'skalin-release-'))
  for (const name of copied) await cp(join(root, name), join(copy, name), { recursive: true })
  await symlink(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction')
})
afterAll(() => rm(copy, { recursive: true, force: true }))

const node = async (program: string, ...args: string[]): Promise<string> => {
  const { stderr } = await promisify(execFile)(process.execPath, [program, ...args], {
    cwd: copy,
  }).catch((error: unknown) => error as { stderr: string })
  return stderr
}
const release = (...args: string[]) => node('scripts/release.mjs', ...args)
const replace = async (file: string, from: string | RegExp, to: string) =>
  writeFile(join(copy, file), (await read(copy, file)).replace(from, to))
/** As a build of other sources would be. */
const changeBuild = () => replace('dist/skalin.min.js', '(', '( ')
const integrity = (text: string) => /integrity="(.+?)"/.exec(text)?.[1]

test('the build is the same bytes in another folder', async () => {
  expect(await node('node_modules/rollup/dist/bin/rollup', '--config', '--silent')).toBe('')
  for (const name of ['skalin.min.js', 'index.js', 'testing.js', 'cli.js', 'index.d.ts']) {
    const [here, there] = await Promise.all([root, copy].map((at) => read(at, 'dist', name)))
    expect(here === there, name).toBe(true)
  }
})

test('a release goes from unreleased changes to a README and a changelog that say it', async () => {
  const { version } = JSON.parse(await read(copy, 'package.json')) as { version: string }
  await release()
  const last = integrity(await read(copy, 'README.md'))

  // Development goes on: the script tag stays that of the release.
  await changeBuild()
  await replace('CHANGELOG.md', '## ', '## Unreleased\n\n- Fixed a word.\n\n## ')
  expect(await release()).toBe('')
  expect(integrity(await read(copy, 'README.md'))).toBe(last)
  expect(await release('--check', `v${version}`)).toContain('`## Unreleased`')

  // What `npm version` does.
  await replace('package.json', `"version": "${version}"`, '"version": "7.0.0"')
  await changeBuild()
  expect(await release('--release')).toBe('')
  expect(await read(copy, 'CHANGELOG.md')).toContain('## 7.0.0\n\n- Fixed a word.\n')
  const readme = await read(copy, 'README.md')
  expect(readme).toContain('skalin-analytics-plugin@7.0.0/dist/skalin.min.js')
  expect(integrity(readme)).not.toBe(last)
  expect(await release('--check', 'v7.0.0')).toBe('')

  // What publishing refuses.
  expect(await release('--check', 'v7.0.1')).toContain('v7.0.1')
  await changeBuild()
  expect(await release('--check', 'v7.0.0')).toContain('not that of the build')
  await replace('package.json', '"version": "7.0.0"', '"version": "8.0.0"')
  expect(await release('--release')).toContain('say what is new there')
})
