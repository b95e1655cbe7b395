/** Runs in the page, before its scripts: counts what is slow because it leaves the page's process. */
export function countOperations(): void {
  const counts: Record<string, number> = {}
  const watch = (owner: object, name: string, label: string) => {
    const own = Object.getOwnPropertyDescriptor(owner, name)
    const kind = own?.get ? 'get' : 'value'
    if (!own) return
    const original = Reflect.get(own, kind) as (...given: unknown[]) => unknown
    const counting = function (this: unknown, ...given: unknown[]) {
      counts[label] = (counts[label] ?? 0) + 1
      return Reflect.apply(original, this, given)
    }
    Object.defineProperty(owner, name, { ...own, [kind]: counting })
  }
  watch(window, 'fetch', 'fetch')
  watch(window, 'setTimeout', 'setTimeout')
  watch(Document.prototype, 'cookie', 'document.cookie, read')
  for (const name of ['getItem', 'setItem', 'removeItem']) {
    watch(Storage.prototype, name, `localStorage.${name}`)
  }
  watch(BroadcastChannel.prototype, 'postMessage', 'BroadcastChannel.postMessage')
  watch(IDBDatabase.prototype, 'transaction', 'IndexedDB transaction')
  for (const name of ['put', 'get', 'getAll', 'delete', 'count']) {
    watch(IDBObjectStore.prototype, name, `IndexedDB ${name}`)
    watch(IDBIndex.prototype, name, `IndexedDB index ${name}`)
  }
  Object.assign(window, { operations: counts })
}
