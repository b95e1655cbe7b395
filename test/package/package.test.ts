import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { inNode } from './node.ts'

const dist = (name: string) => readFile(new URL(`../../dist/${name}`, import.meta.url), 'utf8')

/** Code that prints what of the global object changes while `work` runs. */
const diffOfGlobals = (work: string) => `
  // Node makes many of its globals when they are first used, and one when the first request is.
  const { builtinModules } = await import('node:module')
  for (const key of Reflect.ownKeys(globalThis)) if (!builtinModules.includes(key)) void globalThis[key]
  new Request('http://127.0.0.1')
  const look = () => Object.getOwnPropertyDescriptors(globalThis)
  const same = (a, b) => a && b && ['value', 'get', 'set'].every((part) => Object.is(a[part], b[part]))
  const before = look()
  ${work}
  const after = look()
  const changed = Reflect.ownKeys({ ...before, ...after }).filter((key) => !same(before[key], after[key]))
  console.log(JSON.stringify(changed.map(String)))
`

describe('the package, by its name', () => {
  test('has one function and the local collector, and no other entry point', async () => {
    const { printed } = await inNode(`
      const names = async (path) => Object.keys(await import(path))
      const entry = (path) => names(path).catch(({ code }) => code)
      console.log(JSON.stringify([
        await names('skalin-analytics-plugin'),
        await names('skalin-analytics-plugin/testing'),
        await entry('skalin-analytics-plugin/dist/index.js'),
        await entry('skalin-analytics-plugin/src/plugin.ts'),
      ]))
    `)
    expect(printed).toEqual([
      ['skalin'],
      ['createCollector'],
      'ERR_PACKAGE_PATH_NOT_EXPORTED',
      'ERR_PACKAGE_PATH_NOT_EXPORTED',
    ])
  })

  test('tells tools its version', async () => {
    const { printed } = await inNode(`
      import packageJson from 'skalin-analytics-plugin/package.json' with { type: 'json' }
      import { skalin } from 'skalin-analytics-plugin'
      console.log(JSON.stringify([packageJson.version, skalin({ clientId: 'c' }).version]))
    `)
    const [inPackage, inPlugin] = printed as [string, string]
    expect(inPlugin).toBe(inPackage)
  })

  test.for(['index.js', 'skalin.min.js'])(
    'evaluates no text, writes no HTML and loads no code: %s',
    async (name) => {
      const code = await dist(name)
      expect(code).not.toMatch(/\b(eval|Function|importScripts|import|setInterval)\(/)
      expect(code).not.toMatch(/innerHTML|outerHTML|document\.write|createElement/)
    },
  )

  test("knows no address but Skalin's", async () => {
    const addresses = (await dist('skalin.min.js')).match(/https?:\/\/[\w.-]+/g)
    expect(new Set(addresses)).toEqual(new Set(['https://collect.skalin.io']))
  })
})

describe('outside of a page it is safe and does nothing', () => {
  const use = `
    const { skalin } = await import('skalin-analytics-plugin')
    const plugin = skalin({ clientId: 'c', onDelivery: () => { throw new Error('told') } })
    const ctx = { event: { type: 'track', event: 'x' }, log: () => undefined }
    await plugin.load(ctx, {})
    for (const hook of ['track', 'page', 'screen', 'identify', 'group', 'alias'])
      if (plugin[hook](ctx) !== ctx) throw new Error(hook)
    await plugin.ready()
    await plugin.flush()
    await plugin.clear()
    if (await plugin.pending() !== 0) throw new Error('pending')
    await plugin.unload()
  `

  test('in Node: no global comes or changes', async () => {
    const { printed, errors } = await inNode(diffOfGlobals(use))
    expect(printed).toEqual([])
    expect(errors).toBe('')
  })

  test('in a worker: no global comes or changes', async () => {
    const { printed, errors } = await inNode(`
      import { Worker } from 'node:worker_threads'
      const worker = new Worker(
        new URL('data:text/javascript,' + encodeURIComponent(\`
          import { createRequire } from 'node:module'
          import { pathToFileURL } from 'node:url'
          import { parentPort } from 'node:worker_threads'
          globalThis.self = globalThis
          const path = pathToFileURL('dist/index.js')
          const log = console.log
          console.log = (text) => parentPort.postMessage(text)
          ${diffOfGlobals(use.replace("'skalin-analytics-plugin'", 'path')).replaceAll('`', '\\\\`')}
        \`)))
      worker.on('message', (text) => console.log(text))
      worker.on('error', (error) => { throw error })
    `)
    expect(printed).toEqual([])
    expect(errors).toBe('')
  })

  test('under server-side rendering, where a module makes it, loads Segment and renders', async () => {
    const { printed, errors } = await inNode(`
      import { createElement, useEffect } from 'react'
      import { renderToString } from 'react-dom/server'
      import { AnalyticsBrowser } from '@segment/analytics-next'
      import { skalin } from 'skalin-analytics-plugin'

      const asked = []
      globalThis.fetch = async (address) => {
        asked.push(String(address))
        throw new Error('offline')
      }
      const plugin = skalin({ clientId: 'c', customerId: () => location.hostname })
      const analytics = AnalyticsBrowser.load({ writeKey: 'k', plugins: [plugin] })
      void analytics.register(skalin({ clientId: 'd' }))
      function Page() {
        useEffect(() => void analytics.page('Home'), [])
        return createElement('h1', null, plugin.name)
      }
      const html = renderToString(createElement(Page))
      // Once everything has come to its end, unhandled rejections too.
      process.on('exit', () => console.log(JSON.stringify({ html, asked })))
    `)
    expect(printed).toEqual({ html: '<h1>Skalin</h1>', asked: [] })
    expect(errors).toBe('')
  })

  test('without a global of the web but URL and TextEncoder, which are everywhere', async () => {
    const { printed } = await inNode(`
      const { log } = console
      const language = Object.getOwnPropertyNames(
        (await import('node:vm')).runInNewContext('globalThis'),
      )
      for (const name of Object.getOwnPropertyNames(globalThis)) {
        if (!['globalThis', 'process', 'URL', 'TextEncoder', ...language].includes(name)) delete globalThis[name]
      }
      ${use}
      log(JSON.stringify([typeof fetch, typeof Request, typeof crypto]))
    `)
    expect(printed).toEqual(Array(3).fill('undefined'))
  })

  test('with a `window` that is none, as some servers have it', async () => {
    const { printed } = await inNode(`globalThis.window = globalThis; ${diffOfGlobals(use)}`)
    expect(printed).toEqual([])
  })

  test("by mistake on Segment's Node library: one word in the log, and every event passes", async () => {
    const { printed, errors } = await inNode(`
      import { Analytics } from '@segment/analytics-node'
      import { skalin } from 'skalin-analytics-plugin'

      const sent = []
      const analytics = new Analytics({
        writeKey: 'k',
        // Nothing leaves this machine.
        httpClient: async (url, { body }) => {
          sent.push(...JSON.parse(body).batch.map(({ type }) => type))
          return new Response('{}', { status: 200 })
        },
      })
      const plugin = skalin({ clientId: 'c', endpoint: 'http://127.0.0.1:9/hit' })
      const logs = []
      const load = (ctx, instance) => {
        const loaded = plugin.load(ctx, instance)
        logs.push(...ctx.logs())
        return loaded
      }
      await analytics.register({ ...plugin, load })
      analytics.identify({ userId: 'alice' })
      analytics.track({ userId: 'alice', event: 'x' })
      analytics.page({ userId: 'alice' })
      analytics.group({ userId: 'alice', groupId: 'acme' })
      await analytics.closeAndFlush()
      console.log(JSON.stringify({ sent, logs: logs.map(({ level, message }) => [level, message]) }))
    `)
    expect(printed).toEqual({
      sent: ['identify', 'track', 'page', 'group'],
      logs: [['warn', 'Skalin: This plugin is for browsers and does nothing here.']],
    })
    expect(errors).toBe('')
  })
})
