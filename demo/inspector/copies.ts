// Pure: a hit as text that people can use elsewhere.
import type { Arrival, Fields } from './messages.ts'

/** A text as one word of a POSIX shell: nothing in single quotes means anything but itself. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** Control characters, which a terminal may take for keys. `encodeURIComponent` leaves none of them. */
const withoutKeys = (text: string) => text.replace(/\p{Cc}/gu, encodeURIComponent)

/** The request of a hit as a command. `--data-raw`, because `--data` reads a file after an `@`. */
export function curlCommand(endpoint: string, body: string): string {
  return `curl --data-raw ${shellQuote(withoutKeys(body))} ${shellQuote(endpoint)}`
}

/** A text as a JavaScript string, on one line. */
const quote = (text: string): string =>
  `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`

/** What tells a hit from others whenever it is made; ids and times are new each time. */
const telling = ['action', 'event', 'identity', 'customer_id']

/** A line for a test with `skalin-analytics-plugin/testing` that waits for such a hit. */
export function testLine(hit: Fields): string {
  const conditions = telling.flatMap((name) => {
    const value = hit[name]
    return value === undefined ? [] : [`hit.${name} === ${quote(value)}`]
  })
  return `await collector.hits({ where: (hit) => ${conditions.join(' && ') || 'true'} })`
}

/** What arrived, one request of JSON a line, as the command line prints it with `--json`. */
export const jsonLines = (received: readonly Arrival[]): string =>
  received.map((arrival) => `${JSON.stringify(arrival)}\n`).join('')
