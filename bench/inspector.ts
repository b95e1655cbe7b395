import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { launchBrowser } from '../test/support/browser.ts'
import { tasksDuring } from './tasks.ts'

const hits = 10_000
const together = 100

/** What the inspector of the command line costs its page: the longest task, in ms of CPU time. */
export type InspectorCost = { what: string; longestMs: number }

async function startCollector(): Promise<{ address: string; stop: () => Promise<void> }> {
  const child = spawn(process.execPath, ['dist/cli.js', 'collector', '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const gone = once(child, 'exit')
  const address = await new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [, found] = /live at (http\S+)/.exec(line) ?? []
      if (found !== undefined) resolve(found)
    })
  })
  const stop = async () => {
    child.kill()
    await gone
  }
  return { address, stop }
}

const hit = (index: number) =>
  new URLSearchParams({
    rec: '1',
    client_id: 'bench',
    action: 'ev',
    event: JSON.stringify({ name: `Feature ${index % 50}`, event_name: 'feature' }),
    event_id: index.toString(16).padStart(16, '0'),
    visitor_id: (index >> 3).toString(16).padStart(16, '0'),
    visit_id: (index >> 2).toString(16).padStart(16, '1'),
    identity: JSON.stringify({ id: `user-${index >> 4}` }),
    customer_id: `customer-${index % 200}`,
    ts: '2026-11-24T12:00:00',
    localtime: '13:00:00',
  })

/** {@link hits} hits arrive; then a reader scrolls, and filters. */
export async function measureInspector(): Promise<InspectorCost[]> {
  const { browser, newPage, close } = await launchBrowser()
  const { address, stop } = await startCollector()
  try {
    const page = await newPage()
    await page.goto(address)
    const shown = (count: number) =>
      page.waitForFunction(
        (text) => document.querySelector('#counters')?.textContent.includes(text),
        String(count),
      )
    const longest = async (what: string, work: () => Promise<unknown>): Promise<InspectorCost> => {
      const tasks = await tasksDuring({ browser }, { page }, work)
      return { what, longestMs: Math.max(...tasks) }
    }
    return [
      await longest(`${hits} hits arrive`, async () => {
        for (let first = 0; first < hits; first += together) {
          const some = Array.from({ length: together }, (_, index) => hit(first + index))
          await Promise.all(
            some.map(async (body) =>
              (await fetch(`${address}hit`, { method: 'POST', body })).text(),
            ),
          )
        }
        await shown(hits)
      }),
      await longest('one scrolls', async () => {
        await page.hover('#rows')
        for (let turn = 0; turn < 30; turn += 1) await page.mouse.wheel(0, 3000)
      }),
      await longest('one filters', async () => {
        await page.getByLabel('Filter by customer').selectOption({ index: 3 })
        await page.waitForFunction(() => document.querySelector('#rows .row'))
        await page.getByLabel('Filter by customer').selectOption({ index: 0 })
      }),
    ]
  } finally {
    await close()
    await stop()
  }
}
