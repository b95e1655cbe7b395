// A row of the list, and what it opens to.
import { createDetail } from './detail.ts'
import { el, setText } from './dom.ts'
import type { ShownRow } from './selection.ts'
import { isOpen as isUnderWay } from './status.ts'
import { clockTime, kindLabels, noteOf, titleOf } from './words.ts'

export type RowView = {
  element: HTMLLIElement
  button: HTMLButtonElement
  update: (shown: ShownRow, now: number, roadOpensAt: number) => void
  setOpen: (isOpen: boolean) => void
}

/** The first digits of an id are enough to tell ids apart by eye. */
const brief = (id: string) => id.slice(0, 8)

export function createRowView(endpoint: () => string): RowView {
  const cell = (name: string) => el('span', { className: name })
  const mark = cell('mark')
  mark.ariaHidden = 'true'
  const parts = {
    status: cell('status'),
    method: cell('method'),
    name: cell('name'),
    person: cell('person'),
    customer: cell('customer'),
    visit: cell('visit'),
    visitor: cell('visitor'),
    note: cell('note'),
  }
  const time = el('time')
  const button = el(
    'button',
    { className: 'row', ariaExpanded: 'false', tabIndex: -1 },
    time,
    mark,
    ...Object.values(parts),
  )
  const element = el('li', {}, button)
  let detail: ReturnType<typeof createDetail> | undefined
  let shown: ShownRow | undefined
  let words = ''
  let version = -1

  return {
    element,
    button,
    setOpen(isOpen) {
      if (isOpen === (detail !== undefined)) return
      button.ariaExpanded = String(isOpen)
      detail?.element.remove()
      detail = isOpen ? createDetail(endpoint) : undefined
      if (!detail) return
      element.append(detail.element)
      if (shown) detail.update(shown.row, words)
    },
    update(next, now, roadOpensAt) {
      const { row, status, who } = next
      const { kind } = status
      const isSame = row.version === version && element.dataset['kind'] === kind
      if (isSame && !isUnderWay(kind)) return
      shown = next
      words = noteOf(row, status, now, roadOpensAt)
      element.dataset['kind'] = kind
      element.classList.toggle('twice', (status.way?.taken ?? 0) > 1)
      // That it was dropped, only the plugin can say.
      const isRefused = kind === 'dropped' && status.way && !status.way.told
      setText(parts.status, isRefused ? 'Refused' : kindLabels[kind])
      setText(parts.note, words)
      parts.note.title = words
      if (isSame) return
      version = row.version
      const { method, name } = titleOf(row)
      setText(time, clockTime(row.at))
      setText(parts.method, method)
      setText(parts.name, name)
      setText(parts.person, who.person)
      setText(parts.customer, who.customer)
      setText(parts.visit, brief(who.visit))
      setText(parts.visitor, brief(who.visitor))
      detail?.update(row, words)
    },
  }
}
