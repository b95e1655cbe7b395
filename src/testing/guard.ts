import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { URL } from 'node:url'

/** Who may call a server on this machine. */
export type Guard = {
  /** By what names it may be called, with its port as browsers write it. */
  readonly hosts: readonly string[]
  /**
   * Another name that leads here is DNS rebinding: a foreign page that passes for this origin.
   * https://owasp.org/www-community/attacks/DNS_Rebinding
   */
  readonly isOwnHost: (host: string | undefined) => boolean
}

const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]']

/** An address as it stands in a URL. */
const inUrl = (host: string): string => (isIP(host) === 6 ? `[${host}]` : host)

/** An address as browsers write it, of however many it has: `0` is `0.0.0.0`, `127.1` is `127.0.0.1`. */
export const usualHost = (host: string): string =>
  isInUrl(host) ? new URL(`http://${inUrl(host)}`).hostname.replace(/^\[|\]$/g, '') : host

/** Whether a URL can name it: one with a zone, such as `fe80::1%eth0`, it cannot. */
export const isInUrl = (host: string): boolean =>
  (isIP(host) !== 0 || /^[^/\\?#@:]+$/.test(host)) && URL.canParse(`http://${inUrl(host)}`)

/** The origin of a server, as browsers write it: without the port that is usual. */
export const originOf = (host: string, port: number): string =>
  new URL(`http://${inUrl(host)}:${port}`).origin

/** Whether only this machine can reach a server that listens there. */
export const isLoopback = (host: string): boolean =>
  /^(127(\.\d+){3}|localhost|::1)$/.test(usualHost(host))

/** The guard of a server that listens on `host`. */
export const createGuard = (host: string, port: number): Guard => {
  const withPort = (name: string): string => originOf(name, port).slice('http://'.length)
  const hosts = [...new Set([...LOOPBACK, inUrl(host)])].map(withPort)
  // An address is no name, so that nobody can make it lead elsewhere.
  const isAddress = (given: string): boolean => {
    const url = `http://${given}`
    const { hostname = '' } = URL.canParse(url) ? new URL(url) : {}
    return isIP(hostname.replace(/^\[|\]$/g, '')) !== 0 && withPort(hostname) === given
  }
  return {
    hosts,
    isOwnHost: (given = '') =>
      hosts.includes(given.toLowerCase()) || (!isLoopback(host) && isAddress(given)),
  }
}

/**
 * Whether a request comes from a page of `controlOrigin`, or of this server itself if it has pages.
 * Its `Host` has been checked.
 */
export const mayControl = (
  { method, headers }: IncomingMessage,
  controlOrigin: string | undefined,
  hasPages: boolean,
): boolean => {
  const { host = '', origin, 'sec-fetch-site': site } = headers
  if (origin !== undefined) {
    return origin === controlOrigin || (hasPages && origin === `http://${host}`)
  }
  // Of a page's own requests only those that change nothing come without an origin.
  return hasPages && method === 'GET' && (site === undefined || site === 'same-origin')
}
