import { readFileSync } from 'node:fs'
import { createContext, runInContext } from 'node:vm'
import { Linter } from 'eslint'
import { describe, expect, test } from 'vitest'
import { type Payload, builtFile, deploy, globalNames } from './sandbox.ts'

const code = readFileSync(builtFile, 'utf8')
const event = { type: 'track', userId: 'alice', event: 'Import' }

describe('the sandbox is as strict as what it stands for', () => {
  test('what is imported, exported or declared by another word does not even begin', () => {
    expect(() => deploy("import fs from 'node:fs'")).toThrow('import statement')
    expect(() => deploy('export async function onTrack() {}')).toThrow("Unexpected token 'export'")
    expect(() => deploy('const onTrack = async () => 1')).toThrow('has already been declared')
  })

  test.each(['TextEncoder', 'AbortController', 'structuredClone', 'process', 'require'])(
    'there is no %s',
    async (name) => {
      const segment = deploy(`async function onTrack() { return typeof ${name} }`)
      expect(await segment.invoke(event, {})).toMatchObject({ answer: 'undefined' })
    },
  )

  test('a library that is touched is a dependency', async () => {
    const segment = deploy('async function onTrack() { return _.get({}, "a") }')
    expect(await segment.invoke(event, {})).toMatchObject({
      kind: 'discarded',
      as: 'Bad Request',
      message: 'The Function depends on _.',
    })
  })

  test('what takes longer than 5 seconds is killed and retried', async () => {
    const segment = deploy('async function onTrack() { await new Promise(() => {}) }')
    expect(await segment.invoke(event, {})).toMatchObject({ kind: 'retried', as: 'Timeout' })
  })

  test.each<[string, string]>([
    ['RetryError', 'Retry'],
    ['InvalidEventPayload', 'Message Rejected'],
    ['ValidationError', 'Message Rejected'],
    ['EventNotSupported', 'Unsupported Event Type'],
    ['TypeError', 'Bad Request'],
  ])('%s is %s', async (name, as) => {
    const segment = deploy(`async function onTrack() { throw new ${name}('so') }`)
    expect(await segment.invoke(event, {})).toMatchObject({ as, message: 'so' })
  })

  test('a batch is answered event by event, or not at all', async () => {
    const answering = deploy(
      `async function onBatch(events) { return events.map((_, i) => ({ status: [200, 400, 500][i] })) }`,
    )
    const kinds = async (events: Payload[]) =>
      (await answering.invokeBatch(events, {})).map(({ kind }) => kind)
    expect(await kinds([event, event, event])).toEqual(['delivered', 'discarded', 'retried'])
    const throwing = deploy(`async function onBatch() { throw new RetryError('all') }`)
    expect(await throwing.invokeBatch([event, event], {})).toMatchObject([
      { kind: 'retried' },
      { kind: 'retried' },
    ])
  })
})

describe('the built file', () => {
  test('uses nothing that Segment does not document or publish', () => {
    const messages = new Linter().verify(code, {
      languageOptions: {
        ecmaVersion: 2023,
        sourceType: 'script',
        globals: Object.fromEntries(globalNames.map((name) => [name, 'readonly'])),
      },
      rules: { 'no-undef': 'error' },
    })
    expect(messages).toEqual([])
  })

  test('declares a handler for each call that Skalin knows, and none for the others', async () => {
    const segment = deploy()
    for (const type of ['track', 'page', 'screen', 'identify', 'group']) {
      expect(await segment.invoke({ ...event, type }, {})).toMatchObject({
        message: 'The setting `clientId` must be your Skalin Client ID.',
      })
    }
    for (const type of ['alias', 'delete']) {
      expect(await segment.invoke({ ...event, type }, { clientId: 'client' })).toMatchObject({
        as: 'Unsupported Event Type',
      })
    }
  })

  test('works as a plain script too, should Segment not wrap it any more', () => {
    const context = createContext({})
    runInContext(code, context)
    expect(runInContext('typeof onTrack + typeof onBatch', context)).toBe('functionfunction')
  })

  test('can be read: it is not minified, and keeps its comments', () => {
    const lines = code.split('\n')
    expect(lines.filter((line) => line.length > 200)).toEqual([])
    expect(code).toContain(
      '/** From a Segment event to a Skalin hit, or the reason why there is none. */',
    )
  })
})
