import { readFile } from 'node:fs/promises'
import type { Analytics } from '@segment/analytics-next'
import type { Page } from 'playwright-core'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import type {} from '../../src/script.ts'
import { featureOf } from '../support/fault-rig.ts'
import { patienceMs } from '../support/deadline.ts'
import { errorsOf } from '../support/rig.ts'
import { shareRig } from '../support/shared-rig.ts'

// How the script finds its own tag, whatever else the page has.

const { chromium, rig } = await shareRig()
let page: Page
let errors: string[]
let told: string[]

const javascript = { 'content-type': 'text/javascript; charset=utf-8' }

beforeAll(async () => {
  const script = await readFile('dist/skalin.min.js', 'utf8')
  for (const name of ['/vendor.js', '/skalin.min-3f2a1b.js'])
    rig.site.page(name, script, javascript)
  const jquery = await readFile('node_modules/jquery/dist/jquery.js', 'utf8')
  rig.site.page('/jquery.js', jquery, javascript)
})
afterEach(async () => {
  expect(errors).toEqual([])
  await page.context().close()
})

/** Where a hit goes that somebody else's attributes made. */
const elsewhere = () =>
  `data-client-id="not-ours" data-anonymous="send" data-endpoint="${rig.collector.endpoint}?not-ours"`

const ourAttributes = (more = '') =>
  `data-client-id="test-client" data-anonymous="send" data-endpoint="${rig.collector.endpoint}" ${more}`

const ourTag = (more = '', src = '/dist/skalin.min.js') =>
  `<script src="${src}" ${ourAttributes()} ${more}></script>`

const snippet = () => {
  const parts = rig.site.scriptPage({ attributes: { src: false }, snippetOptions: { page: false } })
  return /<script>.*?<\/script>/s.exec(parts)?.[0] ?? ''
}

/** Opens a page, the snippet before `html`; its clock is ours. */
async function open(html: string): Promise<void> {
  const context = await chromium.browser.newContext()
  page = await context.newPage()
  errors = errorsOf(page)
  told = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') told.push(message.text())
  })
  await page.clock.install()
  await page.goto(rig.site.page('/own-tag', `<!doctype html><body>${html}`))
}

/** Makes two calls once Segment and the plugin are there; they arrive where our own tag says alone. */
async function arrives(): Promise<void> {
  for (const name of ['Used', 'Marker']) {
    await page.evaluate(
      (event) =>
        new Promise<void>((resolve) => {
          void window.analytics.ready(() => {
            void window.analytics.track(event)
            resolve()
          })
        }),
      name,
    )
    const [received] = await rig.collector.hits(
      { where: (hit) => featureOf(hit) === name },
      patienceMs,
    )
    expect(received?.hit.client_id).toBe('test-client')
  }
  expect(rig.collector.requests.map(({ url }) => url)).toEqual(['/hit', '/hit'])
  expect(told).toEqual([])
}

