// An opened row: each hit's way, its fields with where they came from, and the request.
import type { Hit } from 'skalin-analytics-plugin'
import { curlCommand } from './curl.ts'
import { el, setText } from './dom.ts'
import type { Row, Way } from './ledger.ts'
import { provenance } from './provenance.ts'
import { clockTime, stepsOf } from './words.ts'

async function copy(button: HTMLElement, source: HTMLElement): Promise<void> {
  try {
    await navigator.clipboard.writeText(source.textContent)
    setText(button, 'Copied')
  } catch {
    // Not allowed here: select it, so that the person can.
    getSelection()?.selectAllChildren(source)
    setText(button, 'Selected: copy it yourself')
  }
  button.onblur = () => setText(button, 'Copy as curl')
}

function fieldTable(hit: Hit, sources: Record<string, string>): HTMLElement {
  const rows = Object.entries(hit).map(([name, value]) =>
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

function createWayView(way: Way, row: Row, endpoint: string) {
  const steps = el('ol', { className: 'steps' })
  const fields = el('div')
  const command = el('pre', { className: 'body', tabIndex: 0, ariaLabel: 'Request, as curl' })
  const button = el('button', { className: 'quiet' }, 'Copy as curl')
  button.onclick = () => void copy(button, command)
  const element = el(
    'section',
    { className: 'way' },
    el(
      'div',
      { className: 'head' },
      el(
        'h3',
        {},
        way.hit.action === 'ui' ? 'Hit: who it is' : 'Hit: feature used',
        ...(way.introduces ? [el('span', { className: 'aside' }, 'made first, once a visit')] : []),
      ),
      button,
    ),
    steps,
    fields,
    command,
  )
  let shown = ''

  return {
    element,
    update(now: Way): void {
      const items = stepsOf(now, row).map(({ at, text, detail }) =>
        el(
          'li',
          {},
          el('time', {}, clockTime(at)),
          el('span', {}, el('b', {}, text), detail ? ` ${detail}` : ''),
        ),
      )
      steps.replaceChildren(...items)
      const wire = new URLSearchParams(now.hit).toString()
      if (wire === shown) return
      shown = wire
      fields.replaceChildren(fieldTable(now.hit, provenance(now.hit, row.call, now.introduces)))
      setText(command, curlCommand(endpoint, wire))
    },
  }
}

/** The opened part of a row; `update` keeps what the reader has opened, selected or focused. */
export function createDetail(endpoint: string) {
  const ways = new Map<string, ReturnType<typeof createWayView>>()
  const plain = el('p', { className: 'hint' })
  const event = el('pre', { className: 'body', tabIndex: 0, ariaLabel: 'Segment event' })
  const source = el('details', { className: 'event' }, el('summary', {}, 'Segment’s event'), event)
  const element = el('div', { className: 'detail' }, plain, source)

  return {
    element,
    update(row: Row, note: string): void {
      plain.hidden = row.ways.length > 0
      setText(plain, note === '' ? 'No hit was made of it yet.' : `No hit was made of it: ${note}.`)
      for (const way of row.ways) {
        let view = ways.get(way.hit.event_id)
        if (!view) {
          view = createWayView(way, row, endpoint)
          ways.set(way.hit.event_id, view)
          source.before(view.element)
        }
        view.update(way)
      }
      source.hidden = row.call === undefined
      if (row.call) setText(event, JSON.stringify(row.call.ctx.event, undefined, 2))
    },
  }
}
