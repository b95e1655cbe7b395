// Whom the list is about: a choice for each column.
import { el, find } from './dom.ts'
import type { Values, Wanted } from './selection.ts'
import { type WhoColumn, whoColumns } from './who.ts'

const plurals: Record<WhoColumn, string> = {
  person: 'All persons',
  customer: 'All customers',
  visit: 'All visits',
  visitor: 'All visitors',
}
const nobody = '–'
/** More would make the choice slow, and nobody finds theirs among them. */
const maxOptions = 500

/** Where a browser cannot say whether it is open, having the focus counts as that. */
const openSelector = CSS.supports('selector(:open)') ? ':open' : ':focus'

/** `onChoice` is told of a person's choice. */
export function createFilters(onChoice: () => void) {
  const chosen: Wanted = {}
  const selects = new Map<WhoColumn, HTMLSelectElement>()
  const shown = new Map<WhoColumn, string>()
  for (const column of whoColumns) {
    const select = el('select', { ariaLabel: `Filter by ${column}` })
    select.append(el('option', { value: '*' }, plurals[column]))
    select.onchange = () => {
      // After a sign, so that no id can pass for another choice.
      const { value } = select
      chosen[column] = value === '*' ? undefined : value.slice(1)
      onChoice()
    }
    selects.set(column, select)
  }
  find('#filters', HTMLElement).replaceChildren(...selects.values())

  function showColumn(column: WhoColumn, select: HTMLSelectElement, values: Values): void {
    // Under somebody's hands it does not change.
    if (select === document.activeElement && select.matches(openSelector)) return
    const found = new Map([...values[column]].slice(-maxOptions).reverse())
    const own = chosen[column]
    if (own !== undefined && !found.has(own)) found.set(own, 0)
    const text = [...found].map((entry) => entry.join(' ')).join('\n')
    if (shown.get(column) === text) return
    shown.set(column, text)
    const options = [...found].map(([value, count]) =>
      el('option', { value: `=${value}` }, `${value || nobody} (${count})`),
    )
    select.replaceChildren(el('option', { value: '*' }, plurals[column]), ...options)
    select.value = own === undefined ? '*' : `=${own}`
  }

  return {
    who: (): Wanted => chosen,
    /** Offers what there is: hundreds of values in each column, and so one column a task. */
    show(values: Values): void {
      for (const [column, select] of selects) setTimeout(showColumn, 0, column, select, values)
    },
  }
}
