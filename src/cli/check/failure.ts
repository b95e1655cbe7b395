// Pure: why there was no answer.
import { printable } from '../../testing/printable.ts'
import type { Finding } from './finding.ts'
import type { Failure } from './probe.ts'

type Cause = { check: string; is: RegExp; says: string; todo: string }

const causes: Cause[] = [
  {
    check: 'Reachable',
    is: /^(ENOTFOUND|EAI_AGAIN)$/,
    says: 'Its name has no address here.',
    todo: 'Check how it is written, and that this machine’s name server knows it.',
  },
  {
    check: 'Reachable',
    is: /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL)$/,
    says: 'Nothing listens there, or a firewall is between.',
    todo: 'Check address and port, and that it runs.',
  },
  {
    check: 'Reachable',
    is: /^(ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/,
    says: 'It does not take a connection.',
    todo: 'Check address and port, and for a firewall.',
  },
  {
    check: 'Reachable',
    is: /^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/,
    says: 'It cuts the connection.',
    todo: 'Check what is between: a proxy, a firewall, the server itself.',
  },
  {
    check: 'Time',
    is: /^TIMEOUT$/,
    says: 'No answer came in time.',
    todo: 'Ask who runs it. The plugin gives up after 10 s, and tries again later.',
  },
  {
    check: 'TLS',
    is: /SELF_SIGNED/,
    says: 'Its certificate is signed by nobody whom browsers know.',
    todo: 'Get one from a certificate authority. To check with your own, set NODE_EXTRA_CA_CERTS.',
  },
  {
    check: 'TLS',
    is: /UNABLE_TO_(VERIFY|GET_ISSUER)|UNTRUSTED/,
    says: 'Who signed its certificate is not known to Node: a private authority, or its chain has a gap.',
    todo: 'If browsers know the authority, as mkcert’s, set NODE_EXTRA_CA_CERTS; else have the whole chain sent.',
  },
  {
    check: 'Protocol',
    is: /NO_APPLICATION_PROTOCOL|ALPN/,
    says: 'It takes HTTP/2 alone, which browsers speak, but this check does not.',
    todo: 'Look with a browser, or let it take HTTP/1.1 as well.',
  },
  {
    check: 'TLS',
    is: /CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/,
    says: 'Its certificate is not valid now.',
    todo: 'Renew it, and check this machine’s clock.',
  },
  {
    check: 'TLS',
    is: /ALTNAME/,
    says: 'Its certificate is for another name.',
    todo: 'Check the address, or get a certificate for it.',
  },
  {
    check: 'TLS',
    is: /CERT|SSL|TLS|EPROTO/,
    says: 'No secure connection could be made.',
    todo: 'Check that it speaks TLS at this port.',
  },
]

/** What a request without an answer says. */
export const explainFailure = ({ code, message }: Failure): Finding => {
  const cause = causes.find(({ is }) => is.test(code))
  const { check = 'Reachable', says = 'It cannot be reached.' } = cause ?? {}
  const todo = cause?.todo ?? 'Check the address: browsers refuse some ports, too.'
  return { check, state: 'failed', says: `${says} (${printable(message)})`, todo }
}
