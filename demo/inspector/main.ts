// The inspector: the same page for the command line and, with a stage beside it, for the demo.
import { createChart } from './chart.ts'
import { showConnection } from './connect.ts'
import { jsonLines } from './copies.ts'
import { createCounters } from './counters.ts'
import { find, setText } from './dom.ts'
import { wireFaults } from './faults.ts'
import { createFeatures } from './features-view.ts'
import { clear, listen, setFault } from './feed.ts'
import { createFilters } from './filters.ts'
import { createLedger } from './ledger.ts'
import { createList } from './list.ts'
import { select } from './selection.ts'
import { createTimeline } from './timeline.ts'
import { kindLabels } from './words.ts'

/** Often enough for the eye; each time all rows are looked at. */
const drawEveryMs = 100
const choicesEveryMs = 1000

const collector = find('meta[name=collector]', HTMLMetaElement).content
/** Where the demo's hits go instead of to the collector. */
const elsewhere = document.body.dataset['elsewhere']

const ledger = createLedger()
const timeline = createTimeline(Date.now())
let endpoint = ''
let isAnew = false
/** Whether what is told happens now. */
let isLive = false
let choicesAt = 0

const choose = () => {
  isAnew = true
  changed()
}
const counters = createCounters(choose)
const filters = createFilters(choose)
const list = createList(() => endpoint)
const features = createFeatures(ledger)

let asked: ReturnType<typeof setTimeout> | undefined
function changed(): void {
  asked ??= setTimeout(() => {
    asked = undefined
    show()
  }, drawEveryMs)
}

function show(): void {
  const now = Date.now()
  const kind = counters.kind()
  const { tally, values, rows } = select(ledger, { kind, who: filters.who() }, now)
  counters.show(tally)
  // What there is to choose from may be hundreds of values.
  if (now >= choicesAt + choicesEveryMs) {
    choicesAt = now
    filters.show(values)
  }
  list.show(rows, now, ledger.roadOpensAt(), isAnew)
  isAnew = false
  const isFiltered = tally.calls > 0
  const title = kind ? `No call is ${kindLabels[kind].toLowerCase()}` : 'No call is like this'
  list.showEmpty(rows.length === 0, isFiltered ? title : 'No calls yet', !isFiltered)
  timeline.take(now, tally, isLive)
}

let isReached: boolean | undefined
function showState(): void {
  const [state, text] = stateNow()
  const element = find('#state', HTMLElement)
  element.dataset['state'] = state
  setText(element, text)
}

function stateNow(): [state: string, text: string] {
  if (isReached === undefined) return ['starting', 'Looking for the collector']
  if (!isReached) return ['bad', 'The collector is gone: is it still running?']
  if (elsewhere !== undefined) return ['good', `Sends to ${elsewhere}`]
  const { text, isHealthy } = faults.state()
  return [isHealthy ? 'good' : 'failing', text]
}

function notice(text: string): void {
  const element = find('#notice', HTMLElement)
  element.hidden = text === ''
  setText(element, text)
}

const failed = () => notice('The collector cannot be reached.')
/** One after the other, so that the last one stays. */
let ordered = Promise.resolve()
const faults = wireFaults((fault) => {
  ordered = ordered
    .then(() => setFault(collector, fault))
    .then(
      () => notice(''),
      () => {
        faults.forgetOrders()
        failed()
      },
    )
}, elsewhere !== undefined)

listen(collector, {
  onHello(greeting) {
    if (greeting.anew) {
      ledger.clear()
      isLive = false
    }
    if (greeting.endpoint !== endpoint) {
      endpoint = greeting.endpoint
      showConnection(endpoint)
    }
    faults.forgetOrders()
    faults.show(greeting.fault)
    showState()
    changed()
  },
  onArrival(arrival) {
    ledger.arrival(arrival)
    changed()
  },
  onCall(call) {
    ledger.call(call)
    changed()
  },
  onReport({ at, ...report }) {
    ledger.report(report, at)
    changed()
  },
  onFault(fault) {
    faults.show(fault)
    showState()
  },
  onLive() {
    show()
    isLive = true
  },
  onClear() {
    ledger.clear()
    choose()
  },
  onReach(reached) {
    isReached = reached
    showState()
  },
})
showState()

find('#clear-log', HTMLButtonElement).onclick = () => {
  clear(collector).then(() => notice(''), failed)
}
find('#download', HTMLButtonElement).onclick = () => {
  const file = new Blob([jsonLines(ledger.received())], { type: 'application/jsonl' })
  const link = document.createElement('a')
  link.href = URL.createObjectURL(file)
  link.download = 'skalin-hits.jsonl'
  link.click()
  // The browser has begun to save it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}

show()
// Not before it is whole: nothing moves.
find('main', HTMLElement).hidden = false
const chart = createChart()
chart.show(timeline.lines())
setInterval(() => {
  // What is said of waiting hits changes by the second.
  show()
  // In tasks of their own: with thousands of rows one for all would be felt.
  setTimeout(features.show)
  setTimeout(() => chart.show(timeline.lines()))
}, 1000)
