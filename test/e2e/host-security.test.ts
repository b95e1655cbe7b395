import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isChromium, launchBrowser } from '../support/browser.ts'
import { featureOf } from '../support/fault-rig.ts'
import { patienceMs } from '../support/deadline.ts'
import { type Build, builds, errorsOf } from '../support/rig.ts'
import { bundle, shareRig } from '../support/shared-rig.ts'

const { chromium, rig } = await shareRig()

const javascript = {
  'content-type': 'text/javascript; charset=utf-8',
  // A sandboxed frame has no origin of its own.
  'access-control-allow-origin': '*',
}

const loaded = `AnalyticsBrowser.load(
  { writeKey: 'npm', cdnSettings: { integrations: {} } },
  { integrations: { 'Segment.io': false } },
)`

/** An application that asks nobody but the collector. */
function application(which: Build, analytics: string, more = ''): Promise<string> {
  const factory = which === 'npm' ? 'skalin' : 'window.skalinPlugin'
  return bundle(`
    import { Analytics, AnalyticsBrowser } from '@segment/analytics-next'
    import { skalin } from 'skalin-analytics-plugin'
    const analytics = ${analytics}
    void analytics.register(${factory}({
      clientId: 'test-client', endpoint: '${rig.collector.endpoint}',
    }))
    ${more}
    void analytics.page('Start')
    void analytics.identify('alice', { email: 'alice@example.com' })
    void analytics.track('Used')`)
}

const arrived = async () =>
  (await rig.collector.hits({ count: 3 }, patienceMs))
    .map(({ hit }) => featureOf(hit) || hit.action)
    .sort()

describe.each(builds)('the %s build', (which) => {
  const scripts = `${which === 'script' ? '<script src="/dist/skalin.min.js"></script>' : ''}
    <script type="module" src="/${which}.js"></script>`

  test('works under a strict policy: own scripts, no connection but the endpoint, trusted types', async () => {
    rig.site.page(`/${which}.js`, await application(which, loaded), javascript)
    rig.site.page(
      '/violations.js',
      `window.violations = []
      document.addEventListener('securitypolicyviolation', ({ violatedDirective, sourceFile }) =>
        window.violations.push([violatedDirective, sourceFile]))`,
      javascript,
    )
    const policy = [
      "default-src 'none'",
      "script-src 'self'",
      // For the icon that a browser asks for by itself.
      "img-src 'self'",
      `connect-src ${rig.collector.endpoint}`,
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ]
    const html = `<!doctype html><script src="/violations.js"></script>${scripts}`
    const headers = { 'content-security-policy': policy.join('; ') }
    const context = await chromium.browser.newContext()
    const page = await context.newPage()
    const errors = errorsOf(page)
    await page.goto(rig.site.page(`/csp/${which}`, html, headers))

    expect(await arrived()).toEqual(['Start', 'Used', 'ui'])
    expect(await page.evaluate('window.violations')).toEqual([])
    expect(errors).toEqual([])
    // The policy is in force.
    expect(await page.evaluate("fetch('/anything').catch(() => 'refused')")).toBe('refused')
    await expect(page.evaluate("document.body.innerHTML = '<p>'")).rejects.toThrow('TypeError')
    await context.close()
  })

  test('works in a sandboxed frame, which has no origin and no storage', async () => {
    // Without what `AnalyticsBrowser` adds: its page enrichment reads cookies, fails there, and so
    // keeps every event from every destination.
    const full = `const full = ${loaded}
      void full.register(${which === 'npm' ? 'skalin' : 'window.skalinPlugin'}({
        clientId: 'full', endpoint: '${rig.collector.endpoint}', anonymous: 'send',
      }))
      void full.track('Kept from every destination')
      await full
      void full.track('Kept from every destination, too')`
    const app = await application(which, "new Analytics({ writeKey: 'npm' })", full)
    rig.site.page(`/${which}.js`, app, javascript)
    const framed = rig.site.page(`/framed/${which}`, `<!doctype html>${scripts}`)
    const context = await chromium.browser.newContext()
    const page = await context.newPage()
    const errors = errorsOf(page)
    const frame = `<iframe sandbox="allow-scripts" src="${framed}"></iframe>`
    await page.goto(rig.site.page(`/sandbox/${which}`, `<!doctype html>${frame}`))

    expect(await arrived()).toEqual(['Start', 'Used', 'ui'])
    expect(new Set(rig.collector.requests.map(({ headers }) => headers.origin))).toEqual(
      new Set(['null']),
    )
    expect(errors).toEqual([])
    await context.close()
  })
})

