import { type Note, createNote } from '../browser/note.ts'
import { type ClientState, parseClientState } from './client.ts'
import { type EndpointState, parseEndpointState } from './endpoint.ts'
import { second } from './limits.ts'

/** What tabs tell each other by `localStorage`. */
export type Notes = {
  endpoint: Note<EndpointState>
  client: Note<ClientState>
  /** Another tab has changed this key; `null` stands for all. Returns whether it is the client id's. */
  refresh: (key: string | null) => boolean
}

/** A change is told by an event. Should one not come, a note is read again after this. */
const freshMs = 5 * second

export function createNotes(options: {
  clientId: string
  endpoint: string
  /** Without it, they stay in memory. */
  persistent: boolean
  hash: (text: string) => string
}): Notes {
  const { clientId, endpoint, persistent, hash } = options
  const storage = persistent ? () => localStorage : undefined
  const endpointKey = `skalin:endpoint:${hash(endpoint)}`
  const clientKey = `skalin:client:${hash(clientId)}`
  const notes = {
    endpoint: createNote(storage, endpointKey, parseEndpointState, freshMs),
    client: createNote(storage, clientKey, parseClientState, freshMs),
  }

  return {
    ...notes,
    refresh(key) {
      if (key === endpointKey || key === null) notes.endpoint.read('now')
      const isClients = key === clientKey || key === null
      if (isClients) notes.client.read('now')
      return isClients
    },
  }
}
