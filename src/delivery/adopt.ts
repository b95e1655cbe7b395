import { now } from '../browser/clock.ts'
import { type Place, run } from './place.ts'
import { newEntry } from './queue.ts'
import { freed, held, isDue, sentBefore } from './row.ts'
import { free, putNew } from './store.ts'

/** Takes over what pages left that have gone: what they had on lease, and what the database has not got. */
export async function adopt(place: Place): Promise<void> {
  const { lane, client, database, queue, writer, encode } = place
  const ended = client.ended()
  // By others, while this page was in the back/forward cache.
  for (const id of ended) queue.delete(id)
  writer.end(ended)
  const at = now()
  const sent = client.sent()
  const gone = client.gone()
  const unsaved = client
    .unsaved()
    .filter(({ id }) => !writer.hasEnded(id))
    .map((row) => {
      const sentAt = sentBefore(row, sent, at)
      const isFree = sentAt === undefined && row.owner === undefined && !isDue(row, at)
      return isFree ? row : freed(row, at, sentAt)
    })
  const wasOpen = database.isOpen()
  const written = await run(place, (store) => {
    free(store, lane, gone, sent)
    return putNew(store, unsaved)
  })
  if (written?.isDone) {
    client.settle(unsaved.map(({ id }) => id))
    return
  }
  // The database will not have them: they are sent from memory, but for what ended meanwhile.
  const rest = unsaved.filter(({ id }) => !writer.hasEnded(id))
  for (const row of rest) {
    const known = queue.get(row.id)
    if (known) known.isStored = false
    else if (row.due !== held) queue.add(newEntry(row, encode(row.hit), false))
  }
  // One that is only slow may take them all the same.
  if (wasOpen) writer.doubt(rest.map(({ id }) => id))
  writer.put(rest)
}
