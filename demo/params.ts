/** What the page's address asks for. */
export type Params = {
  build: 'npm' | 'script'
  /** A real Segment source; without it Segment stays off the network. */
  writeKey: string | undefined
  clientId: string
  endpoint: string
  /** Hits go to the collector that was started with the demo. */
  isLocal: boolean
  /** The endpoint is somebody else's: a link may have put it there, so the person must agree. */
  mustAsk: boolean
  consent: boolean
  /** Why a part of the address was not followed. */
  problem: string | undefined
}

const loopback = ['127.0.0.1', 'localhost', '[::1]']
const skalin = 'https://collect.skalin.io'

function parseEndpoint(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  // A host may hold what the page's policy cannot name. https://www.w3.org/TR/CSP3/#grammardef-host-part
  const isPlain = url && /^[\w.:[\]-]+$/.test(url.host)
  const fits = isPlain && /^https?:$/.test(url.protocol) && url.username + url.password === ''
  return fits ? url : undefined
}

export function readParams(search: string, local: string): Params {
  const query = new URLSearchParams(search)
  const given = query.get('endpoint')
  const url = given ? parseEndpoint(given) : undefined
  const endpoint = url?.href ?? local
  return {
    build: query.get('build') === 'script' ? 'script' : 'npm',
    writeKey: query.get('writeKey') ?? undefined,
    clientId: query.get('clientId')?.trim() || 'demo-client',
    endpoint,
    isLocal: endpoint === local,
    mustAsk: url !== undefined && url.origin !== skalin && !loopback.includes(url.hostname),
    consent: query.get('consent') === 'on',
    problem:
      given && !url
        ? 'The endpoint in the address must be an http(s) URL without credentials: the local collector is used.'
        : undefined,
  }
}

/** The page's address with one parameter changed; `undefined` takes it out. */
export function withParam(href: string, name: string, value: string | undefined): string {
  const url = new URL(href)
  if (value === undefined) url.searchParams.delete(name)
  else url.searchParams.set(name, value)
  return url.href
}
