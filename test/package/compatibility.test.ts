import { readFile, readdir } from 'node:fs/promises'
import { expect, test } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { habitsTable } from '../fixtures/habits.ts'
import {
  canRename,
  compatibilityTable,
  enginesTable,
  npmHosts,
  snippetHosts,
} from '../fixtures/matrix.ts'

const file = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8')

/** The cells of all table rows, without the padding between them. */
const rowsOf = (markdown: string) =>
  markdown
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').map((cell) => cell.trim().replace(/^-+$/, '---')))

test('docs/compatibility.md shows the versions and routes that the tests run, and their results', async () => {
  const docs = await file('docs/compatibility.md')
  const versions = docs.slice(docs.indexOf('## Versions'), docs.indexOf('## The inline stub'))
  expect(rowsOf(versions)).toEqual(rowsOf(compatibilityTable()))
})

test('docs/compatibility.md shows what is proved in every engine, each by a test of that name', async () => {
  const docs = await file('docs/compatibility.md')
  const engines = docs.slice(docs.indexOf('## Engines'), docs.indexOf('## Toolchains'))
  expect(rowsOf(engines)).toEqual(rowsOf(enginesTable()))
  const tests = (await file('test/engines/promises.ts')) + (await file('test/engines/demo.test.ts'))
  for (const [, promise = ''] of rowsOf(enginesTable()).slice(2)) {
    expect(tests.split(`'${promise}'`), promise).toHaveLength(2)
  }
})

test('docs/compatibility.md shows the libraries and habits that the tests run, and their results', async () => {
  const docs = await file('docs/compatibility.md')
  const habits = docs.slice(
    docs.indexOf('## Libraries and habits'),
    docs.indexOf('## Where it runs'),
  )
  expect(rowsOf(habits)).toEqual(rowsOf(habitsTable()))
})

test('docs/compatibility.md says what others do on the way, each line by a test', async () => {
  const docs = await file('docs/compatibility.md')
  const section = docs.slice(
    docs.indexOf('## What others do'),
    docs.indexOf('## What Segment does'),
  )
  const folders = ['test/host', 'test/segment']
  const paths = await Promise.all(
    folders.map(async (folder) => (await readdir(folder)).map((name) => `${folder}/${name}`)),
  )
  const tests = (await Promise.all(paths.flat().map(file))).join('')
  const titles = rowsOf(section)
    .slice(2)
    .map((cells) => cells[3] ?? '')
  expect(titles.length).toBeGreaterThan(15)
  expect(titles.filter((title) => title === '' || !tests.includes(title))).toEqual([])
})

test('docs/compatibility.md has the inline stub that the tests run, and its length', async () => {
  const [docs, stub] = [await file('docs/compatibility.md'), await file('test/fixtures/stub.html')]
  const size = `${stub.trimEnd().split('\n').length} lines, ${Buffer.byteLength(stub)} bytes`
  expect(docs).toContain(`\`\`\`html\n${stub}\`\`\``)
  expect(docs).toContain(`(${size})`)
})

test('the oldest version that is tested is the oldest that package.json allows', () => {
  expect(packageJson.peerDependencies).toEqual({
    '@segment/analytics-next': `>=${npmHosts[0]?.version}`,
  })
})

test('only snippets from 5.0 on have `register`, as docs/compatibility.md says', async () => {
  const have = await Promise.all(
    snippetHosts.map(async ({ installed, version }) => {
      const template = await file(`node_modules/${installed}/dist/max.template.js`)
      return [version.replace(/\..*/, ''), /\bregister\b/.test(template)]
    }),
  )
  expect(have).toEqual([
    ['4', false],
    ['4', false],
    ['5', true],
    ['5', true],
  ])
})

test('every snippet that knows another key than `analytics` is tested with one', async () => {
  for (const host of snippetHosts) {
    const template = await file(`node_modules/${host.installed}/dist/max.template.js`)
    expect(canRename(host), host.version).toBe(/\bglobalAnalyticsKey\b/.test(template))
  }
})
