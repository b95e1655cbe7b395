// The features that hits report, and a box to try paths in.
import { el, find, setText } from './dom.ts'
import { type Feature, featuresOf, namePaths } from './features.ts'
import type { Ledger } from './ledger.ts'

/** More would make the page slow; the most used come first. */
const maxShown = 200

const plural = (count: number, one: string) => `${count} ${one}${count === 1 ? '' : 's'}`

function entry({ name, count, better }: Feature): HTMLLIElement {
  const item = el('li', {}, el('span', { className: 'count' }, String(count)), el('span', {}, name))
  if (better !== undefined) {
    item.classList.add('marked')
    item.append(el('span', { className: 'better' }, `holds an identifier; better: ${better}`))
  }
  return item
}

/** Shows the features while they are open, and wires the box of paths. */
export function createFeatures(ledger: Ledger): { show: () => void } {
  const details = find('#features', HTMLDetailsElement)
  const list = find('#feature-list', HTMLOListElement)
  const says = find('#feature-says', HTMLElement)
  const paths = find('#paths', HTMLTextAreaElement)
  const patterns = find('#patterns', HTMLTextAreaElement)
  let shown: string | undefined

  function show(): void {
    if (!details.open) return
    const features = featuresOf(ledger.rows().values())
    const text = JSON.stringify(features)
    if (text === shown) return
    shown = text
    const marked = features.filter(({ better }) => better !== undefined).length
    setText(
      says,
      features.length === 0
        ? 'No hit has reported a feature yet.'
        : `${plural(features.length, 'feature')}, of which ${marked} ${marked === 1 ? 'has' : 'have'} an identifier in the name: each record makes one.`,
    )
    list.replaceChildren(...features.slice(0, maxShown).map(entry))
  }

  function explain(): void {
    const { named, unread } = namePaths(paths.value, patterns.value)
    find('#path-names', HTMLElement).replaceChildren(
      ...named.map(({ path, name, byPattern }) =>
        el(
          'li',
          {},
          el('code', {}, path),
          el('code', { className: byPattern ? 'by-pattern' : '' }, name),
        ),
      ),
    )
    setText(
      find('#path-says', HTMLElement),
      unread.length > 0 ? `No route pattern: ${unread.join(', ')}` : '',
    )
  }

  details.ontoggle = show
  paths.oninput = patterns.oninput = explain
  explain()
  return { show }
}
