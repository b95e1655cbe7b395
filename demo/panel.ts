// The left side: what a person does.
import { el, find, findAll, setText } from './inspector/dom.ts'
import type { Host } from './host.ts'
import { type Person, customerName, people } from './people.ts'

const burstSize = 500
const features = ['Report exported', 'Teammate invited', 'Invoice sent', 'Search used']

type Analytics = Host['analytics']

/** Signs a person in, for one of their customers. Somebody else signs out first. */
function signIn(analytics: Analytics, person: Person, customer: string): void {
  const before = analytics.user().id()
  if (before && before !== person.id) analytics.reset()
  const { name, email } = person
  void analytics.identify(person.id, { name, email, groupId: customer })
  void analytics.group(customer, { name: customerName(customer) })
}

/** Shows the people; what is returned brings them to life. */
export function showPeople(): (analytics: Analytics) => void {
  const entry = (who: string, what: string, dataset: Record<string, string>) => {
    const button = el('button', {}, el('span', {}, who), el('span', { className: 'aside' }, what))
    Object.assign(button.dataset, dataset)
    return button
  }
  const accounts = people.flatMap((person) =>
    person.customers.map((customer) => ({
      button: entry(person.name, customerName(customer), { user: person.id, customer }),
      choose: (analytics: Analytics) => signIn(analytics, person, customer),
    })),
  )
  const nobody = {
    button: entry('Nobody', 'reset()', {}),
    choose: (analytics: Analytics) => analytics.reset(),
  }
  const all = [...accounts, nobody]
  find('#people', HTMLUListElement).replaceChildren(
    ...all.map(({ button }) => el('li', {}, button)),
  )

  return (analytics) => {
    function show(): void {
      const id = analytics.user().id() ?? undefined
      const customer = analytics.group().id() ?? undefined
      for (const { button } of all) {
        const { dataset } = button
        const isCurrent = dataset['user'] === id && (!id || dataset['customer'] === customer)
        button.ariaPressed = String(isCurrent)
      }
    }

    for (const { button, choose } of all) {
      button.onclick = () => {
        choose(analytics)
        show()
      }
    }
    // What the form below does, too.
    analytics.on('identify', show)
    analytics.on('group', show)
    show()
  }
}

type Draft = { method: string; values: string[]; make: () => void }

/** The call that the form describes. */
function draftCall(analytics: Analytics): Draft {
  const field = (id: string) => find(`#${id}`, HTMLInputElement).value.trim()
  const method = find('#method', HTMLSelectElement).value
  const quote = (text: string) => JSON.stringify(text)
  switch (method) {
    case 'identify': {
      const traits = Object.fromEntries(
        Object.entries({ email: field('email'), groupId: field('group-id') }).filter(
          ([, value]) => value !== '',
        ),
      )
      const id = field('user-id')
      const written = Object.entries(traits).map(([name, value]) => `${name}: ${quote(value)}`)
      return {
        method,
        values: [...(id ? [quote(id)] : []), `{ ${written.join(', ')} }`],
        make: () => void (id ? analytics.identify(id, traits) : analytics.identify(traits)),
      }
    }
    case 'group': {
      const id = field('group-id')
      return { method, values: [quote(id)], make: () => void analytics.group(id) }
    }
    case 'page':
    case 'screen': {
      const category = field('category')
      const name = field('name')
      // With one text Segment takes it for the name.
      const names = category ? [category, name] : name ? [name] : []
      return {
        method,
        values: names.map(quote),
        make: () => void analytics[method](...(names as [string?, string?])),
      }
    }
    default: {
      const event = field('event')
      return { method, values: [quote(event)], make: () => void analytics.track(event) }
    }
  }
}

export function wireCalls(analytics: Analytics): void {
  for (const button of findAll('#samples button', HTMLButtonElement)) {
    const name = button.dataset['name'] ?? ''
    button.onclick = () => {
      if (button.value === 'page') void analytics.page(name)
      else if (button.value === 'screen') void analytics.screen(name)
      else void analytics.track(name)
    }
  }

  const form = find('#call', HTMLFormElement)
  function show(): void {
    const { method, values } = draftCall(analytics)
    for (const row of findAll('[data-for]', HTMLElement, form)) {
      row.hidden = !row.dataset['for']?.split(' ').includes(method)
    }
    setText(find('#preview', HTMLElement), `analytics.${method}(${values.join(', ')})`)
  }
  form.oninput = show
  form.onsubmit = (submission) => {
    submission.preventDefault()
    draftCall(analytics).make()
  }
  show()
}

export function wireTab({ analytics, plugin }: Host): void {
  const busyWhile = (button: HTMLButtonElement, work: () => Promise<void>) => {
    button.onclick = () => {
      button.disabled = true
      void work().finally(() => {
        button.disabled = false
      })
    }
  }
  find('#burst', HTMLButtonElement).onclick = () => {
    for (let number = 0; number < burstSize; number += 1) {
      void analytics.track(features[number % features.length] ?? '')
    }
  }
  find('#reload', HTMLButtonElement).onclick = () => location.reload()
  find('#second', HTMLAnchorElement).href = location.href
  busyWhile(find('#flush', HTMLButtonElement), () => plugin.flush())
  busyWhile(find('#clear', HTMLButtonElement), () => plugin.clear())

  const offline = find('#offline', HTMLInputElement)
  const show = () => {
    offline.checked = !navigator.onLine
  }
  // A page cannot cut its own network, but it can be told what a browser without one tells it.
  offline.onchange = () => {
    if (offline.checked)
      Object.defineProperty(navigator, 'onLine', { value: false, configurable: true })
    else Reflect.deleteProperty(navigator, 'onLine')
    window.dispatchEvent(new Event(navigator.onLine ? 'online' : 'offline'))
  }
  window.addEventListener('online', show)
  window.addEventListener('offline', show)
  show()
}
