// Ways in which a browser's storage does not do what it says, each for one kind of operation.

/** Ends when the sabotage is over. */
type Sabotage = () => () => void

const refuse = () => {
  throw new DOMException('Refused', 'QuotaExceededError')
}
/** A request, or a database, of which nobody hears again. */
const inert = () => ({}) as never

type Method = (this: never, ...args: never[]) => unknown

/** Puts something in the place of methods of the browser's. */
export function replace(
  owner: object,
  names: readonly string[],
  by: (real: Method) => (this: never, ...args: never[]) => unknown,
): () => void {
  // Not by spies: of two on the same method one would be the other.
  const methods = owner as Record<string, Method>
  const reals = names.map((name) => [name, methods[name] as Method] as const)
  for (const [name, real] of reals) methods[name] = by(real)
  return () => {
    for (const [name, real] of reals) methods[name] = real
  }
}

/** The transaction will never complete, nor abort. */
export function hang(transaction: IDBTransaction): void {
  for (const name of ['oncomplete', 'onabort']) {
    Object.defineProperty(transaction, name, { get: () => null, set: () => undefined })
  }
}

const transactionOf = (source: IDBObjectStore | IDBIndex) =>
  'objectStore' in source ? source.objectStore.transaction : source.transaction

const writing =
  (name: 'put' | 'delete', how: 'fails' | 'aborts' | 'hangs' | 'lies'): Sabotage =>
  () =>
    replace(
      IDBObjectStore.prototype,
      [name],
      (real) =>
        function (this: IDBObjectStore, ...args: never[]) {
          if (how === 'fails') return refuse()
          if (how === 'lies') return this.count()
          if (how === 'hangs') {
            hang(this.transaction)
            return inert()
          }
          const request = real.apply(this as never, args)
          this.transaction.abort()
          return request
        },
    )

const reading =
  (owner: () => object, names: readonly string[], how: 'fails' | 'hangs' | 'lies'): Sabotage =>
  () =>
    replace(
      owner(),
      names,
      (real) =>
        function (this: IDBObjectStore | IDBIndex) {
          if (how === 'fails') return refuse()
          // Asked for something else, it finds nothing; the types of these methods differ.
          if (how === 'lies')
            return real.apply(this as never, [IDBKeyRange.only('nothing')] as never)
          hang(transactionOf(this))
          return inert()
        },
    )

const storeOf = () => IDBObjectStore.prototype
const indexOf = () => IDBIndex.prototype
const ofStore = ['get', 'getKey'] as const
const ofIndex = ['getAll', 'getAllKeys', 'openKeyCursor', 'count'] as const

const opening =
  (how: 'fails' | 'hangs' | 'lies'): Sabotage =>
  () =>
    replace(
      indexedDB,
      ['open'],
      (real) =>
        function () {
          if (how === 'fails') return refuse()
          if (how === 'hangs') return inert()
          // A later version of somebody's, without our place.
          return real.apply(indexedDB as never, ['elsewhere', 3] as never)
        },
    )

const transacting =
  (how: 'fails' | 'hangs'): Sabotage =>
  () =>
    replace(
      IDBDatabase.prototype,
      ['transaction'],
      (real) =>
        function (this: IDBDatabase, ...args: never[]) {
          // fake-indexeddb makes those of an upgrade by itself.
          const mode: unknown = args[1]
          if (how === 'fails' && mode !== 'versionchange') return refuse()
          const transaction = real.apply(this as never, args) as IDBTransaction
          if (mode !== 'versionchange') hang(transaction)
          return transaction
        },
    )

const noting =
  (name: 'setItem' | 'getItem', lie: (real: Method, args: string[]) => unknown): Sabotage =>
  () =>
    replace(
      localStorage,
      [name],
      (real) =>
        function (...args: string[]) {
          return lie(real, args)
        },
    )

/** Each storage operation fails, hangs or lies. */
export const sabotages: Record<string, Sabotage> = {
  'opening fails': opening('fails'),
  'opening hangs': opening('hangs'),
  'opening gives another’s': opening('lies'),
  'transactions fail': transacting('fails'),
  'transactions hang': transacting('hangs'),
  'puts fail': writing('put', 'fails'),
  'puts abort': writing('put', 'aborts'),
  'puts hang': writing('put', 'hangs'),
  'puts are dropped': writing('put', 'lies'),
  'deletes fail': writing('delete', 'fails'),
  'deletes abort': writing('delete', 'aborts'),
  'deletes hang': writing('delete', 'hangs'),
  'deletes are dropped': writing('delete', 'lies'),
  'gets fail': reading(storeOf, ofStore, 'fails'),
  'gets hang': reading(storeOf, ofStore, 'hangs'),
  'gets find nothing': reading(storeOf, ofStore, 'lies'),
  'indexes fail': reading(indexOf, ofIndex, 'fails'),
  'indexes hang': reading(indexOf, ofIndex, 'hangs'),
  'indexes find nothing': reading(indexOf, ofIndex, 'lies'),
  'notes refuse writes': noting('setItem', refuse),
  'notes drop writes': noting('setItem', () => undefined),
  'notes keep half': noting('setItem', (real, [key = '', text = '']) =>
    real.apply(localStorage as never, [key, text.slice(0, text.length / 2)] as never),
  ),
  'notes refuse reads': noting('getItem', refuse),
  'notes find nothing': noting('getItem', () => null),
}
