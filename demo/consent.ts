import type { MiddlewareFunction } from '@segment/analytics-next'
import { find, findAll } from './inspector/dom.ts'
import { withParam } from './params.ts'

const category = 'Analytics'
const saved = 'skalin-demo:consent'

/** `undefined` until the visitor has chosen. */
function choice(): boolean | undefined {
  const text = localStorage.getItem(saved)
  return text === null ? undefined : text === 'yes'
}

/** Stamps each event with the choice, as Segment's consent tools do; undecided, with nothing. */
export const stamp: MiddlewareFunction = ({ payload, next }) => {
  const given = choice()
  if (given !== undefined) {
    const context = (payload.obj.context ??= {}) as Record<string, unknown>
    context['consent'] = { categoryPreferences: { [category]: given } }
  }
  next(payload)
}

/**
 * The banner and the switches. With `isAsked` the plugin was given `consent`; `onChange` is told of a
 * choice.
 */
export function wireConsent(isAsked: boolean, onChange: () => void): void {
  const asks = find('#consent-asked', HTMLInputElement)
  const allowed = find('#consent-allowed', HTMLInputElement)
  const banner = find('#banner', HTMLElement)

  function show(): void {
    allowed.checked = choice() ?? false
    allowed.disabled = !isAsked
    banner.hidden = !isAsked || choice() !== undefined
  }

  function choose(yes: boolean): void {
    localStorage.setItem(saved, yes ? 'yes' : 'no')
    show()
    onChange()
  }

  asks.checked = isAsked
  asks.onchange = () => {
    // The plugin takes its settings once: another page, and whoever asks anew has no answer yet.
    localStorage.removeItem(saved)
    location.href = withParam(location.href, 'consent', asks.checked ? 'on' : undefined)
  }
  allowed.onchange = () => choose(allowed.checked)
  for (const button of findAll('button', HTMLButtonElement, banner)) {
    button.onclick = () => {
      choose(button.value === 'yes')
      allowed.focus()
    }
  }
  // Another tab's choice.
  window.addEventListener('storage', show)
  show()
}