test.runIf(isChromium)(
  'works on a page of an extension, which may reach all without CORS',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'skalin-extension-'))
    const extension = join(folder, 'extension')
    const manifest = {
      manifest_version: 3,
      name: 'A sidebar',
      version: '1',
      host_permissions: [`${rig.collector.origin}/*`],
    }
    const app = await application('npm', loaded, 'window.analytics = analytics')
    await mkdir(extension)
    await writeFile(join(extension, 'manifest.json'), JSON.stringify(manifest))
    await writeFile(join(extension, 'app.js'), app)
    await writeFile(join(extension, 'page.html'), '<script type="module" src="app.js"></script>')
    const browser = await launchBrowser({ profile: join(folder, 'profile'), extension })
    try {
      const page = await browser.newPage()
      const errors = errorsOf(page)
      await page.goto(`chrome-extension://${idOf(extension)}/page.html`)
      expect(await arrived()).toEqual(['Start', 'Used', 'ui'])
      // They count as accepted: none goes once more, and the one that follows goes at once.
      await page.evaluate(() => void window.analytics.track('Marker'))
      await rig.collector.hits({ where: (hit) => featureOf(hit) === 'Marker' }, patienceMs)
      expect(rig.collector.requests).toHaveLength(4)
      expect(errors).toEqual([])
    } finally {
      await browser.close()
      await rm(folder, { recursive: true, force: true })
    }
  },
)

/** Chromium makes it from the folder, a letter from `a` to `p` for each digit. */
function idOf(extension: string): string {
  const hex = createHash('sha256').update(extension).digest('hex').slice(0, 32)
  return hex.replace(/./g, (digit) => 'abcdefghijklmnop'.charAt(Number.parseInt(digit, 16)))
}

test('in a web worker it is safe and does nothing', async () => {
  const worker = await bundle(`
    import { skalin } from 'skalin-analytics-plugin'
    const said = []
    const nothing = () => undefined
    const ctx = {
      event: { type: 'track', event: 'Used', messageId: 'message-1' },
      log: (level, message) => said.push(message),
    }
    const plugin = skalin({
      clientId: 'test-client', endpoint: '${rig.collector.endpoint}', anonymous: 'send',
    })
    await plugin.load(ctx, { user: nothing, group: nothing, on: nothing, off: nothing })
    const same = plugin.track(ctx) === ctx
    await plugin.flush()
    await plugin.clear()
    postMessage({
      said, same, pending: await plugin.pending(), databases: await indexedDB.databases(),
    })`)
  rig.site.page('/worker.js', worker, javascript)
  const page = await chromium.newPage()
  await page.goto(rig.site.page('/worker', '<!doctype html>'))
  const posted = await page.evaluate(
    () =>
      new Promise((resolve, reject) => {
        const started = new Worker('/worker.js', { type: 'module' })
        started.onmessage = ({ data }) => resolve(data)
        started.onerror = ({ message }) => reject(new Error(message))
      }),
  )

  expect(posted).toEqual({
    said: ['Skalin: This plugin is for browsers and does nothing here.'],
    same: true,
    pending: 0,
    databases: [],
  })
  expect(rig.collector.requests).toEqual([])
  await page.close()
})
