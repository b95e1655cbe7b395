/** Keeps the `max` newest of what is in the order of its arrival. */
export function forgetOldest<Key>(
  collection: { keys: () => Iterable<Key>; delete: (key: Key) => unknown; readonly size: number },
  max: number,
): void {
  for (const oldest of collection.keys()) {
    if (collection.size <= max) break
    collection.delete(oldest)
  }
}
