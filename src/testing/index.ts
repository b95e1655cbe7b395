export { createCollector } from './collector.ts'
export type { Collector, CollectorOptions } from './collector.ts'
export type {
  Fault,
  FaultKind,
  FaultScope,
  HangFault,
  NoCorsFault,
  ResetFault,
  SlowFault,
  StatusFault,
} from './faults.ts'
export type { HitQuery, ReceivedHit, ReceivedRequest } from './log.ts'
export type { HitFields } from './protocol.ts'
