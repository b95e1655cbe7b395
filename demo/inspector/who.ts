// Pure: whom a row is about.
import type { Row } from './row.ts'

/** Whom a call is about; an empty text is nobody. */
export type Who = { person: string; customer: string; visit: string; visitor: string }
export type WhoColumn = keyof Who
export const whoColumns: WhoColumn[] = ['person', 'customer', 'visit', 'visitor']

const text = (value: unknown): string => (typeof value === 'string' ? value : '')

/** The fields of a JSON object; any other text has none. */
export function jsonFields(json: string | undefined): Record<string, unknown> {
  try {
    return { ...(JSON.parse(json ?? '{}') as object) }
  } catch {
    return {}
  }
}

export function whoOf({ ways, call }: Row): Who {
  const hit = ways.at(-1)?.hit
  const { id, email } = jsonFields(hit?.['identity'])
  return {
    person: text(id) || text(email) || (hit ? '' : text(call?.event['userId'])),
    customer: hit?.['customer_id'] ?? '',
    visit: hit?.['visit_id'] ?? '',
    visitor: hit?.['visitor_id'] ?? '',
  }
}
