import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { min as segmentSnippet } from '@segment/snippet'
import { build, transform } from 'esbuild'
import type { Page } from 'playwright-core'
import { format } from 'prettier'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { measureSizes } from '../../scripts/size.mjs'
import { skalin } from '../../src/index.ts'
import { resolveSettings } from '../../src/settings.ts'
import { type Collector, createCollector } from '../../src/testing/index.ts'
import { checkHit } from '../../src/testing/protocol.ts'
import { type TestBrowser, launchBrowser } from '../support/browser.ts'
import { patienceMs } from '../support/deadline.ts'
import * as events from '../support/events.ts'
import { errorsOf } from '../support/rig.ts'
import { type Site, createSite } from '../support/site.ts'
import { type Workplace, createWorkplace, read, root, run } from './install.ts'
import { type Example, examplesOf, pageText, pages, tableBelow } from './markdown.ts'

const readme = await pageText('README.md')
const examples = await Promise.all(
  (await pages()).map(async (page) => examplesOf(page, await pageText(page))),
).then((all) => all.flat())

const { version, name: packageName, peerDependencies } = packageJson
const changelog = await pageText('CHANGELOG.md')
const entries = [...changelog.matchAll(/^## (.+)$/gm)].map(([, entry]) => entry)
/** Whether the changelog says that these are the sources of a release, not of what comes after it. */
const isRelease = entries[0] === version
const script = await read(root, 'dist/skalin.min.js')
const integrity = `sha384-${createHash('sha384').update(script).digest('base64')}`
const { hitOf, nameOf, skipOf } = events

let workplace: Workplace
beforeAll(async () => {
  workplace = await createWorkplace()
})
afterAll(() => workplace.close())

describe('the table of settings', () => {
  const rows = tableBelow('Settings', readme)
  const { settings } = resolveSettings({ clientId: 'c' })
  if (!settings) throw new TypeError('These settings make the plugin inert.')
  const defaults: [string, unknown][] = Object.entries(settings)

  test('names every setting', () => {
    const [message = ''] = resolveSettings({ clientId: 'c', unknown: 1 }).warnings
    const [, known = ''] = message.split('known are ')
    expect(rows.map(([name]) => name)).toEqual(known.split(', ').map((name) => `\`${name}\``))
  })

  test.each(rows)('has the default of %s: %s', (name, text) => {
    const value = defaults.find((entry) => name === `\`${entry[0]}\``)?.[1]
    const [, code] = /^`(.+)`$/.exec(text) ?? []
    if (name === '`url`') {
      const page = { url: 'https://alice:secret@app.example/reports?token=1#top' }
      expect(hitOf(events.track({ context: { page } })).url).toBe('https://app.example/reports')
      expect(text).toBe('origin and path')
    } else if (name === '`clientId`' || value === undefined || typeof value === 'function') {
      expect(text).toBe('–')
    } else if (code?.startsWith('http')) {
      expect(code).toBe(value)
    } else {
      expect(runInNewContext(code ?? '')).toEqual(value)
    }
  })
})

test('the attributes of the script tag are those that it reads', async () => {
  const [, install = ''] = /^## Install\n(.*?)^## /ms.exec(readme) ?? []
  const [, table = ''] =
    /^const attributes.*?{\n(.*?)^}/ms.exec(await read(root, 'src/script.ts')) ?? []
  const names = [...table.matchAll(/^ {2}(\w+):/gm)].map(([, name = '']) => name)
  const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  expect(new Set(install.match(/\bdata-[a-z-]+/g))).toEqual(
    new Set(['analyticsKey', ...names].map((name) => `data-${kebab(name)}`)),
  )
})

describe('the table of what is sent', () => {
  /** What the table says of each call, and what proves it. */
  const claims: Record<string, [words: string, proof: () => void]> = {
    track: [
      'the feature of that name',
      () => expect(nameOf(events.track({ event: 'that name' }))).toBe('that name'),
    ],
    page: [
      'the feature `category name`; without either, the path with identifiers replaced: `/projects/:id/edit`',
      () => {
        expect(nameOf(events.page({ category: 'category', name: 'name' }))).toBe('category name')
        const context = { page: { path: '/projects/8f14e45f/edit' } }
        expect(nameOf(events.page({ context }))).toBe('/projects/:id/edit')
      },
    ],
    screen: [
      'the feature `category name`; without either, none',
      () => {
        expect(nameOf(events.screen({ category: 'category', name: 'name' }))).toBe('category name')
        const context = { page: { path: '/projects/8f14e45f/edit' } }
        expect(skipOf(events.screen({ context }))).toBe('no-name')
      },
    ],
    identify: [
      'who the user is: id and e-mail address, and the traits you chose',
      () => {
        const traits = { email: 'alice@example.com', plan: 'pro', age: 42 }
        const hit = hitOf(events.identify({ traits }), { settings: { traits: ['plan'] } })
        expect([hit.action, hit.event]).toEqual(['ui', undefined])
        expect(hit.identity).toBe('{"id":"alice","email":"alice@example.com","plan":"pro"}')
      },
    ],
    group: [
      'who the user is, with the group as the customer; none while the user is unknown',
      () => {
        const hit = hitOf(events.group({ groupId: 'acme' }))
        expect([hit.action, hit.identity, hit.customer_id]).toEqual([
          'ui',
          '{"id":"alice"}',
          'acme',
        ])
        expect(skipOf(events.group({ userId: undefined }))).toBe('no-identity')
      },
    ],
    alias: ['none', () => expect(skipOf(events.track({ type: 'alias' }))).toBe('unsupported')],
  }

  test.each(Object.entries(claims))('of %s is true', (_name, [, proof]) => proof())

  test('says just that, of every call', () => {
    const hooks = ['track', 'page', 'screen', 'identify', 'group', 'alias'] as const
    const plugin = skalin({ clientId: 'c' })
    expect(hooks.filter((hook) => typeof plugin[hook] !== 'function')).toEqual([])
    expect(Object.keys(claims)).toEqual(hooks)
    expect(tableBelow('What is sent', readme)).toEqual(
      Object.entries(claims).map(([name, [words]]) => [`\`${name}\``, words]),
    )
  })
})

test('the table of what `onDelivery` says has each reason, as the types explain it', async () => {
  const sources = ['src/delivery/outcome.ts', 'src/report.ts'].map((file) => read(root, file))
  const code = (await Promise.all(sources)).join('\n').replace(/\n \* +(?=[^-\s])/g, ' ')
  const reasonsOf = (type: string) => {
    const [, text = '', union = ''] =
      new RegExp(`/\\*\\*([^/]*)\\*/\\nexport type ${type} =([^\\n]*(?:\\n  .*)*)`).exec(code) ?? []
    const reasons = [...text.matchAll(/ - `([\w-]+)`: (.*)\.$/gm)].map(([, ...found]) => found)
    const names = [...union.matchAll(/'([\w-]+)'/g)].map(([, name]) => name)
    expect(reasons.map(([name]) => name)).toEqual(names)
    return reasons
  }
  const types = { waiting: 'WaitReason', dropped: 'DropReason', skipped: 'SkipReason' }
  const all = Object.entries(types).flatMap(([outcome, type]) =>
    reasonsOf(type).map(([reason, why]) => [`\`${outcome}\``, `\`${reason}\``, why]),
  )
  expect(all.length).toBeGreaterThan(20)
  const [first, ...rows] = tableBelow('What `onDelivery` says', await pageText('docs/delivery.md'))
  expect(first?.slice(0, 2)).toEqual(['`accepted`', '`unconfirmed`'])
  expect(rows).toEqual(all)
})

describe('a figure', () => {
  test('of size is the measured one', async () => {
    const sizes = await measureSizes()
    const isMeasured = (figure: string | undefined, name?: string) =>
      sizes.some(
        (measured) =>
          (name === undefined || name === measured.name) &&
          // Rounded, and a zlib of another version may pack a few bytes more or less.
          Math.abs(Number(figure) - measured.size / 1000) <= 0.1,
      )
    const help = `\`npm run readme\` writes it: ${JSON.stringify(sizes)}`
    const [, headline] = /(\S+) kB gzipped as a script tag/.exec(readme) ?? []
    expect(headline, help).toSatisfy((figure: string) => isMeasured(figure, 'script-tag build'))
    const quoted = [...readme.matchAll(/(\S+) kB\b/g)].map(([, figure]) => figure)
    expect(quoted.filter((figure) => !isMeasured(figure))).toEqual([])
  })

  test.runIf(isRelease)('of integrity is that of the build', () => {
    expect(
      readme.match(/sha\d+-[\w+/=]+/g),
      `The build is not that of ${version}. If ${version} is published, say what is new under ` +
        '`## Unreleased` in CHANGELOG.md; else `npm run readme` writes the hash.',
    ).toEqual([integrity])
  })

  test('of the version is the newest in the changelog and that of the script tag', () => {
    expect(entries.find((entry) => entry !== 'Unreleased')).toBe(version)
    expect(entries.lastIndexOf('Unreleased')).toBeLessThan(1)
    const quoted = [...readme.matchAll(/skalin-analytics-plugin@([^/\s"'`]+)/g)]
    expect(new Set(quoted.map(([, text]) => text))).toEqual(new Set([version]))
  })
})

test('the hit that it shows is one', () => {
  const [, listed = ''] = /^```\n(rec .*?)^```$/ms.exec(readme) ?? []
  const fields = listed
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ +(.*)/s).slice(0, 2))
  expect(checkHit(new URLSearchParams(fields))).toEqual([])
})

test('every dependency has its reason in CONTRIBUTING.md', async () => {
  const [, text = ''] = (await pageText('CONTRIBUTING.md')).split(
    /^## Dependencies$|^## Releasing$/m,
  )
  const named = [...text.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)
  const all = Object.keys(packageJson.devDependencies)
  expect([...new Set(named)].sort()).toEqual(all.sort())
})

describe('the examples', () => {
  const of = (...languages: string[]): Example[] =>
    examples.filter(({ language }) => languages.includes(language))

  test('are in languages that are checked', () => {
    // A shell's commands, the languages of Terraform and nginx, and plain text are not.
    const known = of('ts', 'html', 'json', 'sh', 'hcl', 'nginx', '')
    expect(examples.filter((example) => !known.includes(example))).toEqual([])
  })

  test('in TypeScript compile strictly, each by itself, against the packed package', async () => {
    const app = await workplace.app('examples', ['@segment/analytics-next', '@types/node'])
    const compilerOptions = {
      target: 'ES2022',
      module: 'ESNext',
      moduleResolution: 'bundler',
      moduleDetection: 'force',
      lib: ['ES2022', 'DOM', 'DOM.Iterable'],
      types: [],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: true,
      noEmit: true,
    }
    await writeFile(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions }))
    for (const { name, code } of of('ts')) {
      await writeFile(join(app, `${name.replace(/\W/g, '-')}.ts`), code)
    }
    await run(app, ['typescript/bin/tsc'])
  })

  test.each(of('json'))('in JSON parse: $name', ({ code }) => {
    expect(() => JSON.parse(code) as unknown).not.toThrow()
  })

  test.each(of('html'))('in HTML parse, and so do the scripts in them: $name', async ({ code }) => {
    await format(code, { parser: 'html' })
    for (const [, script = ''] of code.matchAll(/<script\b[^>]*>([^]*?)<\/script>/g)) {
      await transform(script)
    }
  })
})

describe("the README's own code, in Chromium", () => {
  const firstOf = (language: string, having: string) => {
    const found = examples.find(
      (example) => example.language === language && example.code.includes(having),
    )
    if (!found?.name.startsWith('README.md')) throw new Error(`README has no ${language} example`)
    return found.code
  }
  let chromium: TestBrowser
  let site: Site
  let collector: Collector

  beforeAll(async () => {
    chromium = await launchBrowser()
    site = await createSite()
    collector = await createCollector()
  })
  afterAll(async () => {
    await chromium.close()
    await site.close()
    await collector.close()
  })

  /**
   * A page for which Segment, Skalin and jsDelivr are on this machine, at their real addresses: those
   * are what the code of the README names, and it is run as it stands.
   */
  async function newPage(installed: string): Promise<Page> {
    const page = await chromium.newPage()
    const everyOrigin = { 'access-control-allow-origin': '*' }
    await page.route('https://cdn.segment.com/**', async (route) => {
      const { pathname } = new URL(route.request().url())
      const response = await route.fetch({ url: site.origin + pathname })
      await route.fulfill({ response, headers: { ...response.headers(), ...everyOrigin } })
    })
    await page.route('https://collect.skalin.io/hit', async (route) => {
      await route.fulfill({ response: await route.fetch({ url: collector.endpoint }) })
    })
    const published = `https://cdn.jsdelivr.net/npm/${packageName}@${version}/`
    await page.route(`${published}**`, async (route) => {
      const path = join(installed, route.request().url().slice(published.length))
      await route.fulfill({ path, contentType: 'text/javascript', headers: everyOrigin })
    })
    return page
  }

  /** Opens the page and returns the first hit that comes of it. */
  async function visit(page: Page, html: string) {
    collector.clear()
    const errors = errorsOf(page)
    await page.goto(site.page('/readme', `<!doctype html><title>Readme</title>${html}`))
    const [received] = await collector.hits({}, patienceMs)
    expect(errors).toEqual([])
    await page.close()
    return received?.hit
  }

  const snippet = `<script>${segmentSnippet({ apiKey: 'YOUR_WRITE_KEY' })}</script>`
  const usual = `<script>analytics.identify('user-123', { email: 'jane@example.com' })</script>`

  test('installs what it needs', () => {
    expect(firstOf('sh', 'npm install')).toBe(
      `npm install ${[packageName, ...Object.keys(peerDependencies)].join(' ')}\n`,
    )
  })

  test('sends a hit when it is installed from npm', async () => {
    const app = await workplace.app('npm', ['@segment/analytics-next'])
    const code = firstOf('ts', 'skalin(')
    const { outputFiles } = await build({
      absWorkingDir: app,
      stdin: { contents: code, loader: 'ts', resolveDir: app },
      bundle: true,
      format: 'esm',
      write: false,
      tsconfigRaw: {},
    })
    const script = `<script type="module">${outputFiles[0]?.text.replaceAll('</script', '<\\/script') ?? ''}</script>`
    const hit = await visit(await newPage(app), script)
    expect(hit?.client_id).toBe(/clientId: '(.+?)'/.exec(code)?.[1])
  })

  test('sends a hit as a script tag beside the snippet of Segment', async () => {
    const app = await workplace.app('script', [])
    const example = firstOf('html', 'skalin.min.js')
    // Between releases README has the hash of the last one, which is what the CDN has.
    const code = isRelease ? example : example.replace(/sha384-[^"]+/, integrity)
    const page = await newPage(join(app, 'node_modules', packageName))
    const hit = await visit(page, snippet + code + usual)
    expect(hit?.client_id).toBe(/data-client-id="(.+?)"/.exec(code)?.[1])
  })

  test('sends a hit as a script tag that is registered by hand', async () => {
    const app = await workplace.app('by-hand', [])
    const code = firstOf('html', 'skalinPlugin(')
    const page = await newPage(join(app, 'node_modules', packageName))
    const hit = await visit(page, snippet + code + usual)
    expect(hit).toMatchObject({ action: 'ui', client_id: /clientId: '(.+?)'/.exec(code)?.[1] })
  })
})
