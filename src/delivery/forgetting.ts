import { type Place, rowsInMemory, run } from './place.ts'
import type { Row } from './row.ts'
import { deleteForgotten } from './store.ts'
import type { Tabs } from './tabs.ts'

/** What is to be forgotten: when consent is withdrawn, or `clear()` called. */
export type Forgetting = {
  forget: () => Promise<void>
  /** Of what this page has, by whichever tab was told so. */
  dropForgotten: () => Map<string, Row>
}

export function createForgetting(place: Place, tabs: Tabs): Forgetting {
  const { lane, client, discard, drop } = place

  function dropForgotten(): Map<string, Row> {
    const rows = rowsInMemory(place)
    for (const [id, row] of rows) {
      if (client.isForgotten(row)) discard(id)
      else rows.delete(id)
    }
    return rows
  }

  return {
    dropForgotten,

    async forget() {
      client.forget()
      const rows = dropForgotten()
      tabs.forgotten()
      const { isForgotten } = client
      const deleted = await run(place, (store) =>
        deleteForgotten(store, lane.clientId, isForgotten),
      )
      for (const row of deleted ?? []) rows.set(row.id, row)
      for (const row of rows.values()) drop({ row, reason: 'consent' })
    },
  }
}
