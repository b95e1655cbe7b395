// What the demo's tabs tell each other, and what a tab tells its next page.
import type { DeliveryReport } from 'skalin-analytics-plugin'
import type { FaultName } from './collector.ts'
import type { Call } from './ledger.ts'

export type FaultChoice = { name: FaultName; feature: string }

type Message =
  | { kind: 'report'; report: DeliveryReport; at: number; call: Call | undefined }
  | { kind: 'fault'; choice: FaultChoice }
  /** A new tab asks what the others have set. */
  | { kind: 'hello' }

export type TabListener = {
  onReport: (report: DeliveryReport, at: number, call: Call | undefined) => void
  onFault: (choice: FaultChoice) => void
  /** What to answer a new tab. */
  fault: () => FaultChoice
}

const isFaultChoice = (value: unknown): value is FaultChoice =>
  typeof value === 'object' && value !== null && 'name' in value && 'feature' in value

export function joinTabs({ onReport, onFault, fault }: TabListener) {
  const channel = new BroadcastChannel('skalin-demo')
  channel.onmessage = ({ data }: MessageEvent<Message>) => {
    if (data.kind === 'report') onReport(data.report, data.at, data.call)
    else if (data.kind === 'fault') onFault(data.choice)
    else tell({ kind: 'fault', choice: fault() })
  }

  // By way of JSON: an event may hold what cannot be cloned.
  const tell = (message: Message) => channel.postMessage(JSON.parse(JSON.stringify(message)))

  return {
    tellReport: (report: DeliveryReport, at: number, call: Call | undefined) =>
      tell({ kind: 'report', report, at, call }),
    tellFault: (choice: FaultChoice) => tell({ kind: 'fault', choice }),
    hello: () => tell({ kind: 'hello' }),
  }
}

const savedRows = 'skalin-demo:ledger'
const savedFault = 'skalin-demo:fault'

export const memory = {
  saveLedger(text: string): boolean {
    try {
      sessionStorage.setItem(savedRows, text)
      return true
    } catch {
      return false
    }
  },
  ledger: (): string | null => sessionStorage.getItem(savedRows),
  saveFault: (choice: FaultChoice): void =>
    sessionStorage.setItem(savedFault, JSON.stringify(choice)),
  fault(): FaultChoice | undefined {
    const choice: unknown = JSON.parse(sessionStorage.getItem(savedFault) ?? 'null')
    return isFaultChoice(choice) ? choice : undefined
  },
}
