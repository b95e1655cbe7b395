import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { chromium, firefox, webkit } from 'playwright-core'
import type { Browser, BrowserContext, LaunchOptions, Page } from 'playwright-core'
import { type Engine, findBrowser, isOwn, launchArgs } from '../../scripts/browsers.mjs'
import type { EngineBrowser, EngineOptions } from './engine.ts'
import { launchWebKit } from './webkit.ts'

/** Those that this machine has: `npm test` installs them where it can, and says which it leaves out. */
export const engines: Engine[] = (['chromium', 'firefox', 'webkit'] as const).filter(findBrowser)

const types = { chromium, firefox, webkit }

/** What `launchBrowser` starts: the one that `TEST_BROWSER` names, else Chromium. */
export const testBrowser = (process.env.TEST_BROWSER || 'chromium') as Engine
if (!(testBrowser in types)) {
  throw new Error('`TEST_BROWSER` must be `chromium`, `firefox` or `webkit`.')
}

/**
 * For `runIf`, by which tests that only Chromium can be put to count as skipped elsewhere: those that
 * speak its protocol or crash it.
 */
export const isChromium: boolean = testBrowser === 'chromium'

export interface TestBrowser {
  browser: Browser
  context: BrowserContext
  newPage: () => Promise<Page>
  /** Closes the browser as a user does, so that the profile is written to the disk. */
  close: () => Promise<void>
}

export interface KillableBrowser extends Omit<TestBrowser, 'browser'> {
  /** SIGKILLs every process of the browser at once, and waits until all are gone. */
  kill: () => Promise<void>
}

interface ProfileOptions {
  profile: string
  keepsPages?: boolean | undefined
  extension?: string
}

/** A browser of any engine. */
export async function launchEngine(
  engine: Engine,
  options: EngineOptions = {},
): Promise<EngineBrowser> {
  if (engine === 'webkit') return launchWebKit(pathOf(engine), options)
  const { profile, keepsPages } = options
  if (profile) return launchOnProfile(engine, { profile, keepsPages })
  const { newPage, close } = await launchAfresh(engine)
  return { newPage, close, kill: close }
}

/**
 * A headless browser of playwright's; Chromium reaches this machine only. With a `profile` folder it
 * keeps its data there, and can be killed and started again on it. `extension`: the folder of one, for
 * Chromium.
 */
export function launchBrowser(options: ProfileOptions): Promise<KillableBrowser>
export function launchBrowser(): Promise<TestBrowser>
export function launchBrowser(options?: ProfileOptions): Promise<TestBrowser | KillableBrowser> {
  return options ? launchOnProfile(testBrowser, options) : launchAfresh(testBrowser)
}

function pathOf(engine: Engine): string {
  const path = findBrowser(engine)
  if (!path) throw new Error(`There is no ${engine}: \`npm test\` installs one where it can.`)
  return path
}

const chromiumArgs = (without?: string[]) => [
  ...launchArgs(without),
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
]

function optionsOf(engine: Engine): LaunchOptions {
  // Playwright's own, the only WebKit that it drives.
  if (engine === 'webkit') return {}
  const executablePath = pathOf(engine)
  if (engine === 'firefox') {
    // Its own speaks its protocol, everybody's WebDriver BiDi.
    return isOwn(executablePath) ? {} : { executablePath, channel: 'moz-firefox' }
  }
  return {
    executablePath,
    args: chromiumArgs(),
    // Users have it, so the tests do.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  }
}

async function launchAfresh(engine: Engine): Promise<TestBrowser> {
  const browser = await types[engine].launch(optionsOf(engine))
  const context = await browser.newContext()
  return { browser, context, newPage: () => context.newPage(), close: () => browser.close() }
}

async function launchOnProfile(engine: Engine, options: ProfileOptions): Promise<KillableBrowser> {
  if (engine === 'chromium') return launchChromiumOnProfile(options)
  const { profile, keepsPages = true } = options
  const context = await types[engine].launchPersistentContext(profile, {
    ...optionsOf(engine),
    ...(keepsPages ? {} : { firefoxUserPrefs: { 'browser.sessionhistory.max_total_viewers': 0 } }),
  })
  return {
    context,
    newPage: () => context.newPage(),
    async kill() {
      const gone = context.waitForEvent('close')
      killGroupOf(profile)
      await gone
    },
    close: () => context.close(),
  }
}

/** Playwright tells no process id of a browser that has a profile, but starts it as a group of its own. */
function killGroupOf(profile: string): void {
  try {
    const [leader = ''] = execFileSync('pgrep', ['-f', profile], { encoding: 'utf8' }).split('\n')
    process.kill(-Number(leader), 'SIGKILL')
  } catch {
    // It has gone already.
  }
}
/** Spawned by ourselves: a `kill` that reaches every process at once. */
async function launchChromiumOnProfile({
  profile,
  keepsPages = true,
  extension,
}: ProfileOptions): Promise<KillableBrowser> {
  const child = spawn(
    pathOf('chromium'),
    [
      ...chromiumArgs(keepsPages ? [] : ['BackForwardCache']),
      '--headless=new',
      ...(extension ? [`--load-extension=${extension}`] : []),
      '--remote-debugging-port=0',
      // Nobody speaks through it, but Chromium ends with it: none outlives tests that were killed.
      '--remote-debugging-pipe',
      `--user-data-dir=${profile}`,
      '--no-default-browser-check',
      '--password-store=basic',
      '--use-mock-keychain',
      'about:blank',
    ],
    // A process group of its own, which a signal reaches as a whole.
    { detached: true, stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'] },
  ) as ChildProcessByStdio<null, null, Readable>
  // Comes only when every process that inherited a pipe has gone.
  const gone = once(child, 'close')

  const said: string[] = []
  const address = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      said.push(line)
      const listening = /^DevTools listening on (\S+)/.exec(line)?.[1]
      if (listening) resolve(listening)
    })
    gone.then(
      () => reject(new Error(`Chromium ended before it listened:\n${said.join('\n')}`)),
      reject,
    )
  })

  // Playwright would pretend that every page has the focus, and no tab would ever become hidden.
  const browser = await chromium.connectOverCDP(address, { noDefaults: true })
  const context = browser.contexts()[0]
  if (!context) throw new Error('Chromium has no default context')
  return {
    context,
    newPage: () => context.newPage(),
    kill: async () => {
      const running = child.exitCode === null && child.signalCode === null
      if (running && child.pid) process.kill(-child.pid, 'SIGKILL')
      await gone
    },
    close: async () => {
      const session = await browser.newBrowserCDPSession()
      await session.send('Browser.close')
      await gone
    },
  }
}
