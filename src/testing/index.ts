export { createCollector } from './collector.ts'
export type { Collector } from './collector.ts'
export type { CollectorOptions } from './options.ts'
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
export type { HitQuery } from './hits.ts'
export type { ReceivedHit, ReceivedRequest } from './received.ts'
export type { HitFields, Sender } from './protocol.ts'
