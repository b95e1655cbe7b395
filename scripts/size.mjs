// npm run size: what the built package weighs, against the limits that package.json sets.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const root = new URL('..', import.meta.url)
const { version, sizeLimits } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))

const gzipped = (bytes) => gzipSync(bytes, { level: 9 }).length

/** Our part of an application's bundle, as a bundler minifies it. */
async function ownCode() {
  const { outputFiles } = await build({
    absWorkingDir: fileURLToPath(root),
    entryPoints: ['src/index.ts'],
    tsconfig: 'src/tsconfig.json',
    define: { __VERSION__: JSON.stringify(version) },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2021',
    packages: 'external',
    write: false,
  })
  return outputFiles[0].contents
}

/** The gzipped sizes in bytes, each with its limit. */
export async function measureSizes() {
  const sizes = {
    'script-tag build': gzipped(readFileSync(new URL('dist/skalin.min.js', root))),
    'own code': gzipped(await ownCode()),
  }
  return Object.entries(sizes).map(([name, size]) => ({ name, size, limit: sizeLimits[name] }))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const { name, size, limit } of await measureSizes()) {
    const isOver = !(size <= limit)
    console.log(`${name}: ${size} bytes gzipped, limit ${limit}${isOver ? ', too large' : ''}`)
    if (isOver) process.exitCode = 1
  }
}
