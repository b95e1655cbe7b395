import type { ReceivedRequest } from './received.ts'
import { short, shown } from './printable.ts'
import { featureOf } from './protocol.ts'

const subject = ({ method, url, hit }: ReceivedRequest): string => {
  const { action, identity } = hit
  if (action === undefined) return `${method} ${short(url)}`
  const feature = featureOf(hit)
  if (feature !== undefined) return `${short(action)} ${shown(feature)}`
  return identity === undefined ? short(action) : `${short(action)} ${short(identity)}`
}

/**
 * A request as one line to read:
 * ``12:03:44 ✗ 400 ev "Import" customer "acme" visitor 8f14e45f: `ts` must be …``
 */
export const requestLine = (received: ReceivedRequest): string => {
  const { at, accepted, status, hit, problems } = received
  const { customer_id: customer, visitor_id: visitor } = hit
  const words = [
    new Date(at).toTimeString().slice(0, 8),
    accepted ? '✓' : '✗',
    status === 0 ? 'unanswered' : String(status),
    subject(received),
    ...(customer === undefined ? [] : [`customer ${shown(customer)}`]),
    ...(visitor === undefined ? [] : [`visitor ${short(visitor.slice(0, 8))}`]),
  ].join(' ')
  return problems.length === 0 ? words : `${words}: ${problems.join(' ')}`
}
