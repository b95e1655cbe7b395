import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  type Host,
  type Result,
  type SnippetRoute,
  canRename,
  snippetHosts,
  snippetRoutes,
} from '../fixtures/matrix.ts'
import type {} from '../../src/script.ts'
import { featureOf } from '../support/fault-rig.ts'
import { patienceMs } from '../support/deadline.ts'
import { errorsOf, ready } from '../support/rig.ts'
import { shareRig } from '../support/shared-rig.ts'

type Snippet = { min: (options: object) => string }

const { chromium, rig } = await shareRig()
let stub: string
let page: Page
let errors: string[]

beforeAll(async () => {
  stub = await readFile(new URL('../fixtures/stub.html', import.meta.url), 'utf8')
})
afterEach(async () => {
  expect(errors).toEqual([])
  await page.context().close()
})

async function snippetOf({ installed }: Host, globalAnalyticsKey: string): Promise<string> {
  const { min } = (await import(installed)) as Snippet
  const { origin } = rig.site
  const host = new URL(origin).host
  // Segment's templates know only https, and end with a page() that says nothing here.
  const code = min({ apiKey: 'script', host, page: false, globalAnalyticsKey })
  return `<script>${code.replace(`https://${host}`, origin)}</script>`
}

const ourTag = (attributes = '') =>
  `<script src="/dist/skalin.min.js" data-client-id="test-client" data-anonymous="send"
    data-endpoint="${rig.collector.endpoint}" ${attributes}></script>`

/** As a rule one script is there before another and its settings, and a busy machine keeps no rule. */
const haveSegmentWait = () =>
  page.route('**/v1/projects/*/settings', async (route) => {
    await page.waitForFunction('window.skalinPlugin')
    await route.continue()
  })

async function open(path: string, html: string, isFirst = false): Promise<void> {
  const context = await chromium.browser.newContext()
  page = await context.newPage()
  errors = errorsOf(page)
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text())
  })
  if (isFirst) await haveSegmentWait()
  await page.goto(rig.site.page(path, `<!doctype html>${html}`))
}

/** Puts a script into the page and waits until it has run. */
const inject = (html: string) =>
  page.evaluate(
    (text) =>
      new Promise<unknown>((resolve) => {
        const tag = document.createElement('script')
        const parsed = new DOMParser().parseFromString(text, 'text/html').querySelector('script')
        for (const { name, value } of parsed?.attributes ?? []) tag.setAttribute(name, value)
        tag.onload = resolve
        document.head.append(tag)
      }),
    html,
  )

/** Makes a call once Segment has loaded, and waits until the destinations have it. */
const track = (key: string, name: string) =>
  page.evaluate(
    async ([at, event]) => {
      type Loading = {
        ready: (go: () => void) => unknown
        track: (name: string) => Promise<unknown>
      }
      const analytics = () => (window as unknown as Record<string, Loading>)[at] as Loading
      await new Promise<void>((resolve) => void analytics().ready(resolve))
      await analytics().track(event)
    },
    [key, name] as const,
  )

const features = async (count: number) =>
  (await rig.collector.hits({ count }, patienceMs)).map(({ hit }) => featureOf(hit)).sort()

const keysOf = (host: Host) => (canRename(host) ? ['analytics', 'renamed'] : ['analytics'])

const cases = snippetHosts.flatMap((host) =>
  keysOf(host).map((key) => [host.version, key, host] as const),
)

describe.each(cases)('snippet %s, window.%s', (version, key, host) => {
  test.for(Object.entries(snippetRoutes) as [SnippetRoute, Result][])(
    '%s: %s',
    async ([route, result]) => {
      const late = route.endsWith('after load')
      const path = `/${version}/${key}/${Object.keys(snippetRoutes).indexOf(route)}`
      // Where Segment's own tag cannot say the key yet, ours does.
      const tag = ourTag(route === 'script before the snippet' ? `data-analytics-key="${key}"` : '')
      const parts = [
        route === 'script before the snippet' ? tag : '',
        await snippetOf(host, key),
        route.startsWith('inline stub') ? stub.replace("'analytics'", `'${key}'`) : '',
        `<script>${key}.track('First')</script>`,
        route === 'script after the snippet' ? tag : '',
      ]
      await open(path, parts.join('\n'), route === 'script after the snippet')
      if (late) {
        await track(key, 'Second')
        await inject(tag)
      }
      await track(key, 'Third')

      const before = late ? ['First', 'Second'] : ['First']
      const expected = [...(result === 'every event' ? before : []), 'Third']
      expect(await features(expected.length)).toEqual(expected)
      expect(rig.collector.requests).toHaveLength(expected.length)
    },
  )
})

