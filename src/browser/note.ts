/** One small value that outlives the page, as far as the browser allows it. */
export type Note<Value> = {
  read: () => Value | undefined
  /** `undefined` forgets. */
  write: (value: Value | undefined) => void
}

/** What a note needs of `localStorage`. */
export type TextStore = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

/**
 * A note under `key`, read and written synchronously. Where there is no storage, or it refuses
 * (blocked, full), the value is kept in memory. `parse` turns foreign JSON into a value, or throws.
 */
export function createNote<Value>(
  store: (() => TextStore) | undefined,
  key: string,
  parse: (json: unknown) => Value,
): Note<Value> {
  let kept: Value | undefined
  return {
    read() {
      if (kept !== undefined || store === undefined) return kept
      try {
        const json = store().getItem(key)
        return json === null ? undefined : parse(JSON.parse(json))
      } catch {
        return undefined
      }
    },
    write(value) {
      kept = value
      if (store === undefined) return
      try {
        const json = JSON.stringify(value)
        if (value === undefined) store().removeItem(key)
        // Reading is cheap; writing reaches every other tab.
        else if (store().getItem(key) !== json) store().setItem(key, json)
        kept = undefined
      } catch {
        // Blocked or full: memory has it for as long as the page lives.
      }
    },
  }
}
