// The list. Of thousands of rows, all of one height, only those that can be seen are in the page; one
// of them may be open. It stays where the reader is: what is new goes in above.
import { el, find, setText } from './dom.ts'
import type { Row } from './row.ts'
import { type RowView, createRowView } from './row-view.ts'
import type { ShownRow } from './selection.ts'

/** Rows above and below those that are seen, so that scrolling finds them there. */
const spare = 8
const pageOfRows = 10

export function createList(endpoint: () => string) {
  const list = find('#rows', HTMLOListElement)
  const scroller = find('#scroller', HTMLElement)
  const newest = find('#newest', HTMLButtonElement)
  const empty = find('#empty', HTMLElement)
  const emptyTitle = find('#empty-title', HTMLElement)
  const emptySays = find('#empty-says', HTMLElement)
  const before = el('li', { className: 'space', ariaHidden: 'true' })
  const after = el('li', { className: 'space', ariaHidden: 'true' })
  list.append(before, after)
  for (const space of [before, after]) space.role = 'presentation'

  const views = new Map<Row, RowView>()
  let rows: ShownRow[] = []
  let state = { now: 0, roadOpensAt: 0 }
  let openRow: Row | undefined
  let activeRow: Row | undefined
  let openExtra = 0

  // Looked up once for each drawing: there may be thousands of rows.
  let height = 0
  let openIndex = -1
  let activeIndex = -1
  function findPlaces(): void {
    height = Number.parseFloat(getComputedStyle(list).getPropertyValue('--row'))
    openIndex = indexOf(openRow)
    activeIndex = indexOf(activeRow)
  }
  const indexOf = (wanted: Row | undefined) => rows.findIndex(({ row }) => row === wanted)
  /** Narrow, the page scrolls as a whole. */
  const scrolled = () =>
    scroller.scrollHeight > scroller.clientHeight + 1 &&
    getComputedStyle(scroller).overflowY === 'auto'
      ? scroller
      : (document.scrollingElement ?? scroller)

  /** How far down the list the reader looks, and how much of it. */
  function viewport(): { from: number; height: number } {
    const frame = scroller.getBoundingClientRect()
    const top = Math.max(0, frame.top + scroller.clientTop)
    const height = Math.max(0, Math.min(innerHeight, frame.bottom) - top)
    return { from: top - list.getBoundingClientRect().top, height }
  }

  /** Where a row begins, in pixels of the list. */
  function topOf(index: number): number {
    return index * height + (openIndex >= 0 && openIndex < index ? openExtra : 0)
  }

  function range(): [number, number] {
    const { from, height: seen } = viewport()
    const openEnd = (openIndex + 1) * height
    const at = (y: number) => {
      const isBelow = openIndex >= 0 && y > openEnd
      return Math.floor((isBelow ? Math.max(openEnd, y - openExtra) : y) / height)
    }
    const first = Math.max(0, Math.min(rows.length, at(from) - spare))
    return [first, Math.max(first, Math.min(rows.length, at(from + seen) + 1 + spare))]
  }

  function viewOf({ row }: ShownRow): RowView {
    const known = views.get(row)
    if (known) return known
    const view = createRowView(endpoint)
    view.button.onclick = () => toggle(row)
    view.button.onfocus = () => activate(row)
    views.set(row, view)
    return view
  }

  function draw(): void {
    findPlaces()
    const [first, end] = range()
    const indexes = Array.from({ length: end - first }, (_, index) => first + index)
    // What has the focus, or is open, stays in the page wherever the reader has gone.
    const extra = [...new Set([activeIndex, openIndex])].filter(
      (index) => index >= 0 && (index < first || index >= end),
    )
    const drawn = new Set([...indexes, ...extra])
    const shownRows = new Set([...drawn].map((index) => rows[index]?.row))
    for (const [row, view] of views) {
      if (shownRows.has(row)) continue
      view.element.remove()
      views.delete(row)
    }
    before.style.height = `${topOf(first)}px`
    after.style.height = `${topOf(rows.length) - topOf(end)}px`
    // Where none was reached yet, the first that can be seen is.
    const firstSeen = first === 0 ? 0 : Math.min(first + spare, end - 1)
    const reached = activeIndex < 0 ? firstSeen : activeIndex
    let next: Element | null = before.nextElementSibling
    for (const index of [...drawn].sort((a, b) => a - b)) {
      const shown = rows[index]
      if (!shown) continue
      const { element, button, update, setOpen } = viewOf(shown)
      const isAway = index < first || index >= end
      element.classList.toggle('away', isAway)
      element.style.top = isAway ? `${topOf(index)}px` : ''
      element.ariaPosInSet = String(index + 1)
      element.ariaSetSize = String(rows.length)
      button.tabIndex = index === reached ? 0 : -1
      update(shown, state.now, state.roadOpensAt)
      setOpen(shown.row === openRow)
      if (element === next) next = next.nextElementSibling
      else list.insertBefore(element, next)
    }
    const open = openRow === undefined ? undefined : views.get(openRow)
    openExtra = open ? open.element.offsetHeight - height : 0
    newest.hidden = viewport().from < 20
  }

  function activate(row: Row): void {
    if (activeRow !== undefined) {
      const view = views.get(activeRow)
      if (view) view.button.tabIndex = -1
    }
    activeRow = row
    const view = views.get(row)
    if (view) view.button.tabIndex = 0
  }

  function toggle(row: Row): void {
    openRow = openRow === row ? undefined : row
    activate(row)
    draw()
    const element = views.get(row)?.element
    if (openRow === undefined || !element) return
    draw()
    // As much of it as there is room for.
    element.scrollIntoView({ block: 'nearest' })
    if (element.offsetHeight > viewport().height / 2) element.scrollIntoView({ block: 'start' })
    draw()
  }

  /** Goes to a row, wherever it is. */
  function go(index: number): void {
    const position = Math.max(0, Math.min(rows.length - 1, index))
    const target = rows[position]
    if (!target) return
    const { from, height: seen } = viewport()
    const top = topOf(position)
    const bottom = top + height
    if (top < from) scrolled().scrollTop -= from - top
    else if (bottom > from + seen) scrolled().scrollTop += bottom - from - seen
    activeRow = target.row
    draw()
    views.get(target.row)?.button.focus({ preventScroll: true })
  }

  list.addEventListener('keydown', (event) => {
    const { target, key, altKey, ctrlKey, metaKey } = event
    if (!(target instanceof HTMLElement) || !target.classList.contains('row')) return
    if (altKey || ctrlKey || metaKey) return
    const at = indexOf(activeRow)
    const moves: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      PageDown: at + pageOfRows,
      PageUp: at - pageOfRows,
      Home: 0,
      End: rows.length - 1,
    }
    const to = moves[key]
    if (to === undefined) return
    event.preventDefault()
    go(to)
  })
  let isAsked = false
  const redraw = () => {
    if (isAsked) return
    isAsked = true
    requestAnimationFrame(() => {
      isAsked = false
      draw()
    })
  }
  scroller.addEventListener('scroll', redraw, { passive: true })
  window.addEventListener('scroll', redraw, { passive: true })
  new ResizeObserver(redraw).observe(scroller)
  newest.onclick = () => go(0)

  return {
    /** Shows these rows; with `anew` from the first one on. */
    show(next: ShownRow[], now: number, roadOpensAt: number, anew: boolean): void {
      const isScrolled = viewport().from > 0
      const first = isScrolled ? Math.max(0, Math.min(range()[0] + spare, rows.length - 1)) : 0
      const top = rows[first]
      const isReading = !anew && (isScrolled || openRow !== undefined)
      const place = topOf(first)
      rows = next
      state = { now, roadOpensAt }
      if (anew && isScrolled) scrolled().scrollTop -= viewport().from
      draw()
      if (isReading && top) {
        const index = indexOf(top.row)
        const moved = index < 0 ? 0 : topOf(index) - place
        if (moved !== 0) {
          scrolled().scrollTop += moved
          draw()
        }
      }
    },
    /** What is said instead of rows. */
    showEmpty(isEmpty: boolean, title: string, hasHelp: boolean): void {
      empty.hidden = !isEmpty
      setText(emptyTitle, title)
      emptySays.hidden = !hasHelp
    },
  }
}
