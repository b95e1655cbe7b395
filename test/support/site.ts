import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { OutgoingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { min as segmentSnippet } from '@segment/snippet'
import { build } from 'esbuild'

const root = new URL('../../', import.meta.url)
const mimeTypes: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json',
  map: 'application/json',
}

export interface SiteOptions {
  /** Laid over what Segment's CDN says of a source; `integrations` are merged. */
  settings?: { integrations?: object; [key: string]: unknown }
  /** Awaited before the CDN answers with the settings. */
  delaySettings?: () => Promise<unknown>
}

export interface NpmPageOptions {
  /** What `skalin()` is called with, in JavaScript. Without it no plugin is registered. */
  settings?: string
  /** The options of `AnalyticsBrowser.load()`, in JavaScript. */
  loadOptions?: string
  body?: string
}

export interface ScriptPageOptions {
  /** Of our script tag, over `async` and `src`; `false` leaves one out. */
  attributes?: Record<string, string | boolean>
  snippetOptions?: Parameters<typeof segmentSnippet>[0]
  /** Where our tag stands: before the snippet, after it, or without one. */
  order?: 'before' | 'after' | 'alone'
  body?: string
}

export interface Site {
  origin: string
  /** Serves `html` at `path` from now on, and returns its address. */
  page: (path: string, html: string, headers?: OutgoingHttpHeaders) => string
  /** A page with a bundled app: `window.analytics` is loaded, `window.plugin` registered. */
  npmPage: (options?: NpmPageOptions) => string
  /** A page with our script tag and Segment's own snippet. */
  scriptPage: (options?: ScriptPageOptions) => string
  /** How often `path` was asked for. */
  visits: (path: string) => number
  close: () => Promise<void>
}

interface Answer {
  body: string | Buffer
  headers?: OutgoingHttpHeaders
  status?: number
}

/** A web site on this machine that is Segment's CDN and API as well: the real ones hear nothing. */
export async function createSite({ settings, delaySettings }: SiteOptions = {}): Promise<Site> {
  const npmEntry = await bundleNpmEntry()
  const pages = new Map<string, Answer>()
  const visited: string[] = []

  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', origin)
    visited.push(pathname)
    void answer(pathname)
      .catch((error: unknown) => ({ status: 500, body: String(error) }))
      .then(({ status = 200, headers = {}, body }: Answer) => {
        response.writeHead(status, headers).end(body)
      })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const origin = `http://${host}`

  async function answer(path: string): Promise<Answer> {
    const page = pages.get(path)
    if (page) return page
    if (path === '/npm-entry.js') return { body: npmEntry, headers: typeOf(path) }
    if (path.startsWith('/dist/')) return file('dist', path)

    const [, writeKey] = /^\/v1\/projects\/([^/]+)\/settings$/.exec(path) ?? []
    if (writeKey) {
      await delaySettings?.()
      return json(sourceSettings(writeKey))
    }
    if (path.startsWith('/analytics.js/v1/')) {
      // It takes its CDN from its own script tag only if that is https, else the real one.
      const standalone = await segmentFile('standalone.js')
      const body = standalone.body.toString().replaceAll('https://cdn.segment.com', origin)
      return { ...standalone, body }
    }
    if (path.startsWith('/analytics-next/bundles/')) return segmentFile(path)
    if (path.startsWith('/segment/')) return json({})

    // A browser asks for it by itself, and would log a 404 as an error of the page.
    if (path === '/favicon.ico') return { status: 204, body: '' }
    return { status: 404, body: `Nothing at ${path}` }
  }

  const sourceSettings = (writeKey: string) => ({
    plan: {
      track: { __default: { enabled: true, integrations: {} } },
      identify: { __default: { enabled: true } },
      group: { __default: { enabled: true } },
    },
    middlewareSettings: {},
    enabledMiddleware: {},
    metrics: { sampleRate: 0 },
    legacyVideoPluginsEnabled: false,
    remotePlugins: [],
    ...settings,
    integrations: {
      'Segment.io': {
        apiKey: writeKey,
        unbundledIntegrations: [],
        addBundledMetadata: true,
        maybeBundledConfigIds: {},
        versionSettings: { version: '4.4.7', componentTypes: ['browser'] },
        apiHost: `${host}/segment`,
        protocol: 'http',
      },
      ...settings?.integrations,
    },
  })

  const snippetTag = (options: ScriptPageOptions['snippetOptions']) => {
    const code = segmentSnippet({ apiKey: 'script', ...options, host })
    // The template knows only https.
    return `<script>${code.replace(`https://${host}`, origin)}</script>`
  }

  return {
    origin,
    visits: (path) => visited.filter((visit) => visit === path).length,
    page: (path, html, headers) => {
      const { href, pathname } = new URL(path, origin)
      pages.set(pathname, { body: html, headers: { ...typeOf('html'), ...headers } })
      return href
    },
    npmPage: ({ settings, loadOptions = '{}', body = '' } = {}) => `<!doctype html>
<title>npm</title>
<script type="module" src="/npm-entry.js"></script>
<script type="module">
  const source = { writeKey: 'npm', cdnURL: location.origin }
  window.analytics = AnalyticsBrowser.load(source, ${loadOptions})
  ${settings === undefined ? '' : `analytics.register((window.plugin = skalin(${settings})))`}
</script>
${body}`,
    scriptPage: ({ attributes, snippetOptions, order = 'after', body = '' } = {}) => {
      const ours = scriptTag({ async: true, src: '/dist/skalin.min.js', ...attributes })
      const segments = snippetTag(snippetOptions)
      const tags = { before: [ours, segments], after: [segments, ours], alone: [ours] }[order]
      return ['<!doctype html>', '<title>script</title>', ...tags, body].join('\n')
    },
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** The last part of the path only, so that no request leaves the folder. */
async function file(folder: string, path: string): Promise<Answer> {
  const body = await readFile(new URL(`${folder}/${basename(path)}`, root))
  return { body, headers: typeOf(path) }
}

const segmentFile = (path: string) => file('node_modules/@segment/analytics-next/dist/umd', path)

const typeOf = (name: string) => ({
  'content-type': mimeTypes[name.slice(name.lastIndexOf('.') + 1)] ?? 'text/plain',
})

const json = (value: unknown): Answer => ({
  body: JSON.stringify(value),
  headers: typeOf('json'),
})

function scriptTag(attributes: Record<string, string | boolean>): string {
  const written = Object.entries(attributes)
    .filter(([, value]) => value !== false)
    .map(([name, value]) => (value === true ? name : `${name}="${escapeAttribute(String(value))}"`))
  return `<script ${written.join(' ')}></script>`
}

const escapeAttribute = (text: string) => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;')

let npmEntryBundle: Promise<string> | undefined

function bundleNpmEntry(): Promise<string> {
  npmEntryBundle ??= build({
    entryPoints: [fileURLToPath(new URL('npm-entry.ts', import.meta.url))],
    bundle: true,
    format: 'esm',
    write: false,
    // No `paths`: the package is what its `exports` say, the build.
    tsconfigRaw: {},
  }).then(({ outputFiles }) => outputFiles[0]?.text ?? '')
  return npmEntryBundle
}
