// IndexedDB's requests without promises: a page may have replaced those, and each call pays.

/** Goes on with what a request gives. What `then` throws would be an error of the page's. */
export function on<Result>(request: IDBRequest<Result>, then: (result: Result) => void): void {
  request.onsuccess = () => {
    try {
      then(request.result)
    } catch {
      request.transaction?.abort()
    }
  }
}

/** All that an index has within a range. */
export function all<Value>(
  index: IDBIndex,
  range: IDBKeyRange | null,
  limit?: number,
): IDBRequest<Value[]> {
  return index.getAll(range, limit) as IDBRequest<Value[]>
}

/** Has the transaction commit now: the page may be gone when the browser would. */
export function commit({ transaction }: IDBObjectStore): void {
  transaction.commit()
}
