import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import { nodeResolve } from '@rollup/plugin-node-resolve'
import { rollup } from 'rollup'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Collector, createCollector } from '../../src/testing/index.ts'
import { type TestBrowser, launchBrowser } from '../support/browser.ts'
import { patienceMs } from '../support/deadline.ts'
import { errorsOf } from '../support/rig.ts'
import { type Site, createSite } from '../support/site.ts'
import { type Workplace, createWorkplace, root, run } from './install.ts'

// The tools that need a minute each are in test/toolchains.

let workplace: Workplace
let collector: Collector
beforeAll(async () => {
  workplace = await createWorkplace()
  collector = await createCollector()
})
afterAll(async () => {
  await workplace.close()
  await collector.close()
})

describe("an application's own unit tests", () => {
  let app: string
  beforeAll(async () => {
    const template = join(root, 'test/fixtures/apps/unit')
    const packages = [
      '@segment/analytics-next',
      'jest-environment-jsdom',
      'jsdom',
      'happy-dom',
      'vitest',
    ]
    app = await workplace.app('unit', packages, template)
    await writeFile(join(app, 'package.json'), '{ "private": true }')
  })

  /** Runs them; who hangs, complains, or reaches out of this machine, fails. */
  async function unitTests(command: [string, ...string[]], nodeOptions = ''): Promise<void> {
    const guard = `--require ${JSON.stringify(join(app, 'offline.cjs'))}`
    const said = await run(app, command, {
      NODE_ENV: 'test',
      NODE_OPTIONS: `${guard} ${nodeOptions}`,
      ENDPOINT: collector.endpoint,
    })
    expect(said).not.toMatch(/OUTSIDE|did not exit|open handle|console\.(error|warn)/)
  }

  const jest = (...files: string[]): [string, ...string[]] => [
    'jest/bin/jest.js',
    '--ci',
    '--runInBand',
    '--testMatch',
    ...files.map((file) => `**/${file}`),
  ]

  const featuresArrived = () =>
    collector.requests.filter(({ hit }) => hit.event).map(({ hit }) => hit.event)

  test('by Jest, in jsdom and in Node, in CommonJS: with a fetch the hits reach the endpoint', async () => {
    collector.clear()
    await unitTests(jest('{jsdom,node}.test.cjs'))
    expect(featuresArrived()).toEqual([])
    await unitTests(jest('fetch.test.cjs'))
    expect(featuresArrived()).toEqual(['{"name":"Import","event_name":"feature"}'])
  })

  test('by Jest, in jsdom and in Node, in ESM', () =>
    unitTests(jest('*.test.mjs'), '--experimental-vm-modules'))

  test.each(['jsdom', 'happy-dom'])(
    'by Vitest, in %s: the hits reach the endpoint',
    async (dom) => {
      collector.clear()
      const given = ['run', '--globals', '--environment', dom, 'jsdom.test.mjs']
      await unitTests(['vitest/vitest.mjs', ...given])
      expect(featuresArrived()).toEqual(['{"name":"Import","event_name":"feature"}'])
    },
  )
})

describe('plain Node', () => {
  const entries = `['skalin-analytics-plugin', 'skalin-analytics-plugin/testing']`

  test.each([
    ['requires', 'commonjs', `${entries}.map((entry) => Object.keys(require(entry)))`],
    [
      'imports',
      'module',
      `(await Promise.all(${entries}.map((entry) => import(entry)))).map((entry) => Object.keys(entry))`,
    ],
  ])('%s both entry points', async (_, type, code) => {
    const app = await workplace.app(`node-${type}`, [])
    await writeFile(join(app, 'package.json'), JSON.stringify({ private: true, type }))
    await writeFile(join(app, 'main.js'), `console.log(JSON.stringify(${code}))`)
    const said = await run(app, [join(app, 'main.js')])
    expect(JSON.parse(said)).toEqual([['skalin'], ['createCollector']])
  })
})

