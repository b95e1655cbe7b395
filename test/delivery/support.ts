import { type EndpointState, initialState } from '../../src/delivery/endpoint.ts'
import { hour, minute } from '../../src/delivery/limits.ts'
import type { Outcome } from '../../src/delivery/outcome.ts'
import type { Attempt } from '../../src/delivery/policy.ts'
import type { Hit } from '../../src/hit/hit.ts'

export const now: number = Date.parse('2026-11-24T12:00:00Z')

export const clientId = 'client'
export const endpoint = 'https://collector.example/hit'

/** A valid hit; its id is its number in 16 digits. */
export const hitOf = (number: number, more: Partial<Hit> = {}): Hit => ({
  rec: '1',
  client_id: clientId,
  action: 'ev',
  event: '{"name":"Import","event_name":"feature"}',
  event_id: number.toString(16).padStart(16, '0'),
  visitor_id: '8f14e45fceea167a',
  visit_id: '45c48cce2e2d7fbd',
  ts: '2026-11-24T12:00:00',
  localtime: '13:00:00',
  ...more,
})

/** What can come of a request. */
export const outcomes = {
  answer: (status: number, retryAfterMs?: number): Outcome => ({
    kind: 'answer',
    status,
    retryAfterMs,
  }),
  redirect: { kind: 'redirect' },
  opaque: { kind: 'opaque' },
  network: { kind: 'network' },
  timeout: { kind: 'timeout' },
} as const

export const ok: Outcome = outcomes.answer(200)

/** So many numbers in a row. */
export const numbers = (count: number, from = 1): number[] =>
  Array.from({ length: count }, (_, index) => from + index)

/** The number that {@link hitOf} made a hit of. */
export const numberOf = ({ event_id }: { event_id: string }): number => parseInt(event_id, 16)

/** A readable request that took 200 ms, in a page that is online, visible and not isolated. */
export const attemptAt = (at: number, more: Partial<Attempt> = {}): Attempt => ({
  mode: 'cors',
  sentAt: at - 200,
  now: at,
  online: true,
  left: false,
  reachedAt: undefined,
  // No jitter, for round numbers.
  random: 1,
  noCors: true,
  ...more,
})

/** The states that an endpoint can be in, by name. */
export const states = {
  new: initialState,
  readable: { ...initialState, answers: 'readable' },
  /** After three failures, of which the last was a moment ago. */
  'backing off': {
    ...initialState,
    answers: 'readable',
    cause: 'status',
    step: 3,
    steppedAt: now - 5000,
    retryFrom: now - 5000,
    retryAt: now - 1000,
  },
  'one network error from open': {
    ...initialState,
    answers: 'readable',
    step: 2,
    steppedAt: now - 5000,
    retryFrom: now - 5000,
    retryAt: now - 1000,
    networkErrors: 2,
  },
  open: {
    ...initialState,
    cause: 'blocked',
    step: 3,
    steppedAt: now - 5000,
    retryFrom: now - 5000,
    retryAt: now - 1000,
    networkErrors: 3,
  },
  'twice refused': { ...initialState, answers: 'readable', cause: 'status', rejections: 2 },
  refused: {
    ...initialState,
    answers: 'readable',
    cause: 'status',
    rejections: 3,
    retryFrom: now - 5000,
    retryAt: now - 1000,
  },
  opaque: { ...initialState, answers: 'opaque', probedAt: now - 10 * minute },
  'asked for silence': {
    ...initialState,
    answers: 'readable',
    limitedFrom: now - minute,
    limitedUntil: now + hour / 2,
  },
} as const satisfies Record<string, EndpointState>

export type StateName = keyof typeof states

/** Whether a hit is of a visitor. */
export const of = (visitor: string) => (hit: Hit) => hit.visitor_id === visitor
