import { randomBytes } from 'node:crypto'

/** Whom the one hit is about that `--send` sends. */
export type Person = {
  clientId: string
  userId: string | undefined
  email: string | undefined
  customerId: string | undefined
}

const randomId = (): string => randomBytes(8).toString('hex')
const twoDigits = (number: number): string => String(number).padStart(2, '0')

/** A `ui` hit, as the plugin makes it of an `identify`. */
export const identityHit = (
  { clientId, userId, email, customerId }: Person,
  now: Date,
): URLSearchParams =>
  new URLSearchParams({
    rec: '1',
    client_id: clientId,
    action: 'ui',
    event_id: randomId(),
    visitor_id: randomId(),
    visit_id: randomId(),
    ts: now.toISOString().slice(0, 19),
    localtime: [now.getHours(), now.getMinutes(), now.getSeconds()].map(twoDigits).join(':'),
    identity: JSON.stringify({ id: userId, email }),
    ...(customerId === undefined ? {} : { customer_id: customerId }),
  })
