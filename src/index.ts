// The npm entry point: everything public, name by name. Importing it does nothing.
export { skalin } from './plugin.ts'
export type { SkalinPlugin } from './plugin.ts'
export type { SkalinSettings } from './settings.ts'
export type { DeliveryReport, SkipReason } from './report.ts'
export type { DropReason, WaitReason } from './delivery/outcome.ts'
export type { Hit } from './hit/hit.ts'
export type { SegmentEvent } from './hit/event.ts'
