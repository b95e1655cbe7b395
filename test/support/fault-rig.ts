import { expect } from 'vitest'
import type { ReceivedRequest } from '../../src/testing/index.ts'
import { until } from './deadline.ts'
import { type Evaluating, type Rig, type Told } from './rig.ts'

/** A hit of the outbox, as IndexedDB has it. */
export type StoredRow = {
  id: string
  hit: Record<string, string>
  endpoint: string
  at: number
  due: number
  attempts: number
}

export const featureOf = (hit: Readonly<Record<string, string | undefined>>): string =>
  (JSON.parse(hit.event ?? '{}') as { name?: string }).name ?? ''

/** `prefix-0` to `prefix-<count - 1>`. */
export const names = (count: number, prefix = 'call'): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}-${index}`)

/** Makes a `track` call for each name, in one task. */
export function track(page: Evaluating, features: string[]): Promise<void> {
  return page.evaluate((all) => {
    for (const name of all) void window.analytics.track(name)
  }, features)
}

/**
 * The same, and 50 ms more. The page itself says when they are over, however slow this test is to hear
 * of it; those in which a busy machine held it up do not count.
 */
export function trackAndStay(page: Evaluating, features: string[]): Promise<void> {
  return page.evaluate(async (all) => {
    for (const name of all) void window.analytics.track(name)
    for (let lateMs = Infinity; lateMs > 10;) {
      const at = performance.now()
      await new Promise((resolve) => setTimeout(resolve, 50))
      lateMs = performance.now() - at - 50
    }
  }, features)
}

/** What the outbox holds, read beside the plugin. */
export const stored = (page: Evaluating): Promise<StoredRow[]> =>
  inOutbox(page, 'getAll') as Promise<StoredRow[]>

/** Asks the store of the outbox, which leaves an outbox alone that is not there yet. */
function inOutbox(page: Evaluating, question: 'getAll' | 'count'): Promise<unknown> {
  return page.evaluate(
    (method) =>
      new Promise((resolve, reject) => {
        const opening = indexedDB.open('skalin')
        opening.onerror = () => reject(new Error('The outbox could not be opened'))
        opening.onupgradeneeded = () => opening.transaction?.abort()
        opening.onsuccess = () => {
          const db = opening.result
          const asked = db.transaction('outbox').objectStore('outbox')[method]()
          asked.onsuccess = () => {
            db.close()
            resolve(asked.result)
          }
        }
      }),
    question,
  )
}

/** Puts rows into the outbox as earlier pages would have, one a millisecond, the last a minute ago. */
export async function leaveBehind(page: Evaluating, rig: Rig, features: string[]): Promise<void> {
  await page.evaluate(
    ([endpoint, all]) =>
      new Promise<void>((resolve, reject) => {
        const opening = indexedDB.open('skalin')
        opening.onsuccess = () => {
          const db = opening.result
          const writing = db.transaction('outbox', 'readwrite')
          const first = Date.now() - 60_000 - all.length
          for (const [index, name] of all.entries()) {
            const id = index.toString(16).padStart(16, '0')
            const at = first + index
            const hit = {
              rec: '1',
              client_id: 'test-client',
              action: 'ev',
              event: JSON.stringify({ name, event_name: 'feature' }),
              event_id: id,
              visitor_id: '0123456789abcdef',
              visit_id: 'fedcba9876543210',
              ts: new Date(at).toISOString().slice(0, 19),
              localtime: '12:00:00',
              identity: '{"id":"alice","email":"alice@example.com"}',
              customer_id: 'acme',
              url: 'https://app.example.com/projects/1234/settings',
            }
            writing.objectStore('outbox').put({ id, hit, endpoint, at, due: at, attempts: 0 })
          }
          writing.onerror = () => reject(new Error('The rows could not be written'))
          writing.oncomplete = () => {
            db.close()
            resolve()
          }
        }
      }),
    [rig.collector.endpoint, features] as const,
  )
}

export const acceptedBy = (rig: Rig): ReceivedRequest[] =>
  rig.collector.requests.filter(({ accepted }) => accepted)

/** Waits until the collector has accepted exactly these features. */
export async function arrived(rig: Rig, features: string[], deadlineMs = 20_000): Promise<void> {
  const wanted = new Set(features)
  const missing = () => {
    const got = new Set(acceptedBy(rig).map(({ hit }) => featureOf(hit)))
    return [...wanted].filter((name) => !got.has(name))
  }
  try {
    await until(() => missing().length === 0, { message: 'all features', deadlineMs })
  } catch {
    const lost = missing()
    throw new Error(`${lost.length} of ${wanted.size} missing: ${lost.slice(0, 10).join(', ')} …`)
  }
}

/** Waits until so many hits are written down; fetches them only then, since a thousand take their time. */
export async function writtenDown(
  page: Evaluating,
  count: number,
  deadlineMs = 30_000,
): Promise<StoredRow[]> {
  let rows: StoredRow[] = []
  let last: unknown
  await until(
    async () => {
      last = await inOutbox(page, 'count')
      if (last !== count) return false
      rows = await stored(page)
      return rows.length === count
    },
    { message: () => `${count} stored rows, the last count was ${String(last)}`, deadlineMs },
  )
  return rows
}

/** What holds under every fault: each re-send says the same, nothing is malformed, nobody saw an error. */
export function expectSound(rig: Rig, errors: string[] = []): void {
  expect(errors).toEqual([])
  const bodies = new Map<string, string>()
  for (const { method, body, hit, problems } of rig.collector.requests) {
    expect(method).toBe('POST')
    expect(problems).toEqual([])
    const id = hit.event_id ?? ''
    expect(body).toBe(bodies.get(id) ?? body)
    bodies.set(id, body)
  }
}

/** What the plugin has noted of the collector: how far it has backed off, and why. */
export const healthOf = (page: Evaluating): Promise<{ step: number; networkErrors: number }> =>
  page.evaluate(() => {
    const key = Object.keys(localStorage).find((name) => name.startsWith('skalin:endpoint:'))
    const { step = NaN, networkErrors = NaN } = JSON.parse(
      (key && localStorage.getItem(key)) ?? '{}',
    ) as { step?: number; networkErrors?: number }
    return { step, networkErrors }
  })

/** What `onDelivery` was told so far. */
export const reports = (page: Evaluating): Promise<Told[]> => page.evaluate(() => window.reports)

/** How long after a hit had been accepted it was accepted once more, in milliseconds, for each time. */
export function repeats(rig: Rig): number[] {
  const acceptedAt = new Map<string | undefined, number>()
  return acceptedBy(rig).flatMap(({ hit, at }) => {
    const before = acceptedAt.get(hit.event_id)
    acceptedAt.set(hit.event_id, at)
    return before === undefined ? [] : at - before
  })
}
