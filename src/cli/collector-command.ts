import { once } from 'node:events'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { startCollector } from '../testing/collector.ts'
import { isInUrl, isLoopback, originOf, usualHost } from '../testing/guard.ts'
import { printable } from '../testing/printable.ts'
import type { ReceivedRequest } from '../testing/received.ts'
import { requestLine } from '../testing/request-line.ts'
import type { Command } from './command.ts'
import { inspectorPages } from './pages.ts'

const usage = `Usage: skalin-analytics-plugin collector [--port <number>] [--host <address>] [--json]

Starts a local stand-in for Skalin's collector, prints each request it gets, and shows them live in
an inspector in the browser.

  --port <number>   port, 0 for any free one (default 4747)
  --host <address>  address to listen on (default 127.0.0.1: only this machine)
  --json            print each request as one line of JSON
  -h, --help        print this help`

const unavailable = (port: number, host: string, error: unknown): string => {
  const { code, message } = error as NodeJS.ErrnoException
  return code === 'EADDRINUSE'
    ? `Port ${port} is taken: stop what uses it, or choose another with \`--port\`.`
    : `Port ${port} of ${printable(host)} cannot be listened on: ${message}.`
}

/** Of this machine's addresses those that one for all of them stands for: `::` for both kinds, `0.0.0.0` for IPv4. */
const addresses = (host: string): string[] =>
  Object.values(networkInterfaces())
    .flatMap((all = []) => all)
    .filter(({ family }) => host === '::' || (host === '0.0.0.0' && family === 'IPv4'))
    .map(({ address }) => address)

/** Whether a browser that asks `localhost` may get to another server, which listens on IPv6 alone. */
const isLocalhostTaken = async (port: number): Promise<boolean> => {
  const socket = connect(port, '::1')
  const isTaken = await once(socket, 'connect').then(
    () => true,
    () => false,
  )
  socket.destroy()
  return isTaken
}

/** What is said of a collector that others can reach. */
const warning = (host: string, port: number): string[] => [
  'Warning: whoever reaches this machine by network can send hits here, read all that came, and set faults.',
  ...addresses(host)
    .filter((address) => !isLoopback(address) && !address.startsWith('fe80'))
    .map((address) => `Reached at ${originOf(address, port)}/`),
]

/** `skalin-analytics-plugin collector`: runs until the signal comes. */
export const collectorCommand: Command = {
  usage,
  options: {
    port: {
      allowed: 'a number from 0 to 65535',
      accepts: (text) => /^\d{1,5}$/.test(text) && Number(text) <= 65535,
    },
    host: {
      allowed: 'an address of this machine',
      accepts: (text) => text !== '' && isInUrl(text),
    },
    json: {},
  },
  run: async ({ port = '4747', host = '127.0.0.1', json }, { out, err, signal }) => {
    const onRequest = (received: ReceivedRequest): void =>
      out(json ? printable(JSON.stringify(received)) : requestLine(received))
    const options = { port: Number(port), host: usualHost(String(host)), onRequest }
    const collector = await startCollector(options, inspectorPages()).catch((error: unknown) => {
      err(unavailable(options.port, options.host, error))
    })
    if (!collector) return 1
    // With `--json`, standard output is for programs.
    const announce = json ? err : out
    const { origin, endpoint } = collector
    announce(`POST hits to ${endpoint}, end with Ctrl+C.`)
    // By another name than the hits: a browser opens six connections a host, and hits that hang would
    // leave none for the inspector to heal the collector with.
    const ownPort = Number(new URL(origin).port || 80)
    const isOwn = options.host === '::' || !(await isLocalhostTaken(ownPort))
    announce(`See them live at ${isOwn ? origin.replace('127.0.0.1', 'localhost') : origin}/`)
    if (!isLoopback(options.host)) warning(options.host, ownPort).forEach(err)
    if (!signal.aborted) await once(signal, 'abort')
    await collector.close()
    return 0
  },
}
