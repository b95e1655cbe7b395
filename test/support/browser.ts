import { spawn } from 'node:child_process'
import type { ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { chromium, firefox, webkit } from 'playwright-core'
import type { Browser, BrowserContext, BrowserType, Page } from 'playwright-core'
import { findChromium, launchArgs } from '../../scripts/chromium.mjs'

const browsers: Record<string, BrowserType> = { chromium, firefox, webkit }

/** The one that `TEST_BROWSER` names, in playwright's own build; else Chromium. */
const browserType = browsers[process.env.TEST_BROWSER || 'chromium']
if (!browserType) throw new Error('`TEST_BROWSER` must be `chromium`, `firefox` or `webkit`.')

/**
 * For `runIf`, by which tests that only Chromium can be put to count as skipped elsewhere: those that
 * speak its protocol, kill or crash it, or need a back/forward cache, which playwright's others lack.
 */
export const isChromium: boolean = browserType === chromium

export interface TestBrowser {
  browser: Browser
  context: BrowserContext
  newPage: () => Promise<Page>
  /** Leaves as a user does: what the profile holds is written. */
  close: () => Promise<void>
}

export interface KillableBrowser extends Omit<TestBrowser, 'browser'> {
  /** SIGKILLs every process of the browser at once, and waits until all are gone; others it closes. */
  kill: () => Promise<void>
}

/**
 * A headless browser; Chromium reaches this machine only. With a `profile` folder it keeps its data
 * there, and can be killed and started again on it.
 */
export function launchBrowser(options: { profile: string }): Promise<KillableBrowser>
export function launchBrowser(): Promise<TestBrowser>
export async function launchBrowser({ profile }: { profile?: string } = {}): Promise<
  TestBrowser | KillableBrowser
> {
  if (browserType && !isChromium) {
    if (profile) return launchOtherOnProfile(browserType, profile)
    return withContext(await browserType.launch())
  }
  const executablePath = findChromium()
  if (!executablePath) throw new Error('There is no Chromium: `npm test` installs one.')
  const args = [
    ...launchArgs(),
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
  ]
  return profile
    ? launchOnProfile(executablePath, profile, args)
    : launchAfresh(executablePath, args)
}

async function launchAfresh(executablePath: string, args: string[]): Promise<TestBrowser> {
  const browser = await chromium.launch({
    executablePath,
    args,
    // Users have it, so the tests do.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  })
  return withContext(browser)
}

async function withContext(browser: Browser): Promise<TestBrowser> {
  const context = await browser.newContext()
  return { browser, context, newPage: () => context.newPage(), close: () => browser.close() }
}

async function launchOtherOnProfile(type: BrowserType, profile: string): Promise<KillableBrowser> {
  const context = await type.launchPersistentContext(profile)
  const close = () => context.close()
  return { context, newPage: () => context.newPage(), kill: close, close }
}

/** Spawned by ourselves, since playwright tells no process id of a browser that has a profile. */
async function launchOnProfile(
  executablePath: string,
  profile: string,
  args: string[],
): Promise<KillableBrowser> {
  const child = spawn(
    executablePath,
    [
      ...args,
      '--headless=new',
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