describe('the script finds its tag', () => {
  test.each([
    ['img', (name: string) => `<img name="${name}" ${elsewhere()}>`],
    ['form', (name: string) => `<form name="${name}" ${elsewhere()}></form>`],
    ['object', (name: string) => `<object name="${name}" id="${name}" ${elsewhere()}></object>`],
    ['embed', (name: string) => `<embed name="${name}" ${elsewhere()}>`],
    ['iframe', (name: string) => `<iframe name="${name}" ${elsewhere()}></iframe>`],
    ['a', (name: string) => `<a name="${name}" id="${name}" ${elsewhere()}></a>`],
    ['two of a kind', (name: string) => `<img name="${name}" ${elsewhere()}>`.repeat(2)],
  ])('among elements that hide what it looks at: %s', async (_, element) => {
    const others = element('currentScript')
    // As a module it is nobody's current script.
    await open(`${others}${snippet()}${ourTag()}`)
    await arrives()
    rig.collector.clear()
    await page.goto(rig.site.page('/module', `${others}${snippet()}${ourTag('type="module"')}`))
    await arrives()
  })

  test.each([
    ['an inert copy of another type', (tag: string) => tag.replace('<script', '<script type="text/plain"')],
    ['a copy that an optimiser keeps for later', (tag: string) => tag.replace('<script', '<script type="1f-text/javascript"')],
    ['a copy without its src', (tag: string) => tag.replace(' src=', ' data-src=')],
    ['a template', (tag: string) => `<template>${tag}</template>`],
    ["somebody else's script", (tag: string) => tag.replace('/dist/skalin.min.js', '/other.js')],
  ])('beside %s', async (_, change) => {
    const other = change(`<script src="/dist/skalin.min.js" ${elsewhere()}></script>`)
    rig.site.page('/other.js', '', javascript)
    await open(`${snippet()}${other}${ourTag('type="module"')}${other}`)
    await arrives()
  }) // prettier-ignore

  test.each([
    ['of this origin', ''],
    ['of another origin', () => rig.site.origin.replace('127.0.0.1', 'localhost')],
  ])("jQuery's append, %s", async (_, origin) => {
    const src = `${typeof origin === 'string' ? origin : origin()}/dist/skalin.min.js`
    const html = JSON.stringify(ourTag('', src)).replace('</', '<\\/')
    await open(
      `${snippet()}<script src="/jquery.js"></script><script>$('body').append(${html})</script>`,
    )
    await page.waitForFunction('window.skalinPlugin')
    await arrives()
  })

  test.each([
    ['put in by setAttribute, as by a tag manager', '', '/dist/skalin.min.js'],
    ['with another name', '', '/vendor.js'],
    ['with a hash in its name, a module', 'module', '/skalin.min-3f2a1b.js'],
    ['twice, as a module', 'module', '/dist/skalin.min.js#second'],
  ])('%s', async (_, type, src) => {
    await open(`${snippet()}<div></div>`)
    await page.evaluate(
      ([address, kind, attributes]) =>
        new Promise((resolve) => {
          const parsed = document.createElement('div')
          parsed.innerHTML = `<i ${attributes}></i>`
          const tag = document.createElement('script')
          for (const { name, value } of parsed.firstElementChild?.attributes ?? [])
            tag.setAttribute(name, value)
          tag.type = kind
          tag.src = address
          tag.onload = resolve
          document.body.append(tag)
        }),
      [src, type, ourAttributes()] as const,
    )
    await arrives()
  })

  test('although the stub, or the global, has the name of an element', async () => {
    const elements = `<form id="skalinPlugin"><input name="calls"></form><form id="analytics"><input name="push"></form>`
    await open(`${elements}${ourTag()}${snippet()}`)
    await arrives()
  })

  test('where `window.analytics` is an `AnalyticsBrowser` from npm', async () => {
    const npm = rig.site.npmPage()
    await open(`${npm}${ourTag('type="module"')}`)
    await page.waitForFunction('window.skalinPlugin')
    await arrives()
  })

  test.each([
    ['nothing', ''],
    ['a global that was set to nothing', '<script>window.analytics = undefined</script>'],
    ['a variable without a value', '<script>var analytics</script>'],
  ])('before Segment is there, of each client id: %s', async (_, html) => {
    const second = ourTag('', '/dist/skalin.min.js?2').replace('test-client', 'second')
    await open(`${html}${ourTag()}${second}${snippet()}`)
    await page.evaluate(() => new Promise<void>((resolve) => void window.analytics.ready(resolve)))
    await page.evaluate(() => void window.analytics.track('Used'))
    const hits = await rig.collector.hits({ count: 2 }, patienceMs)
    expect(hits.map(({ hit }) => hit.client_id).sort()).toEqual(['second', 'test-client'])
  })

  test.each([
    ['nothing', ''],
    // Whoever looks into it is stopped by the browser.
    [
      'a frame of that name',
      '<iframe name="analytics" sandbox="allow-scripts" srcdoc="x"></iframe>',
    ],
  ])('before an `AnalyticsBrowser` from npm is there: %s', async (_, html) => {
    await open(`${html}${ourTag()}${rig.site.npmPage()}`)
    await page.waitForFunction('window.analytics')
    await arrives()
  })

  test.each([
    ['before the tag', (standIn: string, tag: string) => `${standIn}${tag}${tag}`],
    ['after the tag', (standIn: string, tag: string) => `${tag}${tag}${standIn}`],
    ['between two', (standIn: string, tag: string) => `${tag}${standIn}${tag}`],
  ])('though the page has something of its own until Segment is there: %s', async (_, place) => {
    const standIn = '<script>window.analytics = { track: () => "nobody" }</script>'
    const ask = '<script>nobody = analytics.track()</script>'
    await open(`${place(standIn, ourTag())}${ask}${rig.site.npmPage()}`)
    expect(await page.evaluate('nobody')).toBe('nobody')
    await page.waitForFunction('window.analytics.ready')
    await arrives()
    await page.clock.fastForward(60_000)
    expect(told).toEqual([])
  })

  test('before Segment is there, and is not taken for it', async () => {
    const ask = `<script>
      window.seen = [typeof analytics, window.analytics?.track('Lost'), Boolean(window.analytics)]
      window.analytics = null
    </script>`
    await open(`${ourTag()}${ask}${snippet()}`)
    expect(await page.evaluate('window.seen')).toEqual(['undefined', undefined, false])
    await arrives()
  })

  test('of each client id, where two run without being current', async () => {
    const second = ourTag('type="module"', '/dist/skalin.min.js?2').replace('test-client', 'second')
    await open(`${snippet()}${ourTag('type="module"')}${second}`)
    await page.evaluate(() => new Promise<void>((resolve) => void window.analytics.ready(resolve)))
    await page.evaluate(() => void window.analytics.track('Used'))
    const hits = await rig.collector.hits({ count: 2 }, patienceMs)
    expect(hits.map(({ hit }) => hit.client_id).sort()).toEqual(['second', 'test-client'])
  })
})

