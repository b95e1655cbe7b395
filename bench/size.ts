import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const dist = (name: string) => fileURLToPath(new URL(`../dist/${name}`, import.meta.url))
const source = (name: string) => fileURLToPath(new URL(`../src/${name}`, import.meta.url))

const gzipped = (code: string | Uint8Array) => gzipSync(code, { level: 9 }).length

const bundle = (entry: string) =>
  build({
    entryPoints: [entry],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2021',
    write: false,
    metafile: true,
    legalComments: 'none',
    define: { __VERSION__: '""' },
    tsconfigRaw: {},
  })

export type Size = { what: string; bytes: number; atMost?: number }

const parts: [what: string, files: RegExp][] = [
  [
    'Storing: IndexedDB, memory, leases, limits, tabs',
    /delivery\/(client|database|held|leases|lookout|outbox|place|queue|request|row|store|tabs|trim|writer)\./,
  ],
  ['Sending: order, requests, backoff, breaker, collectors without CORS', /delivery\//],
  ['What a hit says: names, identity, customer, ids, URL', /hit\//],
  ['Settings, and what is wrong with them', /settings\./],
  ['Segment: middleware, registrations, calls as they were made, its stored user', /segment\//],
  ['Visits, persons, unknown visitors', /visitor\//],
  ['The page, hooks, consent, reports', /./],
]

/** What our own code is made of, minified. */
export async function measureParts(): Promise<Size[]> {
  const { metafile } = await bundle(source('index.ts'))
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
  const { outputFiles } = await bundle(dist('index.js'))
  return [
    {
      what: 'Script tag: `dist/skalin.min.js`',
      bytes: gzipped(await readFile(dist('skalin.min.js'))),
      atMost: 16_000,
    },
    {
      what: 'npm: `dist/index.js` in a minified bundle',
      bytes: gzipped(outputFiles[0]?.contents ?? ''),
    },
  ]
}