describe('TypeScript finds both entry points', () => {
  const { ModuleKind, ModuleResolutionKind } = ts
  const modes: [string, string, ts.CompilerOptions][] = [
    [
      'node10',
      'main.ts',
      {
        module: ModuleKind.CommonJS, // eslint-disable-next-line @typescript-eslint/no-deprecated -- many still have it
        moduleResolution: ModuleResolutionKind.Node10,
        ignoreDeprecations: '6.0',
      },
    ],
    ['node16, from CommonJS', 'main.cts', { module: ModuleKind.Node16 }],
    ['node16, from ESM', 'main.mts', { module: ModuleKind.Node16 }],
    ['nodenext, from CommonJS', 'main.cts', { module: ModuleKind.NodeNext }],
    ['nodenext, from ESM', 'main.mts', { module: ModuleKind.NodeNext }],
    [
      'bundler',
      'main.ts',
      { module: ModuleKind.ESNext, moduleResolution: ModuleResolutionKind.Bundler },
    ],
  ]

  test.each(modes)('by %s', async (name, file, options) => {
    const app = await workplace.app(name.replace(/\W+/g, '-'), ['@types/node', 'undici-types'])
    const main = join(app, file)
    await writeFile(
      main,
      `import { skalin, type SkalinPlugin } from 'skalin-analytics-plugin'
      import { createCollector, type Collector } from 'skalin-analytics-plugin/testing'
      export const plugin: SkalinPlugin = skalin({ clientId: 'c' })
      export const collector: Promise<Collector> = createCollector()
      // @ts-expect-error -- types that were not found would take anything
      skalin({ clientID: 'c' })`,
    )
    const program = ts.createProgram([main], {
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
      types: ['node'],
      typeRoots: [join(app, 'node_modules/@types')],
      strict: true,
      skipLibCheck: true,
      noEmit: true,
      ...options,
    })
    const said = ts
      .getPreEmitDiagnostics(program)
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
    expect(said).toEqual([])
  })
})

describe('a page whose code is bundled', () => {
  let chromium: TestBrowser
  let site: Site
  let app: string
  beforeAll(async () => {
    chromium = await launchBrowser()
    site = await createSite()
    app = await workplace.app('bundled', ['@segment/analytics-next'])
  })
  afterAll(async () => {
    await chromium.close()
    await site.close()
  })

  const usual = (factories: string) => `
    const analytics = AnalyticsBrowser.load({ writeKey: 'bundled', cdnURL: location.origin })
    const settings = { clientId: 'bundled', endpoint: '${collector.endpoint}', anonymous: 'send' }
    for (const make of [${factories}]) void analytics.register(make(settings))
    void analytics.ready(() => analytics.track('Import'))`

  /** The features that come of a page with this script, once it has done. */
  async function featuresOf(script: string) {
    collector.clear()
    const page = await chromium.newPage()
    const errors = errorsOf(page)
    site.page('/bundle.js', script, { 'content-type': 'text/javascript' })
    await page.goto(
      site.page('/bundled', '<!doctype html><script type="module" src="/bundle.js"></script>'),
    )
    await collector.hits({}, patienceMs)
    // What is twice on its way would have come by then.
    await page.goto('about:blank')
    await page.close()
    expect(errors).toEqual([])
    return collector.requests.map(({ hit }) => hit.event)
  }
  const once = ['{"name":"Import","event_name":"feature"}']

  const bundle = async (contents: string) => {
    const { outputFiles } = await build({
      absWorkingDir: app,
      stdin: { contents, resolveDir: app },
      bundle: true,
      format: 'esm',
      write: false,
    })
    return outputFiles[0]?.text ?? ''
  }

  test('by esbuild sends its hit', async () => {
    const code = await bundle(`
      import { AnalyticsBrowser } from '@segment/analytics-next'
      import { skalin } from 'skalin-analytics-plugin'
      ${usual('skalin')}`)
    expect(await featuresOf(code)).toEqual(once)
  })

  test('by Rollup sends its hit', async () => {
    const main = join(app, 'main.mjs')
    await writeFile(
      main,
      `import { skalin } from 'skalin-analytics-plugin'
      const { AnalyticsBrowser } = window
      ${usual('skalin')}`,
    )
    const rolled = await rollup({ input: main, plugins: [nodeResolve({ browser: true })] })
    const { output } = await rolled.generate({ format: 'es' })
    const segment = await bundle(`
      import { AnalyticsBrowser } from '@segment/analytics-next'
      window.AnalyticsBrowser = AnalyticsBrowser`)
    expect(await featuresOf(`${segment};{\n${output[0].code}}`)).toEqual(once)
  })

  test('with both formats of the package in it sends one hit a call', async () => {
    const code = await bundle(`
      import { AnalyticsBrowser } from '@segment/analytics-next'
      import { skalin } from 'skalin-analytics-plugin'
      const common = require('skalin-analytics-plugin')
      if (common.skalin === skalin) throw new Error('One format only')
      ${usual('skalin, common.skalin')}`)
    expect(await featuresOf(code)).toEqual(once)
  })
})
