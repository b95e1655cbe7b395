import { type Place, rowsInMemory, run } from './place.ts'
import { type Row, unique } from './row.ts'
import { deleteForgotten } from './store.ts'
import type { Tabs } from './tabs.ts'

/** What is to be forgotten: when consent is withdrawn, or `clear()` called. */
export type Forgetting = {
  forget: () => Promise<void>
  /** Of what this page has, by whichever tab was told so. */
  dropForgotten: () => Row[]
}

export function createForgetting(place: Place, tabs: Tabs): Forgetting {
  const { lane, client, discard, drop } = place

  function dropForgotten(): Row[] {
    const rows = rowsInMemory(place).filter(client.isForgotten)
    for (const { id } of rows) discard(id)
    return rows
  }

  return {
    dropForgotten,

    async forget() {
      client.forget()
      const rows = dropForgotten()
      tabs.forgotten()
      const deleted = await run(place, (store) =>
        deleteForgotten(store, lane.clientId, client.isForgotten),
      )
      for (const row of unique([...rows, ...(deleted ?? [])])) drop({ row, reason: 'consent' })
    },
  }
}
