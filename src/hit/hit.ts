import { jsonOf } from './json.ts'

/**
 * One record for Skalin's collector: flat, all strings, under the keys of the wire. It is sent
 * form-encoded and stored as it is, so what an inspector shows is what goes out.
 *
 * @see {@link https://docs.skalin.io/en/dev/tracking/1.0.0/sst/feature/ | Skalin: tracking a feature}
 * @see {@link https://docs.skalin.io/en/dev/tracking/1.0.0/sst/identity/ | Skalin: identifying a user}
 */
export type Hit = {
  /** Always `1`. */
  rec: '1'
  /** The Skalin Client ID. */
  client_id: string
  /** `ui` tells who somebody is, `ev` that a feature was used. */
  action: 'ui' | 'ev'
  /** JSON `{"name": …, "event_name": "feature"}`, on `ev` hits. */
  event?: string
  /** 16 hexadecimal digits, the same at every re-send: what Skalin de-duplicates by. */
  event_id: string
  /** 16 hexadecimal digits, the same for all hits of one browser's visitor. */
  visitor_id: string
  /** 16 hexadecimal digits, the same for all hits of one visit. */
  visit_id: string
  /** When it happened, UTC: `YYYY-MM-DDTHH:MM:SS`. */
  ts: string
  /** When it happened, in the visitor's local time: `HH:MM:SS`. */
  localtime: string
  /** JSON of `id` and `email`, as far as they are known, and on `ui` hits of the chosen traits. */
  identity?: string
  /** The Skalin customer the person acts for. */
  customer_id?: string
  /** The page, by default without query and fragment. */
  url?: string
}

/** A hit that has not been given its visit yet. */
export type Draft = Omit<Hit, 'visit_id'>

/** Who a person is, as Skalin's `identity` field has it. */
export type Identity = { id?: string; email?: string }

/**
 * Longest url-encoded hit, in bytes. Four of them fit into the 64 KiB that browsers allow to all
 * keepalive requests in flight together.
 *
 * @see {@link https://fetch.spec.whatwg.org/#http-network-or-cache-fetch}
 */
const maxHitBytes = 16 * 1024

/** What the form encoding writes otherwise than `encodeURIComponent`. */
const formSpecial = /%20|[!'()~]/g
const asInForm = (part: string) =>
  part === '%20' ? '+' : `%${part.charCodeAt(0).toString(16).toUpperCase()}`

/**
 * A hit as the body of its request: what `URLSearchParams` makes of it, which some pages replace.
 * ASCII, so that its length is its bytes.
 *
 * @see {@link https://url.spec.whatwg.org/#concept-urlencoded-serializer}
 */
export function encodeHit(hit: Draft | Hit): string {
  // Measured, it is sent.
  if (last?.hit !== hit) {
    const body = Object.entries(hit)
      .map(([name, value]) => `${name}=${encodeURIComponent(value).replace(formSpecial, asInForm)}`)
      .join('&')
    last = { hit, body }
  }
  return last.body
}

let last: { hit: Draft | Hit; body: string } | undefined

const fits = (hit: Draft) => encodeHit(hit).length <= maxHitBytes

/**
 * Cuts a hit to {@link maxHitBytes} by leaving the chosen traits out of its identity; `undefined`
 * when that is not enough.
 */
export function fitHit<H extends Draft>(hit: H): H | undefined {
  if (fits(hit)) return hit
  if (hit.identity === undefined) return undefined
  const lean = { ...hit, identity: withoutTraits(hit.identity) }
  return fits(lean) ? lean : undefined
}

/** Whom an identity is about: the order of what is said of one person counts. */
export function personIn({ identity = '{}' }: Hit): string | undefined {
  try {
    const { id, email } = JSON.parse(identity) as Partial<Identity>
    return id ?? email
  } catch {
    // Not one of ours.
    return undefined
  }
}

function withoutTraits(identity = '{}'): string {
  const { id, email } = JSON.parse(identity) as Identity
  return jsonOf([
    ['id', id],
    ['email', email],
  ])
}

/**
 * Gives a hit of an unknown visitor the identity that was learnt later, and the customer unless it
 * had its own. `undefined` when it no longer fits.
 */
export function completeHit(hit: Hit, known: Draft): Hit | undefined {
  const customer_id = hit.customer_id ?? known.customer_id
  return fitHit({
    ...hit,
    identity: withoutTraits(known.identity),
    ...(customer_id === undefined ? {} : { customer_id }),
  })
}
