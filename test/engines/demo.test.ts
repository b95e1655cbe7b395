import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Demo, buildDemo, startDemo } from '../../demo/server.mjs'
import { engines, launchEngine } from '../support/browser.ts'
import type { EngineBrowser } from '../support/engine.ts'
import { until } from '../support/deadline.ts'

beforeAll(buildDemo)

describe.each(engines)('%s', (engine) => {
  let demo: Demo
  let browser: EngineBrowser

  beforeEach(async () => {
    demo = await startDemo({ port: 0 })
    browser = await launchEngine(engine)
  })
  afterEach(async () => {
    await browser.close()
    await demo.close()
  })

  test('The demo, once through', async () => {
    const tab = await browser.newPage()
    await tab.goto(demo.origin)
    const press = (css: string, having = '') =>
      until(
        () =>
          tab.evaluate(
            ([selector, text]) => {
              const found = [...document.querySelectorAll<HTMLElement>(selector)]
              const named = found.find(({ textContent }) => textContent.includes(text))
              named?.click()
              return named !== undefined
            },
            [css, having] as const,
          ),
        { message: `${css} ${having}` },
      )
    const counter = { waiting: 2, accepted: 3 }
    const shows = (kind: keyof typeof counter, count: number) =>
      until(
        () =>
          tab.evaluate(
            ([at, wanted]) =>
              document.querySelectorAll('#counters .number')[at]?.textContent === wanted,
            [counter[kind], String(count)] as const,
          ),
        { message: `${count} ${kind}`, deadlineMs: 60_000 },
      )

    const says = (state: string) =>
      until(
        () =>
          tab.evaluate(
            (text) => document.querySelector('#state')?.textContent.includes(text),
            state,
          ),
        { message: `the collector to be ${state}`, deadlineMs: 30_000 },
      )

    await says('healthy')
    await until(() => tab.evaluate(() => document.querySelector('[inert]') === null), {
      message: 'the demo to start',
    })
    await press('button', 'Camille Roux')
    await shows('accepted', 2).catch(async (cause: unknown) => {
      throw new Error(await tab.evaluate(() => document.body.innerText.slice(0, 400)), { cause })
    })
    await press('button[data-name="Report exported"]')
    await shows('accepted', 3)
    await press('input[name="fault"][value="status"]')
    await says('503')
    await press('button[data-name="Teammate invited"]')
    await shows('waiting', 1)
    await press('input[name="fault"][value="healthy"]')
    await says('healthy')
    await shows('accepted', 4)
    await press('#burst')
    await shows('accepted', 504)
    expect(demo.collector.requests.flatMap(({ problems }) => problems)).toEqual([])
  })
})
