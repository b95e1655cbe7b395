import { describe, expect, test } from 'vitest'
import { readParams, withParam } from '../../demo/params.ts'

const collector = 'http://127.0.0.1:4174'
const read = (search: string) => readParams(search, `${collector}/hit`)

test('without parameters everything stays on this machine', () => {
  expect(read('')).toEqual({
    build: 'npm',
    writeKey: undefined,
    clientId: 'demo-client',
    endpoint: 'http://127.0.0.1:4174/hit',
    isLocal: true,
    mustAsk: false,
    consent: false,
    problem: undefined,
  })
})

test('parameters choose the build, the source, the workspace and consent', () => {
  expect(read('?build=script&writeKey=abc&clientId=%20c1%20&consent=on')).toMatchObject({
    build: 'script',
    writeKey: 'abc',
    clientId: 'c1',
    consent: true,
    isLocal: true,
  })
  expect(read('?build=other').build).toBe('npm')
})

describe('an endpoint', () => {
  test.for([
    ['http://127.0.0.1:9999/x', false],
    ['http://localhost:9999/hit', false],
    ['http://[::1]:9999/hit', false],
    ['https://collect.skalin.io/hit', false],
    ['http://collect.skalin.io/hit', true],
    ['https://collect.skalin.io.example/hit', true],
    ['https://127.0.0.1.example/hit', true],
    ['https://collect.skalin.io:8443/hit', true],
    ['https://collect.example/hit', true],
  ] as const)('%s must be asked for: %s', ([endpoint, mustAsk]) => {
    const params = read(`?endpoint=${encodeURIComponent(endpoint)}`)
    expect(params).toMatchObject({ endpoint, mustAsk, isLocal: false, problem: undefined })
  })

  test.for([
    'nonsense',
    'javascript:alert(1)',
    'https://me:secret@collect.example/hit',
    'https://a;sandbox',
    'https://a,b',
  ])('%s is not used, and the page says so', (endpoint) => {
    const params = read(`?endpoint=${encodeURIComponent(endpoint)}`)
    expect(params).toMatchObject({ endpoint: `${collector}/hit`, isLocal: true, mustAsk: false })
    expect(params.problem).toContain('endpoint')
  })
})

test('an address keeps its other parameters', () => {
  const href = 'http://127.0.0.1:4173/?clientId=c1&build=npm'
  expect(withParam(href, 'build', 'script')).toBe('http://127.0.0.1:4173/?clientId=c1&build=script')
  expect(withParam(href, 'build', undefined)).toBe('http://127.0.0.1:4173/?clientId=c1')
})
