/** Runs in the page: the destinations that are compared. */
import type { Context, Plugin } from '@segment/analytics-next'
import ky from 'ky'
import { skalin } from 'skalin-analytics-plugin'

type Hook = (ctx: Context) => Context | Promise<Context>

const destination = (
  name: string,
  hook: Hook,
  load: () => Promise<unknown> = () => Promise.resolve(),
): Plugin => ({
  name,
  type: 'destination',
  version: '1.0.0',
  isLoaded: () => true,
  load,
  identify: hook,
  group: hook,
  track: hook,
})

/** What a call means to Skalin, in as few lines as it takes. */
function createMapper() {
  const id = () => crypto.randomUUID().replaceAll('-', '').slice(0, 16)
  const visitorId = id()
  const visitId = id()
  return ({ event: { type, event, userId, context } }: Context) => {
    const now = new Date()
    return {
      rec: '1',
      client_id: 'test-client',
      ...(type === 'track'
        ? { action: 'ev', event: JSON.stringify({ name: event, event_name: 'feature' }) }
        : { action: 'ui' }),
      event_id: id(),
      visitor_id: visitorId,
      visit_id: visitId,
      ts: now.toISOString().slice(0, 19),
      localtime: now.toTimeString().slice(0, 8),
      identity: JSON.stringify({ id: userId ?? 'nobody' }),
      customer_id: 'acme',
      url: context?.page?.url ?? location.href,
    }
  }
}

/** The usual plugin of an afternoon: one awaited request in each hook. */
function handWritten(endpoint: string): Plugin {
  const hitOf = createMapper()
  return destination('Hand-written', async (ctx) => {
    // As a form: the collector takes nothing else, and JSON would cost it a preflight.
    await ky.post(endpoint, { body: new URLSearchParams(hitOf(ctx)) })
    return ctx
  })
}

/**
 * What writing a hit down and sending it takes at the least: one transaction with one `put`, one
 * `fetch`, and one batched delete a second. Nothing decides anything: what fails is gone.
 */
function floor(endpoint: string): Plugin {
  const hitOf = createMapper()
  let db: IDBDatabase
  let ended: string[] = []
  let timer: ReturnType<typeof setTimeout> | undefined

  function write(work: (store: IDBObjectStore) => void): void {
    const transaction = db.transaction('hits', 'readwrite')
    work(transaction.objectStore('hits'))
    transaction.commit()
  }

  function deleteEnded(): void {
    timer = undefined
    const ids = ended
    ended = []
    write((store) => {
      for (const id of ids) store.delete(id)
    })
  }

  async function send(id: string, body: string): Promise<void> {
    const response = await fetch(endpoint, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body,
      keepalive: true,
      credentials: 'omit',
    })
    await response.text()
    ended.push(id)
    timer ??= setTimeout(deleteEnded, 1000)
  }

  const hook = (ctx: Context) => {
    const hit = hitOf(ctx)
    write((store) => store.put(hit))
    send(hit.event_id, new URLSearchParams(hit).toString()).catch(() => undefined)
    return ctx
  }
  const load = () =>
    new Promise<void>((resolve) => {
      const opening = indexedDB.open('floor')
      opening.onupgradeneeded = () => {
        opening.result.createObjectStore('hits', { keyPath: 'event_id' })
      }
      opening.onsuccess = () => {
        db = opening.result
        resolve()
      }
    })
  return destination('Floor', hook, load)
}

export const variants = {
  empty: () => destination('Empty', (ctx) => ctx),
  floor,
  handWritten,
  ours: (endpoint: string) => skalin({ clientId: 'test-client', endpoint }) as Plugin,
}

export type Variant = keyof typeof variants

/** A destination that is registered after them, and hears when an event gets that far. */
export const witness = (onEvent: (ctx: Context) => void): Plugin =>
  destination('Witness', (ctx) => {
    onEvent(ctx)
    return ctx
  })
