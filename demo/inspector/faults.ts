// The faults, as radio buttons.
import { find, findAll, setText } from './dom.ts'
import type { Fault } from './messages.ts'

type FaultName = 'healthy' | 'slow' | 'status' | 'rate-limit' | 'hang' | 'unreachable' | 'refuse'

type FaultWords = {
  fault: (feature: string) => Fault
  is: (fault: NonNullable<Fault>) => boolean
  /** What the page's head says of the collector meanwhile. */
  state: string
  /** What it means, in two lines of the panel. */
  says: string
}

const faults: Record<FaultName, FaultWords> = {
  healthy: {
    fault: () => null,
    is: () => false,
    state: 'Collector healthy',
    says: 'Takes every hit at once.',
  },
  slow: {
    fault: () => ({ kind: 'slow', ms: 2000 }),
    is: ({ kind }) => kind === 'slow',
    state: 'Collector slow',
    says: 'Takes every hit and answers after 2 s. A few are sent at a time.',
  },
  status: {
    fault: () => ({ kind: 'status', status: 503 }),
    is: ({ kind, status }) => kind === 'status' && status === 503,
    state: 'Collector answers 503',
    says: 'Hits wait, and are tried again after 1 s, then 2, 4, 8 … up to 7.5 min.',
  },
  'rate-limit': {
    fault: () => ({ kind: 'status', status: 429, retryAfter: 10 }),
    is: ({ kind, status }) => kind === 'status' && status === 429,
    state: 'Collector answers 429',
    says: 'With Retry-After: 10. Nothing is sent before that.',
  },
  hang: {
    fault: () => ({ kind: 'hang', at: 'headers' }),
    is: ({ kind }) => kind === 'hang',
    state: 'Collector hangs',
    says: 'Never answers. The plugin gives up after 10 s, and tries again later.',
  },
  unreachable: {
    fault: () => ({ kind: 'reset' }),
    is: ({ kind }) => kind === 'reset',
    state: 'Collector unreachable',
    says: 'Cuts each connection. After three of them, one hit at a time tries.',
  },
  refuse: {
    fault: (feature) => ({ kind: 'status', status: 400, feature }),
    is: ({ kind, status }) => kind === 'status' && status === 400,
    state: 'Collector refuses a feature',
    says: 'Answers 400 to this one: its hits are dropped, the others go through.',
  },
}

const names = Object.keys(faults) as FaultName[]

/** Wires the buttons; `onOrder` is told what a person chooses. */
export function wireFaults(onOrder: (fault: Fault) => void, isElsewhere: boolean) {
  const radios = findAll('#faults input[type=radio]', HTMLInputElement)
  const refused = find('#refused', HTMLInputElement)
  const says = find('#fault-says', HTMLElement)
  let current: Fault = null
  /** What was asked for, and the collector has not said yet that it does. */
  let expected: string[] = []

  const chosen = () => (radios.find(({ checked }) => checked)?.value ?? 'healthy') as FaultName

  function order(): void {
    const { says: words, fault } = faults[chosen()]
    setText(says, words)
    const order = fault(refused.value)
    expected.push(JSON.stringify(order))
    onOrder(order)
  }

  for (const radio of radios) radio.onchange = order
  refused.onchange = () => {
    if (chosen() === 'refuse') order()
  }
  for (const input of [...radios, refused]) input.disabled = isElsewhere
  setText(
    says,
    isElsewhere
      ? 'Hits go to another collector, which cannot be told to fail.'
      : faults.healthy.says,
  )

  return {
    /** What the collector says it does. */
    show(fault: Fault): void {
      expected = expected.slice(expected.indexOf(JSON.stringify(fault)) + 1)
      // A person's newer choice is on its way.
      if (expected.length > 0) return
      current = fault
      if (isElsewhere) return
      const name = fault ? names.find((each) => faults[each].is(fault)) : 'healthy'
      for (const radio of radios) radio.checked = radio.value === name
      if (name === 'refuse' && fault?.feature !== undefined) refused.value = fault.feature
      setText(says, name ? faults[name].says : 'Fails as your own code has told it.')
    },
    /** What was asked for may never be heard of. */
    forgetOrders(): void {
      expected = []
    },
    /** The state of the collector, in a few words. */
    state(): { text: string; isHealthy: boolean } {
      const fault = current
      if (!fault) return { text: faults.healthy.state, isHealthy: true }
      const name = names.find((each) => faults[each].is(fault))
      return { text: name ? faults[name].state : `Collector: ${fault.kind}`, isHealthy: false }
    },
  }
}
