import type { Sender } from './protocol.ts'
import type { ReceivedRequest } from './received.ts'
import { isInUrl } from './guard.ts'
import { checkAll, isOrigin, isWhole, optional } from './rules.ts'

/** How to start a collector. */
export type CollectorOptions = {
  /**
   * The port; 0 is any free one. Give a number where an address must stay the same.
   *
   * @default 0
   */
  port?: number
  /**
   * The address to listen on. Any other than the default lets the machines of its network send hits
   * and, with `controlOrigin`, pages on them read the log: change it for a phone or a container.
   *
   * @default '127.0.0.1'
   */
  host?: string
  /**
   * The origin of the one page that may read the log and set faults through `/control/`, such as
   * `http://127.0.0.1:8080`. Without it these routes answer 403.
   *
   * @default undefined
   */
  controlOrigin?: string
  /**
   * Who sends: a server may name a person's IP address (`cip`), a browser must not. Change it to test
   * a server, such as the Segment Function.
   *
   * @default 'browser'
   */
  sender?: Sender
  /**
   * Called with every request to `/hit` when it has come, before it is answered. What it throws, or
   * rejects with, fails the next `hits()`, or else `close()`.
   *
   * @default undefined
   */
  onRequest?: (received: ReceivedRequest) => unknown
}

const rules = {
  port: optional<unknown>('a whole number from 0 to 65535', (value) => isWhole(value, 0, 65535)),
  host: optional<unknown>(
    'an address or a name of this machine',
    (value) => typeof value === 'string' && value !== '' && isInUrl(value),
  ),
  controlOrigin: optional<unknown>('an http(s) origin, such as http://127.0.0.1:8080', isOrigin),
  sender: optional<unknown>(
    '`browser` or `server`',
    (value) => value === 'browser' || value === 'server',
  ),
  onRequest: optional<unknown>('a function', (value) => typeof value === 'function'),
}

/** The reasons why a collector cannot start so, a sentence each: for values that no compiler has seen. */
export const checkOptions = (options: unknown): string[] => checkAll('options', rules, options)
