import { SourceMap, type SourceMapPayload } from 'node:module'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { build } from 'esbuild'
import { publint } from 'publint'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import webpack from 'webpack'
import packageJson from '../../package.json' with { type: 'json' }
import { type Collector, createCollector } from '../../src/testing/index.ts'
import { type TestBrowser, launchBrowser } from '../support/browser.ts'
import { patienceMs } from '../support/deadline.ts'
import { errorsOf } from '../support/rig.ts'
import { type Site, createSite } from '../support/site.ts'
import { type Workplace, createWorkplace, filesIn, read, root, run } from './install.ts'

let workplace: Workplace
/** The package as a user has it. */
let installed: string

const builds = ['index.js', 'index.cjs', 'skalin.min.js', 'testing.js', 'testing.cjs', 'cli.js']

beforeAll(async () => {
  workplace = await createWorkplace()
  installed = join(await workplace.app('plain', []), 'node_modules', packageJson.name)
})
afterAll(() => workplace.close())

describe('the tarball', () => {
  test('holds these files and no others', async () => {
    expect(await filesIn(installed)).toEqual([
      'LICENSE',
      'README.md',
      'dist/THIRD-PARTY-NOTICES.txt',
      'dist/cli.js',
      'dist/cli.js.map',
      'dist/index.cjs',
      'dist/index.cjs.map',
      'dist/index.d.cts',
      'dist/index.d.ts',
      'dist/index.js',
      'dist/index.js.map',
      'dist/inspect-off.cjs',
      'dist/inspect-off.cjs.map',
      'dist/inspect-off.js',
      'dist/inspect-off.js.map',
      'dist/inspect.cjs',
      'dist/inspect.cjs.map',
      'dist/inspect.d.cts',
      'dist/inspect.d.ts',
      'dist/inspect.js',
      'dist/inspect.js.map',
      'dist/inspector/THIRD-PARTY-NOTICES.md',
      'dist/inspector/icon.svg',
      'dist/inspector/index.html',
      'dist/inspector/inspector.css',
      'dist/inspector/inspector.js',
      'dist/segment-function.js',
      'dist/skalin.min.js',
      'dist/skalin.min.js.map',
      'dist/testing.cjs',
      'dist/testing.cjs.map',
      'dist/testing.d.cts',
      'dist/testing.d.ts',
      'dist/testing.js',
      'dist/testing.js.map',
      'inspect/package.json',
      'package.json',
      'testing/package.json',
    ])
  })

  test('has nothing that publint objects to', async () => {
    const { messages } = await publint({ pkgDir: installed, strict: true, pack: false })
    // Applications are built with older Nodes too: only `./testing` asks for one, in its documentation.
    expect(messages.filter(({ code }) => code !== 'USE_ENGINES_NODE')).toEqual([])
  })

  test('has code and types that every resolution finds, from ESM and from CommonJS', async () => {
    const data = await readFile(workplace.tarball)
    // Nobody imports it: its text is what Segment is given.
    const pasted = './segment-function.js'
    const result = await checkPackage(createPackageFromTarballData(data), {
      excludeEntrypoints: [pasted],
    })
    if (!result.types) throw new Error('The package has no types')
    expect(result.problems).toEqual([])
    expect([...Object.keys(result.entrypoints), pasted].sort()).toEqual(
      Object.keys(packageJson.exports).sort(),
    )
  })

  test('needs no other package, and loads none', async () => {
    const manifest = JSON.parse(await read(installed, 'package.json')) as Record<string, object>
    expect(Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })).toEqual([])
    const { metafile } = await build({
      absWorkingDir: installed,
      entryPoints: Object.fromEntries(builds.map((name) => [name, `dist/${name}`])),
      bundle: true,
      format: 'esm',
      packages: 'external',
      outdir: 'build',
      write: false,
      metafile: true,
    })
    const loaded = Object.values(metafile.inputs).flatMap(({ imports }) => imports)
    expect(loaded.filter(({ path }) => !path.startsWith('node:'))).toEqual([])
    expect(loaded).not.toEqual([])
  })

  test.each(builds)('carries the licence of every package whose code is in %s', async (file) => {
    const { sources } = JSON.parse(await read(installed, 'dist', `${file}.map`)) as SourceMapPayload
    const bundled = new Set(
      sources.flatMap((source) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1] ?? []),
    )
    expect([...bundled]).toEqual(file === 'cli.js' ? ['ky'] : [])

    const notices = await read(installed, 'dist/THIRD-PARTY-NOTICES.txt')
    const [banner] = /^\/\*!.*\*\/$/m.exec(await read(installed, 'dist', file)) ?? []
    if (bundled.size > 0) expect(banner).toContain('THIRD-PARTY-NOTICES.txt')
    for (const name of bundled) {
      const folder = join(root, 'node_modules', name)
      const { license } = JSON.parse(await read(folder, 'package.json')) as { license: string }
      const licence = (await filesIn(folder)).find((path) => /^licen[cs]e$/i.test(path)) ?? ''
      expect(banner).toContain(`${name} (${license})`)
      expect(notices).toContain((await read(folder, licence)).trim())
    }
  })
})

