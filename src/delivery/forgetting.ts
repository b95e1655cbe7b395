import { type Place, rowsInMemory, run } from './place.ts'
import { type Row, unique } from './row.ts'
import { deleteForgotten } from './store.ts'
import type { Tabs } from './tabs.ts'

/** Rows that this page had in memory; `unstored` are those that the database has not got. */
type Dropped = { rows: Row[]; unstored: Row[] }

/** What is to be forgotten: when consent is withdrawn, or `clear()` called. */
export type Forgetting = {
  forget: () => Promise<void>
  /** Of what this page has, by whichever tab was told so: what was made before this era. */
  dropForgotten: (era: string) => Dropped
}

export function createForgetting(place: Place, tabs: Tabs): Forgetting {
  const { lane, client, writer, discard, drop } = place

  function dropForgotten(era: string): Dropped {
    const rows = rowsInMemory(place).filter((row) => client.isForgotten(row, era))
    const unstored = rows.filter(({ id }) => writer.unstored(id))
    for (const { id } of rows) discard(id)
    return { rows, unstored }
  }

  return {
    dropForgotten,

    async forget() {
      // By word of mouth too: a page that logs out may clear its storage right after.
      const era = client.forget()
      const { rows } = dropForgotten(era)
      tabs.forgotten(era)
      const deleted = await run(place, (store) =>
        deleteForgotten(store, lane.clientId, (row) => client.isForgotten(row, era)),
      )
      for (const row of unique([...rows, ...(deleted ?? [])])) drop({ row, reason: 'consent' })
    },
  }
}
