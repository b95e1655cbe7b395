import { type Place, rowsInMemory, run } from './place.ts'
import { type Row, unique } from './row.ts'
import { deleteForgotten } from './store.ts'
import type { Tabs } from './tabs.ts'

/** What is to be forgotten: when consent is withdrawn, or `clear()` called. */
export type Forgetting = {
  forget: () => Promise<void>
  /** Of what this page has, by whichever tab was told so: what was made before this era. */
  dropForgotten: (era: string) => Row[]
}

export function createForgetting(place: Place, tabs: Tabs): Forgetting {
  const { lane, client, discard, drop } = place

  function dropForgotten(era: string): Row[] {
    const rows = rowsInMemory(place).filter((row) => client.isForgotten(row, era))
    for (const { id } of rows) discard(id)
    return rows
  }

  return {
    dropForgotten,

    async forget() {
      // By word of mouth too: a page that logs out may clear its storage right after.
      const era = client.forget()
      const rows = dropForgotten(era)
      tabs.forgotten(era)
      const deleted = await run(place, (store) =>
        deleteForgotten(store, lane.clientId, (row) => client.isForgotten(row, era)),
      )
      for (const row of unique([...rows, ...(deleted ?? [])])) drop({ row, reason: 'consent' })
    },
  }
}
