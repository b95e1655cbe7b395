import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const dist = (name: string) => fileURLToPath(new URL(`../dist/${name}`, import.meta.url))
const source = (name: string) => fileURLToPath(new URL(`../src/${name}`, import.meta.url))

const gzipped = (code: string | Uint8Array) => gzipSync(code, { level: 9 }).length

const bundle = (entry: string, external: string[]) =>
  build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2021',
    write: false,
    metafile: true,
    legalComments: 'none',
    external,
    define: { __VERSION__: '""' },
    tsconfigRaw: {},
  })

async function bundled(entry: string, external: string[] = []): Promise<number> {
  const { outputFiles } = await bundle(entry, external)
  return gzipped(outputFiles[0]?.contents ?? '')
}

export type Size = { what: string; bytes: number }

const parts: [what: string, files: RegExp][] = [
  [
    'Storing: IndexedDB, memory, leases, limits, tabs',
    /delivery\/(database|outbox|rows|table|tabs|trim)/,
  ],
  ['Sending: requests, backoff, breaker, collectors without CORS', /delivery\//],
  ['What a hit says: names, identity, customer, ids, URL', /hit\//],
  ['Settings, and what is wrong with them', /settings/],
  [
    'Segment: hooks, middleware, registrations, calls as they were made',
    /(plugin|host|middleware|registrations|calls|seen|shared)\.ts/,
  ],
  ['The page, visits, unknown visitors, consent, reports', /./],
]

/** What our own code is made of, minified. */
export async function measureParts(): Promise<Size[]> {
  const { metafile } = await bundle(source('index.ts'), ['ky', 'idb'])
  const inputs = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.entries(inputs))
  const partOf = (file: string) => parts.find(([, files]) => files.test(file))?.[0]
  return parts.map(([what]) => ({
    what,
    bytes: inputs
      .filter(([file]) => partOf(file) === what)
      .reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0),
  }))
}

/** What a page loads, by `gzip -9`. */
export async function measureSizes(): Promise<Size[]> {
  const [script, whole, own] = await Promise.all([
    readFile(dist('skalin.min.js')).then(gzipped),
    bundled(dist('index.js')),
    bundled(source('index.ts'), ['ky', 'idb']),
  ])
  return [
    { what: 'Script tag: `dist/skalin.min.js`', bytes: script },
    { what: 'npm: `dist/index.js` in a minified bundle, with ky and idb', bytes: whole },
    { what: 'npm: the same without ky and idb, our own code', bytes: own },
  ]
}
