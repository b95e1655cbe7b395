import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { diagnose } from '../../src/cli/check/findings.ts'
import { tableOf } from '../../src/cli/check/table.ts'
import { startCollector } from '../testing/support.ts'
import { run } from './run.ts'

const readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8')
const [, section = ''] = /^## Check your endpoint\n(.*?)^## /ms.exec(readme) ?? []
const [, command = ''] = /^npx skalin-analytics-plugin (check .+)$/m.exec(section) ?? []
const [, more = ''] = /\(`(--endpoint .+?)`\)/.exec(section) ?? []
// A fence that opens has an empty line before it.
const [, sample = ''] = /\n\n```\n(.*?)\n```$/ms.exec(section) ?? []

test('what the README shows of `check` is what it says', () => {
  const answer = (status: number, ms: number) => {
    const headers = new Headers({ 'Access-Control-Allow-Origin': '*' })
    return { status, ms, headers, text: '' }
  }
  const result = diagnose({
    endpoint: new URL(/--endpoint (\S+)/.exec(more)?.[1] ?? ''),
    origin: /--origin (\S+)/.exec(command)?.[1] ?? '',
    isGiven: true,
    get: answer(405, 121),
    post: answer(200, 38),
  })
  expect(sample.split('\n').slice(2)).toEqual(tableOf(result))
})

test('what the README gives `check` is what it takes', async () => {
  const collector = await startCollector()
  const given = `${command} ${more}`.replace(/(?<=--endpoint )\S+/, collector.endpoint)
  const { exit, out } = run(...given.split(' '))
  expect(await exit).toBe(0)
  expect(out[0]).toBe(sample.split('\n')[0]?.replace(/^[^,]+/, collector.endpoint))
  expect(collector.requests.map(({ method, accepted }) => [method, accepted])).toContainEqual([
    'POST',
    true,
  ])
})
