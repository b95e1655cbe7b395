import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createLookout } from '../../src/delivery/lookout.ts'
import type { Outbox } from '../../src/delivery/outbox.ts'
import { now } from './support.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'], now })
})
afterEach(() => {
  vi.useRealTimers()
})

/** When the database is looked at next, after a look that gave this. */
async function after(found: Awaited<ReturnType<Outbox['fetchDue']>>): Promise<number> {
  const lookout = createLookout({ fetchDue: () => Promise.resolve(found) } as Outbox)
  await lookout.look()
  return lookout.next()
}

test('rows that come due one after the other are had one after the other', async () => {
  expect(await after({ taken: 1, isAll: true, next: now })).toBe(now)
})

test('a row that is due and not to be had is asked for a second later', async () => {
  expect(await after({ taken: 0, isAll: true, next: now })).toBe(now + 1000)
})

test('nor at once where there are more of them', async () => {
  // Time has passed since it was asked for the first.
  expect(await after({ taken: 0, isAll: false, next: now + 1 })).toBe(now + 1000)
})

test('what is due later is had then', async () => {
  expect(await after({ taken: 0, isAll: true, next: now + 5 })).toBe(now + 5)
})

test('a database that does not say is not asked again', async () => {
  expect(await after(undefined)).toBe(Infinity)
})

test('it is, ten seconds later, where a row is known to come due', async () => {
  const lookout = createLookout({ fetchDue: () => Promise.resolve(undefined) } as unknown as Outbox)
  lookout.expect(now)
  await lookout.look()
  expect(lookout.next() - now).toBeGreaterThan(9_000)
  expect(lookout.next() - now).toBeLessThan(11_000)
})

test('or when that row comes due, though it was to be looked at once meanwhile', async () => {
  const lookout = createLookout({ fetchDue: () => Promise.resolve(undefined) } as unknown as Outbox)
  lookout.expect(now + 300_000)
  lookout.expect(0)
  await lookout.look()
  expect(lookout.next() - now).toBeGreaterThan(299_000)
  expect(lookout.next() - now).toBeLessThan(301_000)
})

test('a clock that is set back makes no look later than was decided', () => {
  const lookout = createLookout({} as Outbox)
  lookout.expect(now + 20_000)
  vi.advanceTimersByTime(19_000)
  vi.setSystemTime(now - 3_600_000)
  expect(lookout.next()).toBe(now - 3_600_000 + 1000)
})
