import { exec, execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Collector, createCollector } from '../../src/testing/index.ts'
import { filesIn, read, type Workplace, createWorkplace } from '../publish/install.ts'
import { type TestBrowser, launchBrowser } from '../support/browser.ts'
import { patienceMs } from '../support/deadline.ts'
import { errorsOf } from '../support/rig.ts'
import { type Site, createSite } from '../support/site.ts'

// Installed from npm, as a user would: `npm run soak` and CI run them.

let workplace: Workplace
let collector: Collector
let site: Site
let chromium: TestBrowser
const folders: string[] = []

beforeAll(async () => {
  workplace = await createWorkplace()
  collector = await createCollector()
  site = await createSite()
  chromium = await launchBrowser()
})
afterAll(async () => {
  await workplace.close()
  await collector.close()
  await site.close()
  await chromium.close()
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

/** An application of these packages and ours, with these files. */
async function install(packages: string, files: Record<string, string>): Promise<string> {
  const app = await mkdtemp(join(tmpdir(), 'skalin-tool-'))
  folders.push(app)
  for (const [name, text] of Object.entries({ 'package.json': '{ "private": true }', ...files })) {
    await mkdir(dirname(join(app, name)), { recursive: true })
    await writeFile(join(app, name), text)
  }
  const ours = `@segment/analytics-next "${workplace.tarball}"`
  await promisify(exec)(`npm install --ignore-scripts --no-audit --no-fund ${packages} ${ours}`, {
    cwd: app,
  })
  return app
}

const runIn = async (app: string, program: string, ...args: string[]): Promise<string> => {
  const env = { ...process.env, NODE_ENV: undefined, NEXT_TELEMETRY_DISABLED: '1', CI: '1' }
  const path = join(app, 'node_modules/.bin', program)
  const { stdout } = await promisify(execFile)(path, args, { cwd: app, env })
  return stdout
}

/** Where an application registers the plugin and makes a call. */
const main = () => `
  import { AnalyticsBrowser } from '@segment/analytics-next'
  import { skalin } from 'skalin-analytics-plugin'
  export function start() {
    const analytics = AnalyticsBrowser.load({ writeKey: 'tool', cdnURL: location.origin })
    void analytics.register(skalin({ clientId: 'tool', endpoint: '${collector.endpoint}' }))
    void analytics.identify('alice')
  }`

/** Opens what was built into \`folder\`: its page makes one hit. */
async function sendsItsHit(folder: string, base: string): Promise<void> {
  for (const file of await filesIn(folder)) {
    const type = { html: 'text/html', js: 'text/javascript', css: 'text/css' }[
      file.replace(/.*\./, '')
    ]
    if (type) site.page(`${base}/${file}`, await read(folder, file), { 'content-type': type })
  }
  const page = await chromium.newPage()
  const errors = errorsOf(page)
  collector.clear()
  await page.goto(`${site.origin}${base}/index.html`)
  const [received] = await collector.hits({}, patienceMs)
  expect(received?.hit).toMatchObject({ client_id: 'tool', identity: '{"id":"alice"}' })
  expect(errors).toEqual([])
  await page.close()
}

test('Parcel builds, and the page sends its hit', async () => {
  const app = await install('parcel@2.16.4', {
    'index.html': '<!doctype html><script type="module" src="main.js"></script>',
    'main.js': `import { start } from './app.js'\nstart()`,
    'app.js': main(),
  })
  await runIn(app, 'parcel', 'build', 'index.html', '--public-url', '/parcel')
  await sendsItsHit(join(app, 'dist'), '/parcel')
})

test('Next.js builds and renders, and the page sends its hit', async () => {
  const app = await install('next react react-dom', {
    'next.config.mjs': `export default { output: 'export' }`,
    'app/layout.js': `export default function Layout({ children }) { return <html><body>{children}</body></html> }`,
    'app/page.js': `import { Start } from './start.js'\nexport default function Page() { return <main><h1>Home</h1><Start /></main> }`,
    'app/start.js': `'use client'\nimport { useEffect } from 'react'\nimport { start } from './analytics.js'\nexport function Start() { useEffect(start, []); return null }`,
    'app/analytics.js': main(),
  })
  await runIn(app, 'next', 'build')
  expect(await read(app, 'out/index.html')).toContain('<h1>Home</h1>')
  // Its pages ask for `/_next`.
  for (const file of await filesIn(join(app, 'out'))) {
    if (file.endsWith('.js')) {
      const headers = { 'content-type': 'text/javascript' }
      site.page(`/${file}`, await read(app, 'out', file), headers)
    }
  }
  await sendsItsHit(join(app, 'out'), '/next')
})

// The last that run on Node 20.
const svelteKit =
  '@sveltejs/kit@2 @sveltejs/adapter-static@3 @sveltejs/vite-plugin-svelte@6 svelte@5 vite@7'

test('SvelteKit builds and renders, and the page sends its hit', async () => {
  const app = await install(svelteKit, {
    'package.json': '{ "private": true, "type": "module" }',
    'svelte.config.js': `import adapter from '@sveltejs/adapter-static'\nexport default { kit: { adapter: adapter(), paths: { base: '/sveltekit' } } }`,
    'vite.config.js': `import { sveltekit } from '@sveltejs/kit/vite'\nexport default { plugins: [sveltekit()] }`,
    'src/app.html':
      '<!doctype html><html><head>%sveltekit.head%</head><body>%sveltekit.body%</body></html>',
    'src/routes/+layout.js': 'export const prerender = true',
    'src/routes/+page.svelte': `<script>\nimport { onMount } from 'svelte'\nimport { start } from '$lib/analytics.js'\nonMount(start)\n</script>\n<h1>Home</h1>`,
    'src/lib/analytics.js': main(),
  })
  await runIn(app, 'vite', 'build')
  expect(await read(app, 'build/index.html')).toContain('<h1>Home</h1>')
  await sendsItsHit(join(app, 'build'), '/sveltekit')
})

test.each([
  ['Deno', 'deno', ['run', '--allow-all', '--no-lock', 'main.mjs']],
  ['Bun', 'bun', ['run', 'main.mjs']],
])('%s imports both entry points', async (_, program, args) => {
  const app = await install(program, {
    'main.mjs': `
      import { skalin } from 'skalin-analytics-plugin'
      import { createCollector } from 'skalin-analytics-plugin/testing'
      const collector = await createCollector()
      const plugin = skalin({ clientId: 'tool', endpoint: collector.endpoint })
      await plugin.flush()
      console.log(plugin.name, collector.requests.length)
      await collector.close()`,
  })
  // Installs no binary by itself where scripts are off; it came with the package.
  if (program === 'bun') await promisify(exec)('node node_modules/bun/install.js', { cwd: app })
  expect((await runIn(app, program, ...args)).trim()).toBe('Skalin 0')
})