describe.each(builds)('the map of %s', (name) => {
  test('holds the source and leads there', async () => {
    const code = await read(installed, 'dist', name)
    expect(code.trimEnd().split('\n').at(-1)).toBe(`//# sourceMappingURL=${name}.map`)
    const payload = JSON.parse(await read(installed, 'dist', `${name}.map`)) as SourceMapPayload
    const map = new SourceMap(payload)

    const ours = payload.sources.filter((source) => source.startsWith('../src/'))
    expect(ours).not.toEqual([])
    for (const source of ours) {
      const content = payload.sourcesContent[payload.sources.indexOf(source)]
      expect(content).toBe(await read(root, source.slice(3)))
    }

    // What stands in quotes is the same on both sides, so that it shows whether the way is right.
    const strings = [...code.matchAll(/(["'])(?!use strict)([a-z][\w ]{5,})\1/gi)]
    const lost = strings.filter(({ index, 2: text = '' }) => {
      const before = code.slice(0, index).split('\n')
      const entry = map.findEntry(before.length - 1, before.at(-1)?.length ?? 0)
      if (!('originalSource' in entry)) return true
      const content = payload.sourcesContent[payload.sources.indexOf(entry.originalSource)] ?? ''
      const line = content.split('\n')[entry.originalLine] ?? ''
      return !line.slice(entry.originalColumn).includes(text)
    })
    expect(lost.map(([text]) => text)).toEqual([])
    expect(strings.length).toBeGreaterThan(20)
  })
})

describe('an application with the package installed from its tarball', () => {
  let chromium: TestBrowser
  let site: Site
  let collector: Collector

  beforeAll(async () => {
    chromium = await launchBrowser()
    site = await createSite()
    collector = await createCollector()
  })
  afterAll(async () => {
    await chromium.close()
    await site.close()
    await collector.close()
  })

  const template = (name: string) => join(root, 'test/fixtures/apps', name)
  const mimeType = (file: string) => (file.endsWith('.html') ? 'text/html' : 'text/javascript')

  /** Opens what was built into `folder`, and returns the one hit that comes of it. */
  async function hitOf(name: string, folder: string) {
    for (const file of await filesIn(folder)) {
      const headers = { 'content-type': mimeType(file) }
      site.page(`/${name}/${file}`, await read(folder, file), headers)
    }
    const page = await chromium.newPage()
    const errors = errorsOf(page)
    collector.clear()
    await page.goto(`${site.origin}/${name}/index.html`)
    const [received] = await collector.hits({}, patienceMs)
    expect(errors).toEqual([])
    expect(collector.requests).toHaveLength(1)
    await page.close()
    return received?.hit
  }

  test('compiles with TypeScript, builds with Vite and sends its hit', async () => {
    const app = await workplace.app('vite', ['@segment/analytics-next', 'vite'], template('vite'))
    await run(app, ['typescript/bin/tsc'])
    await run(app, ['vite/bin/vite.js', 'build', '--base=./', '--logLevel=warn'], {
      VITE_ENDPOINT: collector.endpoint,
    })
    expect(await hitOf('vite', join(app, 'dist'))).toMatchObject({
      client_id: 'vite-app',
      identity: '{"id":"alice","email":"alice@example.com"}',
    })
  })

  test('builds with webpack and sends its hit', async () => {
    const app = await workplace.app('webpack', ['@segment/analytics-next'], template('webpack'))
    const stats = await new Promise<webpack.Stats | undefined>((resolve, reject) => {
      webpack(
        {
          mode: 'production',
          context: app,
          entry: './main.js',
          output: { path: join(app, 'dist') },
          plugins: [new webpack.DefinePlugin({ ENDPOINT: JSON.stringify(collector.endpoint) })],
        },
        (error, result) => (error ? reject(error) : resolve(result)),
      )
    })
    expect(stats?.toJson({ all: false, errors: true, warnings: true })).toMatchObject({
      errors: [],
      warnings: [],
    })
    site.page('/webpack/index.html', '<!doctype html><script src="main.js"></script>')
    expect(await hitOf('webpack', join(app, 'dist'))).toMatchObject({
      client_id: 'webpack-app',
      identity: '{"id":"alice","email":"alice@example.com"}',
    })
  })
})
