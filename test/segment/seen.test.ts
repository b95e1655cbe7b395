import { describe, expect, test } from 'vitest'
import { isNew } from '../../src/segment/seen.ts'

const key = Symbol.for('skalin-analytics-plugin')

describe('an id', () => {
  test('is new once', () => {
    const instance = {}
    expect([isNew(instance, 'a'), isNew(instance, 'a'), isNew(instance, 'b')]).toEqual([
      true,
      false,
      true,
    ])
  })

  test('is new to each analytics instance', () => {
    expect([isNew({}, 'a'), isNew({}, 'a')]).toEqual([true, true])
  })

  test('is remembered among the last 1000', () => {
    const instance = {}
    for (let id = 0; id < 1000; id += 1) isNew(instance, String(id))
    expect(isNew(instance, '0')).toBe(false)
    // One more, and the oldest is forgotten, and only that one.
    isNew(instance, '1000')
    expect(isNew(instance, '1')).toBe(false)
    expect(isNew(instance, '0')).toBe(true)
  })
})

describe('the memory', () => {
  test('is on the instance, where another copy of the package finds it', () => {
    const instance = {}
    isNew(instance, 'a')
    const seen = (instance as { [key]?: unknown })[key]
    expect(seen).toEqual(new Set(['a']))
    expect(isNew(Object.defineProperty({}, key, { value: seen }), 'a')).toBe(false)
  })

  test('does not show', () => {
    const instance = {}
    isNew(instance, 'a')
    expect(Object.keys(instance)).toEqual([])
    expect(Object.getOwnPropertySymbols({ ...instance })).toEqual([])
  })

  test.each([
    ['nothing can be put on', () => Object.freeze({})],
    ['has something else there', () => Object.defineProperty({}, key, { value: 'else' })],
  ])('works for an instance that %s', (_, create) => {
    const instance = create()
    expect([isNew(instance, 'a'), isNew(instance, 'a'), isNew(instance, 'b')]).toEqual([
      true,
      false,
      true,
    ])
    expect(isNew(create(), 'a')).toBe(true)
  })
})