describe('a script that finds no tag', () => {
  const evaluated = `<script>
    fetch('/dist/skalin.min.js').then((answer) => answer.text()).then((text) => (0, eval)(text))
  </script>`
  const lost: [string, () => string][] = [
    ['a module with another name', () => ourTag('type="module"', '/vendor.js')],
    ['a bundle of scripts', () => '<script src="/vendor.js"></script>'],
    ['a text that is evaluated', () => evaluated],
    ['a shadow tree', () => `<div><template shadowrootmode="open">${ourTag('', '/vendor.js')}</template></div>`],
    ['a tag that names its attribute wrong', () => '<script src="/dist/skalin.min.js" data-client="test-client"></script>'],
    ['the inline stub, and attributes that a tag manager has stripped', () => `<script>skalinPlugin = { calls: [] }</script><script src="/dist/skalin.min.js"></script>`],
  ] // prettier-ignore

  test.each(lost)('says once how to write it: %s', async (_, html) => {
    await open(`${snippet()}${html()}`)
    await page.waitForFunction("typeof window.skalinPlugin === 'function'")
    await page.clock.fastForward(5000)
    await page.clock.fastForward(60_000)
    expect(told).toEqual([expect.stringMatching(/^Skalin: .*data-client-id/)])
  })

  test.each<(typeof lost)[0]>([
    ...lost.slice(0, 3),
    ['the documented way to register by hand', () => '<script src="/dist/skalin.min.js"></script>'],
  ])('is silent when somebody registers by hand: %s', async (_, html) => {
    await open(`${snippet()}${html()}`)
    await page.waitForFunction("typeof window.skalinPlugin === 'function'")
    await page.evaluate((endpoint) => {
      const plugin = window.skalinPlugin({ clientId: 'test-client', endpoint, anonymous: 'send' })
      void window.analytics.register(plugin)
    }, rig.collector.endpoint)
    await page.clock.fastForward(60_000)
    await arrives()
  })

  test('is silent where a tag without attributes is there to register by hand', async () => {
    await open(`${snippet()}<script src="/dist/skalin.min.js"></script>`)
    await page.waitForFunction('window.skalinPlugin')
    await page.clock.fastForward(60_000)
    await page.evaluate(() => console.error('marker'))
    await expect.poll(() => told).toEqual(['marker'])
  })
})

test('of a list in an attribute, a comma too many is no item', async () => {
  await open(`${snippet()}${ourTag('data-traits="plan,"')}`)
  await arrives()
  expect(told).toEqual([])
})

test.each([
  ['capitals, which HTML does not have', (tag: string) => tag.replace('client-id', 'clientId')],
  ['underlines', (tag: string) => tag.replace('client-id', 'client_id')],
  [
    'a name of the global that is empty',
    (tag: string) => tag.replace(' data-', ' data-analytics-key="" data-'),
  ],
])('an attribute with %s', async (_, change) => {
  await open(`${snippet()}${change(ourTag())}`)
  await arrives()
  expect(told).toEqual([])
})

