import type { Plugin } from '@segment/analytics-next'
import { beforeAll, describe, expect, test } from 'vitest'
import { type NpmRoute, type Result, npmHosts, npmRoutes } from '../fixtures/matrix.ts'
import { featureOf } from '../support/fault-rig.ts'
import { patienceMs } from '../support/deadline.ts'
import { errorsOf } from '../support/rig.ts'
import { bundle, shareRig } from '../support/shared-rig.ts'

const { chromium, rig } = await shareRig()

beforeAll(async () => {
  await Promise.all(
    npmHosts.map(async ({ installed, version }) => {
      const script = await bundle(`
        import { AnalyticsBrowser } from '${installed}'
        import { skalin } from 'skalin-analytics-plugin'
        Object.assign(window, { AnalyticsBrowser, skalin })`)
      const headers = { 'content-type': 'text/javascript; charset=utf-8' }
      rig.site.page(`/${version}.js`, script, headers)
    }),
  )
})

/** What the page does on each route, between its first call and its second. */
const register: Record<NpmRoute, string> = {
  '`plugins: [skalin()]`': '',
  '`register()` before load': 'void analytics.register(plugin)',
  '`register()` after load': `
    await analytics.ready()
    await first
    await analytics.register(plugin)`,
}

describe.each(npmHosts.map(({ version }) => version))('analytics-next %s', (version) => {
  test.for(Object.entries(npmRoutes) as [NpmRoute, Result][])('%s: %s', async ([route, result]) => {
    const context = await chromium.browser.newContext()
    const page = await context.newPage()
    const errors = errorsOf(page)
    const plugins = route === '`plugins: [skalin()]`' ? '[plugin]' : '[]'
    const html = `<!doctype html><script type="module">
      import '/${version}.js'
      const plugin = skalin({
        clientId: 'test-client', endpoint: '${rig.collector.endpoint}', anonymous: 'send',
      })
      const source = { writeKey: 'npm', cdnURL: location.origin, plugins: ${plugins} }
      const analytics = window.analytics = AnalyticsBrowser.load(source)
      const first = analytics.track('First')
      ${register[route]}
      await analytics.track('Second')
      await analytics.identify('alice', { email: 'alice@example.com' })
      await plugin.flush()
      window.done = true
    </script>`
    await page.goto(rig.site.page(`/${version}/${Object.keys(npmRoutes).indexOf(route)}`, html))
    await page.waitForFunction('window.done')

    const expected = result === 'every event' ? ['First', 'Second', 'ui'] : ['Second', 'ui']
    const hits = await rig.collector.hits({ count: expected.length }, patienceMs)
    expect(hits.map(({ hit }) => featureOf(hit) || hit.action).sort()).toEqual(expected)
    expect(rig.collector.requests).toHaveLength(expected.length)
    expect(errors).toEqual([])
    await context.close()
  })

  test('sees only its own plain plugin before a destination', async () => {
    const context = await chromium.browser.newContext()
    const page = await context.newPage()
    const html = `<!doctype html><script type="module">
      import '/${version}.js'
      window.analytics = AnalyticsBrowser.load({ writeKey: 'npm', cdnURL: location.origin })
    </script>`
    await page.goto(rig.site.page(`/${version}/plain`, html))
    await page.waitForFunction('window.analytics')
    const plugins = await page.evaluate(async () => {
      const [instance] = await window.analytics
      return instance.queue.plugins.map(({ name, type }: Plugin) => [type, name])
    })

    // What src/segment/host.ts takes for granted where it rescues calls.
    expect(plugins).toEqual([
      ['before', 'Page Enrichment'],
      ['destination', 'Segment.io'],
    ])
    await context.close()
  })
})
