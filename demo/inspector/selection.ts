// Pure: which rows are shown, and what there is to choose from.
import type { Ledger } from './ledger.ts'
import type { Row } from './row.ts'
import { type Kind, type Status, type Tally, isOpen, statusOf } from './status.ts'
import { type Who, type WhoColumn, whoColumns, whoOf } from './who.ts'

/** What is asked for in each column; `undefined` for anything. */
export type Wanted = { [Column in WhoColumn]?: string | undefined }

export type Choice = { kind: Kind | undefined; who: Wanted }

/** The values of each column, with the number of rows that have them. */
export type Values = Record<WhoColumn, Map<string, number>>

export type ShownRow = { row: Row; status: Status; who: Who }

export type Selection = { tally: Tally; values: Values; rows: ShownRow[] }

type Known = { version: number; who: Who; status: Status }

/** All rows are looked at each time the list is drawn, and most have not changed. */
const cache = new WeakMap<Row, Known>()

function look(row: Row, now: number): Known {
  const found = cache.get(row)
  const isSame = found?.version === row.version
  // How far it is depends on the time for as long as it is under way.
  if (isSame && !isOpen(found.status.kind)) return found
  const { version } = row
  const known = { version, who: isSame ? found.who : whoOf(row), status: statusOf(row, now) }
  cache.set(row, known)
  return known
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
    const { status, who } = look(row, now)
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