test('consent asked for in capitals is asked for', async () => {
  const asking = ourTag('data-consentCategories="Analytics"').replace('test-client', 'asking')
  await open(`${snippet()}${asking}${ourTag()}`)
  await arrives()
})

test.each([
  ['data-consent="Analytics"', /`consent` setting must be .*categories/],
  ['data-url="/x"', /`url` setting must be a function/],
  ['data-feature-name="x"', /`featureName` setting must be a function/],
  ['data-visit-timeout-ms="30m"', /`visitTimeoutMs` setting must be .*received: "30m"/],
  ['data-consent-category="Analytics"', /unknown setting `consentCategory`/],
  ['data-respect-gcp data-customer="acme"', /unknown setting `respectGcp`, `customer`/],
])('a setting that no text can be, or that is none, is told: %s', async (attribute, message) => {
  await open(`${snippet()}${ourTag(attribute)}`)
  await page.waitForFunction('window.skalinPlugin')
  expect(told.join('\n')).toMatch(message)
})

test("attributes of somebody else's are none", async () => {
  await open(
    `${snippet()}${ourTag('data-cfasync="false" data-turbo-track="reload" data-path="/"')}`,
  )
  await arrives()
  expect(told).toEqual([])
})

test('of a script without attributes, another one that has some does not speak', async () => {
  const byHand = `<script>analytics.push(['register', skalinPlugin({
    clientId: 'test-client', anonymous: 'send', endpoint: '${rig.collector.endpoint}',
  })])</script>`
  rig.site.page('/skalin-init.js', '', javascript)
  const init = `<script src="/skalin-init.js" ${elsewhere()}></script>`
  await open(`${snippet()}${init}<script src="/dist/skalin.min.js"></script>${byHand}`)
  await arrives()
})

test('a script that is run again registers once, and anew where it was taken away', async () => {
  await open(`${snippet()}${ourTag()}`)
  await arrives()
  /** As Turbo runs the scripts of a body at each visit. */
  const runAgain = async () => {
    await page.evaluate(async () => {
      const [old] = document.querySelectorAll<HTMLScriptElement>('script[data-client-id]')
      const script = document.createElement('script')
      for (const { name, value } of old?.attributes ?? []) script.setAttribute(name, value)
      await new Promise((resolve) => {
        script.onload = resolve
        old?.replaceWith(script)
      })
    })
    return page.evaluate(() => {
      const { queue } = window.analytics as unknown as Analytics
      return queue.plugins.filter(({ name }) => name === 'Skalin').length
    })
  }
  expect(await runAgain()).toBe(1)
  expect(await runAgain()).toBe(1)
  await page.evaluate(() => window.analytics.deregister('Skalin'))
  expect(await runAgain()).toBe(1)
  rig.collector.clear()
  await arrives()
})

test('a global that was set to nothing', async () => {
  await open(`<script>analytics = null</script>${ourTag()}${snippet()}`)
  await arrives()
  expect(told).toEqual([])
})

test.each([
  ['before', () => `<script>analytics = { page: 1 }</script>${ourTag()}`],
  ['after', () => `${ourTag()}<script>analytics = { page: 1 }</script>`],
])("a global of that name that is not Segment's is told: %s the tag", async (_, html) => {
  await open(html())
  await page.waitForFunction('window.skalinPlugin')
  expect(await page.evaluate('analytics.page')).toBe(1)
  await page.clock.fastForward(5000)
  await page.clock.fastForward(60_000)
  expect(told).toEqual([
    expect.stringMatching(/^Skalin: `window\.analytics` is not Segment's.*data-analytics-key/),
  ])
})

test.each([
  ['before', (html: string) => `${html}${ourTag()}`],
  ['after', (html: string) => `${ourTag()}${html}`],
])('a global that throws ends no script of the page: %s the tag', async (_, place) => {
  await open(
    place(`<script>analytics = { push() { throw new Error('x') } }; ended = true</script>`),
  )
  await page.waitForFunction('window.skalinPlugin')
  expect(await page.evaluate('ended')).toBe(true)
  expect(told).toEqual([expect.stringMatching(/^Skalin: the script could not start/)])
})
