import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type TextStore, createNote } from '../../src/browser/note.ts'

type Value = { n: number; list: number[] }

function parse(json: unknown): Value {
  const { n, list } = json as Partial<Value>
  if (typeof n !== 'number' || !Array.isArray(list)) throw new TypeError()
  return { n, list }
}

const valueOf = (n: number): Value => ({ n, list: [n] })
const key = 'skalin:note'

/** A storage that works, but for what is said. */
function createStore(lies: Partial<TextStore> = {}): TextStore & { texts: Map<string, string> } {
  const texts = new Map<string, string>()
  return {
    texts,
    getItem: (name) => texts.get(name) ?? null,
    setItem: (name, text) => void texts.set(name, text),
    removeItem: (name) => void texts.delete(name),
    ...lies,
  }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

describe('what is written is read', () => {
  test('by another tab, or by the next page', () => {
    const store = createStore()
    createNote(() => store, key, parse).write(valueOf(1))
    const other = createNote(() => store, key, parse)
    expect(other.read()).toEqual(valueOf(1))
    other.write(undefined)
    expect(other.read()).toBeUndefined()
    expect(store.texts.size).toBe(0)
  })

  test('another tab’s a moment later at the latest, and at once to change a part of it', () => {
    const store = createStore()
    const mine = createNote(() => store, key, parse, 100)
    const other = createNote(() => store, key, parse, 100)
    mine.write(valueOf(1))
    expect([mine.read(), other.read()]).toEqual([valueOf(1), valueOf(1)])
    other.write(valueOf(2))
    vi.advanceTimersByTime(99)
    expect(mine.read()).toEqual(valueOf(1))
    expect(mine.read('now')).toEqual(valueOf(2))
    other.write(valueOf(3))
    vi.advanceTimersByTime(100)
    expect(mine.read()).toEqual(valueOf(3))
    other.write(valueOf(4))
    vi.setSystemTime(Date.now() - 1000)
    expect(mine.read()).toEqual(valueOf(4))
  })

  test('storage is not written to say what it says already, nor read again and again', () => {
    const store = createStore()
    const note = createNote(() => store, key, parse, 100)
    note.write(valueOf(1))
    const setItem = vi.spyOn(store, 'setItem')
    const getItem = vi.spyOn(store, 'getItem')
    note.write(valueOf(1))
    expect(setItem).not.toHaveBeenCalled()
    note.read()
    getItem.mockClear()
    for (let time = 0; time < 50; time += 1) note.read()
    expect(getItem).not.toHaveBeenCalled()
  })

  test('in memory, where nothing is to be stored', () => {
    const note = createNote(undefined, key, parse)
    expect(note.read()).toBeUndefined()
    note.write(valueOf(1))
    expect(note.read()).toEqual(valueOf(1))
  })
})

test('what storage refused counts until another tab has written', () => {
  const store = createStore()
  const mine = createNote(() => store, key, parse)
  const other = createNote(() => store, key, parse)
  mine.write(valueOf(1))
  const full = vi.spyOn(store, 'setItem').mockImplementation(() => {
    throw new DOMException('Full', 'QuotaExceededError')
  })
  mine.write(valueOf(2))
  expect([mine.read(), other.read()]).toEqual([valueOf(2), valueOf(1)])
  full.mockRestore()
  other.write(valueOf(3))
  expect(mine.read()).toEqual(valueOf(3))
})

describe('a storage that lies is memory from then on', () => {
  const refuse = () => {
    throw new DOMException('Not now', 'QuotaExceededError')
  }
  const lies: [string, () => TextStore][] = [
    ['is denied', refuse],
    ['is missing', () => undefined as never],
    ['drops writes', () => createStore({ setItem: () => undefined })],
    ['drops reads', () => createStore({ getItem: () => null })],
    ['reads undefined', () => createStore({ getItem: () => undefined as never })],
    ['throws on writing', () => createStore({ setItem: refuse })],
    ['throws on reading', () => createStore({ getItem: refuse })],
    [
      'truncates',
      () => {
        const store: ReturnType<typeof createStore> = createStore({
          setItem: (name, text) => void store.texts.set(name, text.slice(0, 5)),
        })
        return store
      },
    ],
    [
      'keeps another thing',
      () => {
        const store: ReturnType<typeof createStore> = createStore({
          setItem: (name) => void store.texts.set(name, '{"n":0,"list":[]}'),
        })
        return store
      },
    ],
  ]

  test.each(lies)('%s', (_, get) => {
    let store: TextStore | undefined
    const note = createNote(() => (store ??= get()), key, parse, 100)
    for (const n of [1, 2]) {
      note.write(valueOf(n))
      expect(note.read()).toEqual(valueOf(n))
      expect(note.read('now')).toEqual(valueOf(n))
      vi.advanceTimersByTime(1000)
      expect(note.read()).toEqual(valueOf(n))
    }
    note.write(undefined)
    expect(note.read()).toBeUndefined()
  })

  test('what it did not take while it failed is kept when it answers again', () => {
    let isBroken = true
    const texts = createStore()
    const fail = (): never => {
      throw new Error('Not now')
    }
    const note = createNote(() => (isBroken ? fail() : texts), key, parse)
    expect(note.write(valueOf(1))).toBe(false)
    isBroken = false
    expect([note.read(), note.read()]).toEqual([valueOf(1), valueOf(1)])
    expect(createNote(() => texts, key, parse).write(valueOf(2))).toBe(true)
    expect(note.read()).toEqual(valueOf(2))
  })

  test('forgetting too: what cannot be taken away is not read again', () => {
    const store = createStore({ removeItem: () => undefined })
    const note = createNote(() => store, key, parse)
    note.write(valueOf(1))
    note.write(undefined)
    expect(note.read()).toBeUndefined()
  })

  test('until it takes what is written', () => {
    const store = createStore()
    const note = createNote(() => store, key, parse)
    const setItem = vi.spyOn(store, 'setItem').mockImplementation(refuse)
    note.write(valueOf(1))
    setItem.mockRestore()
    note.write(valueOf(2))
    expect(createNote(() => store, key, parse).read()).toEqual(valueOf(2))
  })

  test('arrays that a library taught another JSON are written as they are', () => {
    const store = createStore()
    const taught = Object.assign([1], { toJSON: () => '[1]' })
    createNote(() => store, key, parse).write({ n: 1, list: taught })
    expect(createNote(() => store, key, parse).read()?.list).toEqual([1])
  })
})

describe('what cannot be read', () => {
  test.each(['', 'null', '5', '{"n":1', '{"n":1}', '{"n":"1","list":[]}'])(
    'is nothing: %s',
    (text) => {
      const store = createStore()
      store.texts.set(key, text)
      const note = createNote(() => store, key, parse)
      expect(note.read()).toBeUndefined()
      expect(note.read()).toBeUndefined()
      store.texts.set(key, JSON.stringify(valueOf(1)))
      expect(note.read()).toEqual(valueOf(1))
    },
  )

  test('for a moment is there again after it', () => {
    const store = createStore()
    const note = createNote(() => store, key, parse)
    note.write(valueOf(1))
    expect(note.read()).toEqual(valueOf(1))
    vi.spyOn(store, 'getItem').mockImplementationOnce(() => {
      throw new DOMException('Not now', 'UnknownError')
    })
    expect(note.read()).toBeUndefined()
    expect(note.read()).toEqual(valueOf(1))
  })
})
