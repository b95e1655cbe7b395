// Pure: which rows are shown, and what there is to choose from.
import type { Ledger } from './ledger.ts'
import type { Row } from './row.ts'
import { type Kind, type Status, type Tally, statusOf } from './status.ts'
import { type Who, type WhoColumn, whoColumns, whoOf } from './who.ts'

/** What is asked for in each column; `undefined` for anything. */
export type Wanted = { [Column in WhoColumn]?: string | undefined }

export type Choice = { kind: Kind | undefined; who: Wanted }

/** The values of each column, with the number of rows that have them. */
export type Values = Record<WhoColumn, Map<string, number>>

export type ShownRow = { row: Row; status: Status; who: Who }

export type Selection = { tally: Tally; values: Values; rows: ShownRow[] }

/** Who a row is about is asked for each time the list is drawn, and changes only with the row. */
const known = new WeakMap<Row, { version: number; who: Who }>()

function cachedWho(row: Row): Who {
  const found = known.get(row)
  if (found?.version === row.version) return found.who
  const who = whoOf(row)
  known.set(row, { version: row.version, who })
  return who
}

/** The chosen rows, newest first. */
export function select(ledger: Ledger, { kind, who: wanted }: Choice, now: number): Selection {
  const tally = { ...ledger.past() }
  const values: Values = {
    person: new Map(),
    customer: new Map(),
    visit: new Map(),
    visitor: new Map(),
  }
  const rows: ShownRow[] = []
  for (const row of ledger.rows().values()) {
    const status = statusOf(row, now)
    const who = cachedWho(row)
    tally.calls += 1
    tally[status.kind] += 1
    let fits = kind === undefined || status.kind === kind
    for (const column of whoColumns) {
      const value = who[column]
      values[column].set(value, (values[column].get(value) ?? 0) + 1)
      fits &&= wanted[column] === undefined || wanted[column] === value
    }
    if (fits) rows.push({ row, status, who })
  }
  return { tally, values, rows: rows.reverse() }
}
