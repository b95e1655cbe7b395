import { createChart } from './chart.ts'
import { createCollectorClient, faults } from './collector.ts'
import { stamp, wireConsent } from './consent.ts'
import { find, findAll, setText } from './dom.ts'
import { startHost } from './host.ts'
import { type Call, type SegmentEvent, createLedger } from './ledger.ts'
import { showPeople, wireCalls, wireFaults, wireTab } from './panel.ts'
import { type Params, readParams, withParam } from './params.ts'
import { customerName } from './people.ts'
import { type FaultChoice, joinTabs, memory } from './tabs.ts'
import { createTimeline } from './timeline.ts'
import { guardScripts } from './trusted.ts'
import { createCounters, createList, showContext } from './view.ts'

const collector = find('meta[name=collector]', HTMLMetaElement).content
const savedRows = 300

const state = find('#state', HTMLElement)
function showState(name: 'starting' | 'good' | 'bad' | 'failing', text: string): void {
  state.dataset['state'] = name
  setText(state, text)
}

function notice(text: string): void {
  const element = find('#notice', HTMLElement)
  element.hidden = false
  setText(element, text)
}

/** Asks before anything goes to a server that a link may have chosen. */
function mayUse(endpoint: string): Promise<boolean> {
  const dialog = find('#ask', HTMLDialogElement)
  setText(find('#ask-endpoint', HTMLElement), endpoint)
  dialog.showModal()
  return new Promise((resolve) => {
    for (const button of findAll('button', HTMLButtonElement, dialog)) {
      button.onclick = () => dialog.close(button.value)
    }
    dialog.onclose = () => resolve(dialog.returnValue === 'yes')
  })
}

function showDoors(build: Params['build']): void {
  for (const door of ['npm', 'script'] as const) {
    const link = find(`#door-${door}`, HTMLAnchorElement)
    link.href = withParam(location.href, 'build', door)
    if (door === build) link.ariaCurrent = 'page'
  }
}

async function start(params: Params): Promise<void> {
  const { endpoint, clientId, isLocal } = params
  const ledger = createLedger(clientId)
  const saved = memory.ledger()
  if (saved !== null) ledger.load(saved)
  const timeline = createTimeline(Date.now())
  const counters = createCounters(changed)
  const list = createList(ledger, endpoint, counters.filter)
  const wirePeople = showPeople()
  let person = () => 'unknown'
  let resetAt = 0
  let asked = false

  function changed(): void {
    if (asked) return
    asked = true
    requestAnimationFrame(show)
  }

  function show(): void {
    asked = false
    const now = Date.now()
    const tally = ledger.tally(now)
    counters.show(tally)
    list.show(now)
    timeline.take(now, tally)
    showPerson()
  }
  show()
  // Not before it is whole: nothing moves.
  find('main', HTMLElement).hidden = false
  const chart = createChart()
  chart.show(timeline.lines())

  if (params.mustAsk && !(await mayUse(endpoint))) {
    location.href = withParam(location.href, 'endpoint', undefined)
    return
  }

  function showPerson(): void {
    const own = ledger
      .rows()
      .find(({ origin, ways, at }) => origin === 'here' && ways.length > 0 && at >= resetAt)
    const hit = own?.ways.at(-1)?.hit
    showContext([
      { label: 'Person', value: person() },
      { label: 'Customer', value: hit?.customer_id ? customerName(hit.customer_id) : '–' },
      { label: 'Visit', value: hit?.visit_id ?? '–' },
      { label: 'Visitor', value: hit?.visitor_id ?? '–' },
    ])
  }

  const client = isLocal ? createCollectorClient(collector) : undefined
  const choices = wireFaults(client, onChoice, notice)
  let heard = false
  const tabs = joinTabs({
    onReport(report, at, call) {
      if (call) ledger.call(call, 'elsewhere')
      ledger.report(report, at, 'elsewhere')
      changed()
    },
    onFault(choice) {
      heard = true
      choices.choose(choice)
      memory.saveFault(choice)
      showCollector()
    },
    fault: choices.choice,
  })

  function onChoice(choice: FaultChoice): void {
    memory.saveFault(choice)
    tabs.tellFault(choice)
    showCollector()
  }

  let reached: boolean | undefined
  function showCollector(): void {
    if (!client) showState('good', `Sends to ${new URL(endpoint).host}`)
    else if (reached === undefined) showState('starting', 'Looking for the collector')
    else if (!reached) showState('bad', 'The collector is gone: is npm start still running?')
    else {
      const { name } = choices.choice()
      showState(name === 'healthy' ? 'good' : 'failing', faults[name].state)
    }
  }

  client?.listen({
    onArrival(arrival) {
      ledger.arrival(arrival)
      changed()
    },
    onAnew() {
      ledger.forgetArrivals()
      changed()
    },
    onReach(now) {
      reached = now
      showCollector()
    },
  })
  showCollector()
  const remembered = memory.fault()
  if (remembered) choices.choose(remembered)
  else {
    tabs.hello()
    // The first tab starts with a collector in good health, whatever an earlier one left behind.
    setTimeout(() => {
      if (!heard) choices.choose(choices.choice())
    }, 300)
  }

  const calls = new Map<string, Call>()

  const host = await startHost(params.build, {
    writeKey: params.writeKey,
    stamp: params.consent ? stamp : undefined,
    settings: {
      clientId,
      endpoint,
      ...(params.consent ? { consent: { categories: ['Analytics'] } } : {}),
      onDelivery(report) {
        const at = Date.now()
        ledger.report(report, at)
        tabs.tellReport(report, at, calls.get(report.messageId ?? ''))
        calls.delete(report.messageId ?? '')
        changed()
      },
    },
  })
  const { analytics, plugin } = host
  person = () => {
    const user = analytics.user()
    const { name } = (user.traits() ?? {}) as { name?: string }
    return name ?? user.id() ?? 'unknown'
  }

  analytics.on('dispatch_start', (ctx: { event: SegmentEvent }) => {
    const { messageId } = ctx.event
    if (messageId === undefined) return
    const stored = { traits: { ...analytics.user().traits() }, groupId: analytics.group().id() }
    const call = { messageId, at: Date.now(), ctx, stored }
    calls.set(messageId, call)
    ledger.call(call)
    changed()
  })

  analytics.on('reset', () => {
    resetAt = Date.now()
    changed()
  })
  wirePeople(analytics)
  wireCalls(analytics)
  wireTab(host)
  wireConsent(params.consent, () => void analytics.track('Segment Consent Preference Updated'))
  find('#tidy', HTMLButtonElement).onclick = () => {
    ledger.tidy()
    void client?.clear()
    changed()
  }

  const pending = find('#pending', HTMLOutputElement)
  async function everySecond(): Promise<void> {
    show()
    chart.show(timeline.lines())
    setText(pending, String(await plugin.pending()))
  }
  setInterval(() => void everySecond(), 1000)
  void everySecond()

  // A reload shows what was called before it, too.
  window.addEventListener('pagehide', () => {
    if (!memory.saveLedger(ledger.save(savedRows))) memory.saveLedger(ledger.save(0))
  })
  find('.panel', HTMLElement).inert = false
}

guardScripts()
const params = readParams(location.search, collector)
if (params.problem) notice(params.problem)
showDoors(params.build)
await start(params).catch((error: unknown) => {
  notice(`The demo could not start: ${error instanceof Error ? error.message : String(error)}.`)
  throw error
})
