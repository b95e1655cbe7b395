import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { Builder, Capabilities, type WebDriver } from 'selenium-webdriver'
import { within } from '../../src/browser/deadline.ts'
import { until } from './deadline.ts'
import type { EngineBrowser, EngineOptions, Tab } from './engine.ts'

const program = fileURLToPath(new URL('webkit.py', import.meta.url))

/** How long a start may take; it takes a second or two. */
const startMs = 15_000

/** WebKitGTK, in windows on a screen that nobody sees. */
export async function launchWebKit(
  driverPath: string,
  options: EngineOptions,
): Promise<EngineBrowser> {
  // Now and then its driver never answers the first command, which says nothing of any page.
  for (let starts = 1; starts <= 3; starts += 1) {
    const { connecting, kill } = await start(driverPath, options)
    const session = await within<WebDriver | undefined>(startMs, connecting, undefined)
    if (session === undefined) {
      await kill()
      continue
    }
    return {
      newPage: tabsOf(session),
      kill,
      async close() {
        await session.quit()
        await kill()
      },
    }
  }
  throw new Error(`WebKit did not start within ${startMs} ms, three times`)
}

/** A driver, and the session that it is asked for. */
async function start(
  driverPath: string,
  { profile, keepsPages = true }: EngineOptions,
): Promise<{ connecting: Promise<WebDriver>; kill: () => Promise<void> }> {
  const screen = spawn('Xvfb', ['-displayfd', '3', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  const [display] = (await once(screen.stdio[3] as Readable, 'data')) as [Buffer]
  const port = await freePort()
  const driver = spawn(driverPath, [`--port=${port}`], {
    // A process group of its own, which a signal reaches as a whole, browser and all.
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
    env: {
      ...process.env,
      DISPLAY: `:${String(display).trim()}`,
      LIBGL_ALWAYS_SOFTWARE: '1',
      // As on a machine that nobody has set up: its language is `C`, which is none.
      LC_ALL: 'C.UTF-8',
    },
  })
  driver.stderr.resume()
  // Comes only when every process that inherited the pipe has gone.
  const gone = once(driver, 'close')
  const kill = async () => {
    if (isRunning(driver) && driver.pid) process.kill(-driver.pid, 'SIGKILL')
    await gone
    screen.kill()
    process.off('exit', killNow)
  }
  const killNow = () => void kill()
  process.once('exit', killNow)

  const server = `http://127.0.0.1:${port}`
  const connect = async () => {
    await until(() => fetch(`${server}/status`), { message: 'the WebDriver of WebKit to listen' })
    return new Builder()
      .usingServer(server)
      .withCapabilities(
        new Capabilities({
          browserName: 'webkit.py',
          'webkitgtk:browserOptions': {
            binary: program,
            args: [
              ...(profile ? [`--profile=${profile}`] : []),
              ...(keepsPages ? [] : ['--no-page-cache']),
            ],
          },
        }),
      )
      .build()
  }
  return { connecting: connect(), kill }
}

const isRunning = ({ exitCode, signalCode }: ChildProcess) =>
  exitCode === null && signalCode === null

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

/** Tabs of a session; the window that it began with stays, since WebKit ends with its last. */
function tabsOf(session: WebDriver): () => Promise<Tab> {
  let last: Promise<unknown> = Promise.resolve()
  /** WebDriver has one current window, so that one command waits for another. */
  const queue = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const done = last.then(work)
    last = done.catch(() => undefined)
    return done
  }

  return async () => {
    const handle = await queue(async () => {
      // The one of the last command may have closed.
      const [first] = await session.getAllWindowHandles()
      if (first) await session.switchTo().window(first)
      await session.switchTo().newWindow('window')
      return session.getWindowHandle()
    })
    const here = <Result>(work: () => Promise<Result>) =>
      queue(async () => {
        await session.switchTo().window(handle)
        return work()
      })
    const tab = {
      goto: (url: string) => here(() => session.get(url)),
      reload: () => here(() => session.navigate().refresh()),
      goBack: () => here(() => session.navigate().back()),
      click: (css: string) => here(() => session.findElement({ css }).click()),
      close: () => here(() => session.close()),
      async evaluate(work: (argument: unknown) => unknown, argument?: unknown): Promise<unknown> {
        const code = `
          const [argument, done] = arguments
          new Promise((resolve) => resolve((${String(work)})(argument)))
            .then((value) => done({ value }), (error) => done({ error: String(error) }))`
        const answer: { value?: unknown; error?: string } = await here(() =>
          session.executeAsyncScript(code, argument),
        )
        if (answer.error !== undefined) throw new Error(answer.error)
        return answer.value
      },
    }
    return tab as unknown as Tab
  }
}
