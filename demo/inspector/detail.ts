// An opened row: each hit's way, its fields with where they came from, and the request.
import { curlCommand, testLine } from './copies.ts'
import { el, setText } from './dom.ts'
import type { Arrival, Fields } from './messages.ts'
import { provenance } from './provenance.ts'
import type { Row, Way } from './row.ts'
import { clockTime, stepsOf } from './words.ts'

/** A button that copies what `text` gives, by way of an element where copying is not allowed. */
export function copyButton(label: string, text: () => string, source: HTMLElement): HTMLElement {
  const button = el('button', { className: 'quiet' }, label)
  button.onclick = async () => {
    try {
      await navigator.clipboard.writeText(text())
      setText(button, 'Copied')
    } catch {
      setText(source, text())
      getSelection()?.selectAllChildren(source)
      setText(button, 'Selected: copy it yourself')
    }
  }
  button.onblur = () => setText(button, label)
  return button
}

/** The fields, in the order in which they came. */
function fieldTable(hit: Fields, sources: Record<string, string>): HTMLElement {
  const rows = Object.entries(hit).map(([name, value = '']) =>
    el(
      'tr',
      {},
      el('th', { scope: 'row' }, name),
      el('td', { className: 'value' }, value),
      el('td', { className: 'source' }, sources[name] ?? ''),
    ),
  )
  return el(
    'table',
    { className: 'fields' },
    el('caption', { className: 'unseen' }, 'Fields of the hit'),
    el(
      'thead',
      { className: 'unseen' },
      el(
        'tr',
        {},
        ...['Field', 'Value', 'Where it came from'].map((title) =>
          el('th', { scope: 'col' }, title),
        ),
      ),
    ),
    el('tbody', {}, ...rows),
  )
}

/** What of a request that is no hit can be shown. */
function requestText({ method, url, headers, body }: Arrival): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`)
  return [`${method} ${url}`, ...lines, '', body].join('\n')
}

const headingOf = (way: Way) => {
  if (way.hit['action'] === undefined) return 'Request'
  return way.hit['action'] === 'ui' ? 'Hit: who it is' : 'Hit: feature used'
}

function createWayView(way: Way, endpoint: () => string) {
  const heading = el('h3')
  const steps = el('ol', { className: 'steps' })
  const fields = el('div')
  const request = el('pre', { className: 'body', tabIndex: 0, ariaLabel: 'Request' })
  let now = way
  const wire = () =>
    now.arrivals.at(-1)?.body ?? new URLSearchParams(now.hit as Record<string, string>).toString()
  const curl = () => curlCommand(endpoint(), wire())
  const element = el(
    'section',
    { className: 'way' },
    el(
      'div',
      { className: 'head' },
      heading,
      el(
        'div',
        { className: 'copies' },
        copyButton('Copy as curl', curl, request),
        copyButton('Copy as test', () => testLine(now.hit), request),
      ),
    ),
    steps,
    fields,
    request,
  )
  request.role = 'group'
  let shown: string | undefined

  return {
    element,
    update(next: Way, row: Row): void {
      now = next
      const items = stepsOf(next, row).map(({ at, text, detail }) =>
        el(
          'li',
          {},
          el('time', {}, clockTime(at)),
          el('span', {}, el('b', {}, text), detail ? ` ${detail}` : ''),
        ),
      )
      steps.replaceChildren(...items)
      const [first] = next.arrivals
      const isHit = next.hit['event_id'] !== undefined
      const text = !isHit && first ? requestText(first) : curl()
      // The page may tell of the call when the row is open already.
      const sources = isHit ? provenance(next.hit, row.call, next.introduces) : {}
      const whole = [text, ...Object.values(sources)].join('\n')
      if (whole === shown) return
      shown = whole
      const aside = el('span', { className: 'aside' }, 'made first, once a visit')
      heading.replaceChildren(headingOf(next), ...(next.introduces ? [aside] : []))
      const table = fieldTable(next.hit, sources)
      fields.replaceChildren(...(Object.keys(next.hit).length > 0 ? [table] : []))
      setText(request, text)
    },
  }
}

/** The opened part of a row; `update` keeps what the reader has opened, selected or focused. */
export function createDetail(endpoint: () => string) {
  const ways = new Map<string, ReturnType<typeof createWayView>>()
  const plain = el('p', { className: 'hint' })
  const event = el('pre', { className: 'body', tabIndex: 0, ariaLabel: 'Segment event' })
  event.role = 'group'
  const source = el('details', { className: 'event' }, el('summary', {}, 'Segment’s event'), event)
  const element = el('div', { className: 'detail' }, plain, source)

  return {
    element,
    update(row: Row, note: string): void {
      plain.hidden = row.ways.length > 0
      setText(plain, note === '' ? 'No hit was made of it yet.' : `No hit was made of it: ${note}.`)
      for (const way of row.ways) {
        let view = ways.get(way.key)
        if (!view) {
          view = createWayView(way, endpoint)
          ways.set(way.key, view)
          source.before(view.element)
        }
        view.update(way, row)
      }
      source.hidden = row.call === undefined
      if (row.call) setText(event, JSON.stringify(row.call.event, undefined, 2))
    },
  }
}
