// The counters, which also choose what the list shows.
import { el, find, setText } from './dom.ts'
import { type Kind, type Tally, kinds } from './status.ts'
import { kindLabels } from './words.ts'

export type Counters = { show: (tally: Tally) => void; kind: () => Kind | undefined }

export function createCounters(onChoice: () => void): Counters {
  let chosen: Kind | undefined
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
      chosen = kind === 'calls' || chosen === kind ? undefined : kind
      for (const each of buttons) {
        each.ariaPressed = String(each.dataset['kind'] === (chosen ?? 'calls'))
      }
      onChoice()
    }
    return button
  })
  find('#counters', HTMLElement).replaceChildren(...buttons)

  const spoken = find('#spoken', HTMLElement)
  let speaking: ReturnType<typeof setTimeout> | undefined
  let last = ''

  return {
    kind: () => chosen,
    show(tally) {
      for (const [kind, number] of numbers) {
        setText(number, String(tally[kind]))
        number.classList.toggle('none', tally[kind] === 0)
      }
      // A screen reader hears where it all came to rest, not every step.
      const text = `${tally.calls} calls: ${kinds.map((kind) => `${tally[kind]} ${kind}`).join(', ')}`
      if (text === last) return
      last = text
      clearTimeout(speaking)
      speaking = setTimeout(() => setText(spoken, text), 1000)
    },
  }
}