describe('the inline stub', () => {
  const [, , , newest] = snippetHosts as [Host, Host, Host, Host]

  test('keeps whose calls they were', async () => {
    await open('/stub/identity', `${await snippetOf(newest, 'analytics')}${stub}`)
    // Not before: Segment may call back before it has replayed what was called on its array.
    await ready(page)
    await page.evaluate(async () => {
      await window.analytics.identify('alice', { email: 'alice@example.com' })
      await window.analytics.group('acme')
    })
    await track('analytics', 'First')
    await inject(ourTag())

    const hits = (await rig.collector.hits({ count: 3 }, patienceMs)).map(({ hit }) => hit)
    const alice = JSON.stringify({ id: 'alice', email: 'alice@example.com' })
    expect(hits.map(({ identity }) => identity)).toEqual([alice, alice, alice])
    expect(hits.find(({ action }) => action === 'ev')?.customer_id).toBe('acme')
  })

  test('lets nothing pass that a middleware stops, though it was there before the bundle', async () => {
    await open('/stub/middleware', `${await snippetOf(newest, 'analytics')}${stub}`)
    await ready(page)
    await page.evaluate(async () => {
      await window.analytics.addDestinationMiddleware('Skalin', ({ payload, next }) => {
        if (payload.obj['event'] !== 'Stopped') next(payload)
      })
    })
    await track('analytics', 'Stopped')
    await inject(ourTag())
    await track('analytics', 'Passed')

    expect(await features(1)).toEqual(['Passed'])
  })

  test('is obeyed when it is deregistered before the bundle has come', async () => {
    await open('/stub/deregister', `${await snippetOf(newest, 'analytics')}${stub}`)
    await track('analytics', 'First')
    await page.evaluate(() => window.analytics.deregister('Skalin'))
    await inject(ourTag())
    await track('analytics', 'After its end')
    await inject(ourTag('data-customer-id="again"'))
    await track('analytics', 'Registered again')

    const hits = await rig.collector.hits({ count: 2 }, patienceMs)
    expect(hits.map(({ hit }) => featureOf(hit)).sort()).toEqual(['First', 'Registered again'])
  })

  test('keeps Segment and the other destinations going where the bundle never comes', async () => {
    await open('/stub/blocked', `${await snippetOf(newest, 'analytics')}${stub}`)
    await ready(page)
    const seen = await page.evaluate(async () => {
      const names: unknown[] = []
      await window.analytics.register({
        name: 'Witness',
        type: 'destination',
        isLoaded: () => true,
        load: () => Promise.resolve(),
        track: (ctx) => {
          names.push(ctx.event.event)
          return ctx
        },
      })
      const ours = { integrations: { 'Segment.io': false } }
      await Promise.all(Array.from({ length: 1100 }, () => window.analytics.track('x', {}, ours)))
      const kept = (window.skalinPlugin as unknown as { calls: unknown[] }).calls.length
      return [names.length, kept]
    })

    expect(seen).toEqual([1100, 1000])
  })
})

describe('the script', () => {
  const [, , , newest] = snippetHosts as [Host, Host, Host, Host]
  const globals = () => page.evaluate(() => Object.getOwnPropertyNames(window))

  test('makes one global: window.skalinPlugin, the factory', async () => {
    const snippet = await snippetOf(newest, 'analytics')
    await open('/globals/without', snippet)
    await track('analytics', 'Without')
    const without = await globals()
    await page.context().close()

    await open('/globals/with', `${snippet}${ourTag()}`)
    await track('analytics', 'With')
    const added = (await globals()).filter((name) => !without.includes(name))
    expect(added).toEqual(['skalinPlugin'])
    expect(await page.evaluate(() => typeof window.skalinPlugin)).toBe('function')
  })

  test('without attributes only makes the factory, for registering by hand', async () => {
    const snippet = await snippetOf(newest, 'analytics')
    await open('/by-hand', `${snippet}<script src="/dist/skalin.min.js"></script>`)
    await track('analytics', 'Not sent')
    await page.evaluate(async (endpoint) => {
      const featureName = (_event: unknown, name: string) => name.toUpperCase()
      const settings = { clientId: 'by-hand', endpoint, featureName, anonymous: 'send' } as const
      await window.analytics.register(window.skalinPlugin(settings))
    }, rig.collector.endpoint)
    await track('analytics', 'By hand')

    expect(await features(1)).toEqual(['BY HAND'])
  })

  test('finds its tag where a tag manager runs it without a current script', async () => {
    const snippet = await snippetOf(newest, 'analytics')
    await open('/tag-manager', `${snippet}${ourTag('type="module"')}`)
    await track('analytics', 'First')

    expect(await features(1)).toEqual(['First'])
  })

  test('included twice sends every hit once', async () => {
    const snippet = await snippetOf(newest, 'analytics')
    await open('/twice', `${ourTag()}${snippet}${ourTag()}`)
    await track('analytics', 'First')
    await track('analytics', 'Second')

    expect(await features(2)).toEqual(['First', 'Second'])
    expect(rig.collector.requests).toHaveLength(2)
  })

  test('beside a plugin from npm on the same page sends every hit once', async () => {
    const snippet = await snippetOf(newest, 'analytics')
    const npm = `<script type="module">
      import '/npm-entry.js'
      const settings = { clientId: 'test-client', endpoint: '${rig.collector.endpoint}' }
      analytics.register(skalin({ ...settings, anonymous: 'send' }))
      window.both = true
    </script>`
    await open('/both', `${snippet}${ourTag()}${npm}`)
    await page.waitForFunction('window.both')
    await track('analytics', 'First')
    await track('analytics', 'Second')

    expect(await features(2)).toEqual(['First', 'Second'])
    expect(rig.collector.requests).toHaveLength(2)
  })
})
