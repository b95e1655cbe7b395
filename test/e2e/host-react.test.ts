import { fileURLToPath } from 'node:url'
import { type Rolldown, build } from 'vite'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { featureOf } from '../support/fault-rig.ts'
import { patienceMs } from '../support/deadline.ts'
import { errorsOf } from '../support/rig.ts'
import { shareRig } from '../support/shared-rig.ts'

const { chromium, rig } = await shareRig()

const mimeTypes: Record<string, string> = { html: 'text/html', js: 'text/javascript' }

/** Builds the application as `vite build` does, and serves it. */
async function serveApp(mode: 'development' | 'production'): Promise<void> {
  // In development React calls the effects of StrictMode twice.
  vi.stubEnv('NODE_ENV', mode)
  const built = (await build({
    root: fileURLToPath(new URL('../fixtures/react-app', import.meta.url)),
    configFile: false,
    logLevel: 'warn',
    base: `/${mode}/`,
    mode,
    build: { write: false },
  })) as Rolldown.RolldownOutput
  vi.unstubAllEnvs()
  for (const file of built.output) {
    const type = mimeTypes[file.fileName.replace(/.*\./, '')] ?? 'text/plain'
    const content = file.type === 'chunk' ? file.code : String(file.source)
    rig.site.page(`/${mode}/${file.fileName}`, content, {
      'content-type': `${type}; charset=utf-8`,
    })
  }
}

describe.each([
  ['development', 2],
  ['production', 1],
] as const)('a Vite and React application in StrictMode, built for %s', (mode, effects) => {
  beforeAll(() => serveApp(mode))

  test.for([
    ['for good, before Segment has loaded', ''],
    ['for as long as a component is mounted', '&while-mounted'],
  ])('that registers %s sends every hit once', async ([, variant]) => {
    const context = await chromium.browser.newContext()
    const page = await context.newPage()
    const errors = errorsOf(page)
    const endpoint = encodeURIComponent(rig.collector.endpoint)
    await page.goto(`${rig.site.origin}/${mode}/index.html?endpoint=${endpoint}${variant}`)
    await page.getByText('Log in').click()
    await page.getByText('Order').click()
    await page.getByText('Order').click()

    const hits = (await rig.collector.hits({ count: 3 }, patienceMs)).map(({ hit }) => hit)
    expect(hits.map((hit) => featureOf(hit) || hit.action).sort()).toEqual([
      'Ordered 1',
      'Ordered 2',
      'ui',
    ])
    expect(rig.collector.requests).toHaveLength(3)
    expect(await page.evaluate('window.effects')).toBe(effects)
    expect(errors).toEqual([])
    await context.close()
  })
})
