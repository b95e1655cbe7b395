// The right side: counters, and a row for each call.
import { createDetail } from './detail.ts'
import { el, find, setText } from './dom.ts'
import { type Kind, type Ledger, type Row, type Tally, kinds, statusOf } from './ledger.ts'
import { clockTime, kindLabels, noteOf, titleOf } from './words.ts'

/** More rows in the page would only make it slow: nobody reads them all. */
const shownRows = 200

export type Counters = { show: (tally: Tally) => void; filter: () => Kind | undefined }

/** The counters, which also choose what the list shows. */
export function createCounters(onFilter: () => void): Counters {
  let filter: Kind | undefined
  const numbers = new Map<Kind | 'calls', HTMLElement>()
  const buttons = (['calls', ...kinds] as const).map((kind) => {
    const number = el('span', { className: 'number none' }, '0')
    numbers.set(kind, number)
    const button = el(
      'button',
      { ariaPressed: String(kind === 'calls') },
      number,
      el('span', { className: 'label' }, kind === 'calls' ? 'Calls' : kindLabels[kind]),
    )
    button.dataset['kind'] = kind
    button.onclick = () => {
      filter = kind === 'calls' || filter === kind ? undefined : kind
      for (const each of buttons) {
        each.ariaPressed = String(each.dataset['kind'] === (filter ?? 'calls'))
      }
      onFilter()
    }
    return button
  })
  find('#counters', HTMLElement).replaceChildren(...buttons)

  const spoken = find('#spoken', HTMLElement)
  let speaking: ReturnType<typeof setTimeout> | undefined

  return {
    filter: () => filter,
    show(tally) {
      for (const [kind, number] of numbers) {
        setText(number, String(tally[kind]))
        number.classList.toggle('none', tally[kind] === 0)
      }
      // A screen reader hears where it all came to rest, not every step.
      const text = `${tally.calls} calls: ${kinds.map((kind) => `${tally[kind]} ${kind}`).join(', ')}`
      if (text === spoken.textContent) return
      clearTimeout(speaking)
      speaking = setTimeout(() => setText(spoken, text), 1000)
    },
  }
}

type RowView = {
  element: HTMLLIElement
  update: (row: Row, now: number, roadOpensAt: number) => void
  isOpen: () => boolean
}

function createRowView(
  row: Row,
  endpoint: string,
  scroller: HTMLElement,
  onToggle: () => void,
): RowView {
  const mark = el('span', { className: 'mark' })
  const status = el('span', { className: 'status' })
  const method = el('span', { className: 'method' })
  const name = el('span', { className: 'name' })
  const customer = el('span', { className: 'customer' })
  const note = el('span', { className: 'note' })
  const time = el('time', {}, clockTime(row.at))
  const button = el(
    'button',
    { className: 'row', ariaExpanded: 'false' },
    time,
    mark,
    status,
    method,
    name,
    customer,
    note,
  )
  mark.ariaHidden = 'true'
  const element = el('li', {}, button)
  const state = { row, now: 0, roadOpensAt: 0 }
  let detail: ReturnType<typeof createDetail> | undefined
  let version = -1

  button.onclick = () => {
    if (detail) {
      detail.element.remove()
      detail = undefined
    } else {
      detail = createDetail(endpoint)
      element.append(detail.element)
      detail.update(state.row, noteOf(state.row, state.now, state.roadOpensAt))
      // As much of it as there is room for.
      element.scrollIntoView({ block: 'nearest' })
      if (detail.element.offsetHeight > scroller.clientHeight / 2) element.scrollIntoView()
    }
    button.ariaExpanded = String(detail !== undefined)
    onToggle()
  }

  return {
    element,
    isOpen: () => detail !== undefined,
    update(next, now, roadOpensAt) {
      const { kind } = statusOf(next, now)
      const moves = kind === 'waiting' || kind === 'sending'
      if (next.version === version && !moves && element.dataset['kind'] === kind) return
      Object.assign(state, { row: next, now, roadOpensAt })
      const words = noteOf(next, now, roadOpensAt)
      element.dataset['kind'] = kind
      setText(status, kindLabels[kind])
      setText(
        note,
        next.origin === 'here' ? words : ['another tab', words].filter(Boolean).join(', '),
      )
      if (next.version === version) return
      version = next.version
      const title = titleOf(next)
      setText(method, title.method)
      setText(name, title.name)
      setText(customer, title.customer)
      detail?.update(next, words)
    },
  }
}

/** The list. It stays where the reader is: what is new goes in above. */
export function createList(ledger: Ledger, endpoint: string, filter: () => Kind | undefined) {
  const list = find('#rows', HTMLOListElement)
  const scroller = find('#scroller', HTMLElement)
  const newest = find('#newest', HTMLButtonElement)
  const more = find('#more', HTMLElement)
  const empty = find('#empty', HTMLElement)
  const emptyTitle = find('#empty-title', HTMLElement)
  const emptySays = find('#empty-says', HTMLElement)
  const views = new Map<string, RowView>()

  const showNewest = () => {
    newest.hidden = scroller.scrollTop < 20
  }
  scroller.onscroll = showNewest
  newest.onclick = () => {
    scroller.scrollTop = 0
    list.querySelector('button')?.focus()
  }

  return {
    show(now: number): void {
      const chosen = filter()
      const all = ledger.rows()
      const matching = chosen ? all.filter((row) => statusOf(row, now).kind === chosen) : all
      const wanted = matching.slice(0, shownRows)
      const ids = new Set(wanted.map(({ id }) => id))
      for (const [id, view] of views) {
        if (ids.has(id)) continue
        view.element.remove()
        views.delete(id)
      }

      const isReading = scroller.scrollTop > 0 || [...views.values()].some((view) => view.isOpen())
      const before = list.offsetHeight
      const top = list.firstElementChild
      let next: Element | null = list.firstElementChild
      const roadOpensAt = ledger.roadOpensAt()
      for (const row of wanted) {
        let view = views.get(row.id)
        if (!view) {
          view = createRowView(row, endpoint, scroller, showNewest)
          views.set(row.id, view)
        }
        view.update(row, now, roadOpensAt)
        if (view.element === next) next = next.nextElementSibling
        else list.insertBefore(view.element, next)
      }
      if (isReading && list.firstElementChild !== top) {
        scroller.scrollTop += list.offsetHeight - before
      }

      empty.hidden = wanted.length > 0
      const isFiltered = chosen !== undefined && all.length > 0
      setText(emptyTitle, isFiltered ? `No call is ${chosen}` : 'No calls yet')
      emptySays.hidden = isFiltered
      more.hidden = matching.length <= shownRows
      setText(more, `The newest ${shownRows} of ${matching.length} are shown.`)
    },
  }
}

export type Fact = { label: string; value: string }

export function showContext(facts: Fact[]): void {
  const list = find('#context', HTMLElement)
  if (list.childElementCount === 0) {
    list.append(...facts.map(({ label }) => el('div', {}, el('dt', {}, label), el('dd'))))
  }
  facts.forEach(({ value }, index) => {
    const shown = list.children[index]?.querySelector('dd')
    if (shown) setText(shown, value)
  })
}
