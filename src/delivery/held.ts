import type { Hit } from '../hit/hit.ts'
import { type Place, run } from './place.ts'
import { newEntry } from './queue.ts'
import { type Row, held } from './row.ts'
import { changeHeld } from './store.ts'
import type { Drop } from './trim.ts'

const maxHeld = 100

/** The hits of unknown visitors, which wait until it is known who it was. */
export type Held = {
  hold: (row: Row) => void
  /**
   * Completes and frees the hits that are of the visitors who are known now, also by the time of their
   * call; whether there were any, `undefined` if they could not be had.
   */
  completeHeld: (
    isTheirs: (hit: Hit, madeAt: number) => boolean,
    complete: (hit: Hit) => Hit | undefined,
  ) => Promise<boolean | undefined>
  /** Drops those of calls made until then. */
  dropHeld: (madeUntil: number) => Promise<void>
}

/** What is to become of a held row: changed, dropped, or (`undefined`) left as it is. */
type Choose = (row: Row, all: readonly Row[]) => Row | Drop | undefined

export function createHeld(place: Place): Held {
  const { lane, setAside, persistent, database, writer, queue, encode, drop } = place

  /** Those that the database has not got yet. */
  function changeUnstored(choose: Choose): boolean {
    const rows = writer.allUnstored().filter(({ due }) => due === held)
    let isChanged = false
    for (const row of rows) {
      const fate = choose(row, rows)
      if (fate === undefined) continue
      if ('reason' in fate) {
        const isStored = writer.isStoring(row.id)
        drop(fate)
        if (isStored) writer.remove(row.id, true)
      } else {
        isChanged = true
        queue.putBack(newEntry(fate, encode(fate.hit), true))
        writer.put([fate])
      }
    }
    return isChanged
  }

  async function change(choose: Choose): Promise<boolean | undefined> {
    const isChanged = changeUnstored(choose)
    if (!persistent) return isChanged
    await database.open()
    writer.persist()
    const result = await run(place, (store) => changeHeld(store, lane, choose))
    // What was dropped from memory already, the database may have got all the same.
    result?.drops.filter(({ row }) => !writer.hasEnded(row.id)).forEach(drop)
    if (result === undefined) return isChanged || undefined
    return isChanged || result.changed.length > 0
  }

  return {
    hold(row) {
      setAside.add(row.id)
      writer.put([{ ...row, due: held }])
      void change((each, all) =>
        all.indexOf(each) < all.length - maxHeld ? { row: each, reason: 'evicted' } : undefined,
      )
    },

    completeHeld(isTheirs, complete) {
      return change((row) => {
        if (!isTheirs(row.hit, row.at)) return undefined
        const hit = complete(row.hit)
        return hit ? { ...row, hit, due: row.at } : { row, reason: 'too-large' }
      })
    },

    async dropHeld(madeUntil) {
      await change((row) => (row.at <= madeUntil ? { row, reason: 'anonymous' } : undefined))
    },
  }
}
