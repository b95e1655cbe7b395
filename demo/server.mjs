// The demo's own server: the package's inspector with a stage beside it, Segment's CDN played from
// node_modules, and the collector.
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = new URL('../', import.meta.url)
const stage = new URL('demo/build/', root)
const dist = new URL('dist/', root)
const inspector = new URL('inspector/', dist)
const segment = new URL('node_modules/@segment/analytics-next/dist/umd/', root)

const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.map': 'application/json',
  '.json': 'application/json',
}

/** What Segment's CDN would say of a source: no destination, and no figures about itself. */
const source = { integrations: {}, metrics: { sampleRate: 0 } }

/** Builds the stage from the built package. */
export async function buildDemo() {
  const { build } = await import('vite')
  await build({
    configFile: fileURLToPath(new URL('vite.config.ts', import.meta.url)),
    logLevel: 'warn',
  })
}

/**
 * Starts the demo on a port of 127.0.0.1 and its collector on the next one; 0 is any free one for
 * each. Rejects with Node's own error when a port cannot be had.
 */
export async function startDemo({ port }) {
  const { createCollector } = await import(new URL('testing.js', dist).href)
  const { min: segmentSnippet } = await import('@segment/snippet')

  const server = createServer((request, response) => {
    answer(request)
      .catch(() => ({ status: 404, body: 'There is nothing here.' }))
      .then(({ status = 200, type = '.txt', headers = {}, body = '' }) => {
        response.writeHead(status, {
          'Content-Type': types[type] ?? 'text/plain; charset=utf-8',
          'Cache-Control': 'no-store',
          'X-Content-Type-Options': 'nosniff',
          'Referrer-Policy': 'no-referrer',
          ...headers,
        })
        response.end(request.method === 'HEAD' ? undefined : body)
      })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  // By way of URL, because a browser leaves out port 80.
  const { host, origin } = new URL(`http://127.0.0.1:${server.address().port}`)
  const collector = await createCollector({
    port: port && port + 1,
    controlOrigin: origin,
  }).catch((error) => {
    server.close()
    throw error
  })

  // By another name than the hits: a browser opens six connections a host, and hits that hang would
  // leave none to heal the collector with.
  const control = collector.origin.replace('127.0.0.1', 'localhost')

  async function answer({ method, url, headers }) {
    if (method !== 'GET' && method !== 'HEAD') return { status: 405, body: 'Only GET.' }
    const { pathname, search, searchParams } = new URL(url, origin)
    // The collector's control routes are for one origin; another name would not be it.
    if (headers.host === host.replace('127.0.0.1', 'localhost')) {
      return { status: 307, headers: { Location: origin + pathname + search } }
    }
    // A foreign name that leads here is DNS rebinding.
    if (headers.host !== host) return { status: 421, body: `This server is ${origin}.` }

    if (pathname === '/' || pathname === '/index.html') {
      return {
        type: '.html',
        headers: { 'Content-Security-Policy': policy(searchParams) },
        body: await html(),
      }
    }
    if (pathname === '/segment-snippet.js') return snippet(searchParams.get('writeKey'))
    if (pathname === '/v1/projects/demo/settings')
      return { type: '.json', body: JSON.stringify(source) }
    if (pathname === '/analytics.js/v1/demo/analytics.min.js') return file(segment, 'standalone.js')
    const [, folder, name] =
      /^\/(|assets\/|analytics-next\/bundles\/)([\w.-]+)$/.exec(pathname) ?? []
    if (name?.startsWith('skalin.min.js')) return file(dist, name)
    if (folder === 'analytics-next/bundles/') return file(segment, name)
    return file(/^(inspector\.|icon)/.test(name) ? inspector : stage, folder + name)
  }

  /** The inspector's page with the parts of the stage in their places. */
  async function html() {
    const parts = await readFile(new URL('demo/stage.html', root), 'utf8')
    const [, ...named] = parts.split(/<!-- (\w+) -->/)
    let page = await readFile(new URL('index.html', inspector), 'utf8')
    for (let index = 0; index < named.length; index += 2) {
      const [name, part] = named.slice(index)
      const place = new RegExp(`<!-- stage: ${name} -->(.*<!-- /stage: ${name} -->)?`, 's')
      page = page.replace(place, () => part)
    }
    return page
      .replace('name="collector" content=""', `name="collector" content="${control}"`)
      .replace('{{endpoint}}', collector.endpoint)
  }

  /** What the page may load and where it may send: no more than its address asks for. */
  function policy(query) {
    const isReal = query.has('writeKey')
    const endpoint = URL.canParse(query.get('endpoint'))
      ? new URL(query.get('endpoint')).origin
      : ''
    // A host may hold what ends a directive, or a policy. https://www.w3.org/TR/CSP3/#grammardef-host-part
    const isSource = /^https?:\/\/[\w.:[\]-]+$/.test(endpoint)
    const connect = [
      collector.origin,
      control,
      ...(isReal ? ['https://cdn.segment.com', 'https://api.segment.io'] : []),
      ...(isSource ? [endpoint] : []),
    ]
    return [
      "default-src 'none'",
      `script-src 'self'${isReal ? ' https://cdn.segment.com' : ''}`,
      "style-src 'self'",
      "img-src 'self'",
      `connect-src 'self' ${connect.join(' ')}`,
      "require-trusted-types-for 'script'",
      'trusted-types default',
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join('; ')
  }

  /** Segment's own snippet, in a file of its own for the sake of the policy. */
  function snippet(writeKey) {
    if (writeKey !== null) {
      if (!/^\w{1,64}$/.test(writeKey)) return { status: 400, body: 'This is no write key.' }
      return { type: '.js', body: segmentSnippet({ apiKey: writeKey, page: false }) }
    }
    const load = { integrations: { 'Segment.io': false } }
    const code = segmentSnippet({
      apiKey: 'demo',
      load,
      page: false,
      host,
      useHostForBundles: true,
    })
    // The template knows only https.
    return { type: '.js', body: code.replaceAll(`https://${host}`, origin) }
  }

  return {
    origin,
    collector,
    async close() {
      server.close()
      server.closeAllConnections()
      await collector.close()
    },
  }
}

const file = async (folder, name) => ({
  type: extname(name),
  body: await readFile(new URL(name, folder)),
})
