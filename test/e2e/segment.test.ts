import type { Plugin } from '@segment/analytics-next'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchBrowser } from '../support/browser.ts'
import type { TestBrowser } from '../support/browser.ts'
import { until } from '../support/deadline.ts'
import { createSite } from '../support/site.ts'
import type { Site } from '../support/site.ts'

let chromium: TestBrowser
let site: Site

beforeAll(async () => {
  chromium = await launchBrowser()
  site = await createSite()
})
afterAll(async () => {
  await chromium.close()
  await site.close()
})

test.for([
  ['from npm', () => site.npmPage(), /^npm:next-/],
  ['by its snippet', () => site.scriptPage({ attributes: { src: '/no.js' } }), /^next-/],
] as const)(
  'the real Segment loads %s and nothing leaves the machine',
  async ([name, html, version]) => {
    const page = await chromium.newPage()
    const requests: URL[] = []
    page.on('request', (request) => requests.push(new URL(request.url())))

    await page.goto(site.page(`/${name}`, html()))
    const received = await page.evaluate(
      () =>
        new Promise<{ event: unknown; version: unknown }>((resolve) => {
          const dummy: Plugin = {
            name: 'Dummy',
            type: 'destination',
            isLoaded: () => true,
            load: () => Promise.resolve(),
            track: (ctx) => {
              const { library } = ctx.event.context ?? {}
              resolve({ event: ctx.event.event, version: library?.version })
              return ctx
            },
          }
          void window.analytics.register(dummy)
          void window.analytics.track('Signed up')
        }),
    )

    expect(received.event).toBe('Signed up')
    expect(received.version).toMatch(version)
    await until(() => requests.some(({ pathname }) => pathname === '/segment/t'), {
      message: "Segment.io's own request",
    })
    expect(new Set(requests.map(({ hostname }) => hostname))).toEqual(new Set(['127.0.0.1']))
  },
)
