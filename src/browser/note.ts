import { now } from './clock.ts'

/** One small value that outlives the page, as far as the browser allows it. */
export type Note<Value> = {
  /** As another tab left it a moment ago at the latest; `now` as it is, to change a part of it. */
  read: (when?: 'now') => Value | undefined
  /** `undefined` forgets. Whether storage took it. */
  write: (value: Value | undefined) => boolean
}

/** What a note needs of `localStorage`. */
export type TextStore = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

/** JSON as it is everywhere: Prototype and other libraries give all arrays a `toJSON` of their own. */
function plainJson(value: unknown): string {
  // The value itself, not what `toJSON` made of it.
  return JSON.stringify(value, function (this: Record<string, unknown>, name) {
    return this[name]
  })
}

/**
 * A note under `key`, read and written synchronously. Storage is believed when it gives back what was
 * written; where there is none, or it refuses (blocked, full) or keeps something else, the value is
 * kept in memory. `parse` turns foreign JSON into a value, or throws. A value that was read less than
 * `freshMs` ago is not read again.
 */
export function createNote<Value>(
  store: (() => TextStore) | undefined,
  key: string,
  parse: (json: unknown) => Value,
  freshMs = 0,
): Note<Value> {
  /** What storage did not take, and what it had instead. */
  let kept: { value: Value | undefined; over: string | null | undefined } | undefined
  let json: string | null | undefined
  let parsed: Value | undefined
  let readAt = -Infinity

  function storedText(): string | null | undefined {
    try {
      return store?.().getItem(key)
    } catch {
      return undefined
    }
  }

  function readStored(when?: 'now'): Value | undefined {
    const at = now()
    // A clock may be set back.
    if (when === undefined && Math.abs(at - readAt) < freshMs) return parsed
    readAt = at
    const found = storedText()
    if (found === json) return parsed
    json = found
    try {
      parsed = found ? parse(JSON.parse(found)) : undefined
    } catch {
      json = parsed = undefined
    }
    return parsed
  }

  function writeStored(value: Value | undefined): boolean {
    try {
      const storage = store?.()
      if (storage === undefined) return false
      const text = value === undefined ? null : plainJson(value)
      // Reading is cheap; writing reaches every other tab.
      if (storage.getItem(key) === text) return true
      if (text === null) storage.removeItem(key)
      else storage.setItem(key, text)
      if (storage.getItem(key) !== text) return false
      // Throws where a library has changed what the JSON says.
      if (text !== null) parse(JSON.parse(text))
      return true
    } catch {
      return false
    }
  }

  return {
    read(when) {
      if (kept) {
        const text = storedText()
        // Storage that did not answer, and does now, has what was there before.
        if (kept.over === undefined) kept.over = text
        // Another tab has been able to write since: what it says is newer.
        if (text !== kept.over) kept = undefined
      }
      return kept ? kept.value : readStored(when)
    },
    write(value) {
      // The next reading reads and parses anew.
      json = parsed = undefined
      readAt = -Infinity
      const isStored = writeStored(value)
      kept = isStored ? undefined : { value, over: storedText() }
      return isStored
    },
  }
}
