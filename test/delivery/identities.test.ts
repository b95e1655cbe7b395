import { expect, test } from 'vitest'
import { type ClientState, createClient } from '../../src/delivery/client.ts'
import { createIdentities } from '../../src/delivery/identities.ts'
import { hitOf, now } from './support.ts'

const endpoint = 'https://collector.example/hit'

/** A row of what a page said of somebody, at a time by its clock. */
const rowOf = (number: number, at: number) => {
  const hit = hitOf(number, { action: 'ui', identity: '{"id":"alice"}' })
  return { id: hit.event_id, hit, endpoint, at, due: at, attempts: 0 }
}

test('a page that takes over an identity leaves it where it is in the order', () => {
  let state: ClientState | undefined
  const note = { read: () => state, write: (next: ClientState) => (state = next) === next }
  const pages = [1, 2].map(() =>
    createIdentities(createClient(note, endpoint), ({ identity = '' }) => identity),
  )
  const [first, second] = [rowOf(1, now), rowOf(2, now - 1000)]
  for (const row of [first, second]) {
    pages[0]?.made(row)
    pages[0]?.open(row)
  }
  pages[1]?.open(second)
  const order = [...(state?.identities ?? [])].sort((a, b) => a.at - b.at)
  expect(order.map(({ id }) => id)).toEqual([first.id, second.id])
})
