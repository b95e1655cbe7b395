import { setTimeout as sleep } from 'node:timers/promises'
import { until } from '../test/support/deadline.ts'
import { acceptedBy } from '../test/support/fault-rig.ts'
import { operationsOf } from './operations.ts'
import { all, columns } from './samples.ts'
import { type Guest, type Stage, createStage } from './stage.ts'

/** What of Chromium's profile is used. */
type Profile = {
  nodes: {
    id: number
    callFrame: { functionName: string; url: string; lineNumber: number }
    children?: number[]
  }[]
  samples?: number[]
  timeDeltas?: number[]
}

const count = 500
const shown = 45

const patterns = {
  'far apart, each sent at once': (guest: Guest) =>
    guest.page.evaluate((count) => window.bench.calls(count, 30), count),
  'in one task': (guest: Guest) => guest.page.evaluate((count) => window.bench.burst(count), count),
}

/** Where a call's time goes: what it asks of the browser, and which functions take how long. */
export async function profile(): Promise<void> {
  const stage = await createStage({ minify: false })
  try {
    for (const [pattern, calls] of Object.entries(patterns)) {
      console.log(`\n${count} calls ${pattern}`)
      await printOperations(stage, calls)
      await printFunctions(stage, calls)
    }
  } finally {
    await stage.close()
  }
}

type Calls = (guest: Guest) => Promise<unknown>

async function delivered(stage: Stage, guest: Guest, calls: Calls): Promise<void> {
  stage.rig.collector.clear()
  await calls(guest)
  if (guest.variant === 'floor') await sleep(5000)
  else if (guest.variant !== 'empty') {
    const isThere = () => acceptedBy(stage.rig).length >= count
    await until(isThere, { message: `${count} hits`, deadlineMs: 120_000 })
  }
  await sleep(500)
}

async function printOperations(stage: Stage, calls: Calls): Promise<void> {
  const found = await operationsOf(stage, count, (guest) => delivered(stage, guest, calls))
  const rows = [...found].map(([what, samples]) => {
    const cells = all.map((variant) => [columns[variant], samples[variant][0]?.toFixed(2)])
    return [what, Object.fromEntries(cells)] as const
  })
  console.log('\nOperations per call')
  console.table(Object.fromEntries(rows))
}

async function printFunctions(stage: Stage, calls: Calls): Promise<void> {
  const guest = await stage.open('ours')
  await guest.page.evaluate(() => window.bench.calls(100, 10))
  await sleep(1000)
  await guest.cdp.send('Profiler.enable')
  await guest.cdp.send('Profiler.setSamplingInterval', { interval: 200 })
  await guest.cdp.send('Profiler.start')
  await delivered(stage, guest, calls)
  const { profile } = await guest.cdp.send('Profiler.stop')
  await guest.close()
  const source = await (await fetch(`${stage.rig.site.origin}/bench.js`)).text()
  const { self, total } = times(profile, source.split('\n'))
  const rows = (of: Map<string, number>) =>
    [...of]
      .sort(([, a], [, b]) => b - a)
      .slice(0, shown)
      .map(([name, us]) => `${(us / count).toFixed(0).padStart(8)}  ${name}`)
  console.log(['\nSelf time, µs per call', ...rows(self)].join('\n'))
  console.log(['\nTotal time of our functions, µs per call', ...rows(total)].join('\n'))
}

/** By function. Time of the browser's own functions is told by who called them. */
function times(
  { nodes, samples = [], timeDeltas = [] }: Profile,
  lines: string[],
): { self: Map<string, number>; total: Map<string, number> } {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const parents = new Map(
    nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])),
  )
  const modules: string[] = []
  for (const line of lines) modules.push(moduleIn(line) ?? modules.at(-1) ?? '')

  const nameOf = (id: number): string => {
    const { functionName, url, lineNumber } = byId.get(id)?.callFrame ?? {
      functionName: '',
      url: '',
      lineNumber: 0,
    }
    if (url !== '') {
      const name = functionName || `at ${lines[lineNumber]?.trim().slice(0, 50) ?? ''}`
      return `${modules[lineNumber] ?? ''} ${name}`
    }
    const parent = parents.get(id)
    if (functionName.startsWith('(') || parent === undefined) return functionName
    return `${nameOf(parent)} → ${functionName}`
  }

  const self = new Map<string, number>()
  const total = new Map<string, number>()
  const add = (to: Map<string, number>, name: string, us: number) =>
    to.set(name, (to.get(name) ?? 0) + us)
  for (const [index, id] of samples.entries()) {
    const us = timeDeltas[index] ?? 0
    add(self, nameOf(id), us)
    const stack = new Set<string>()
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      stack.add(nameOf(at))
    }
    for (const name of stack) if (name.startsWith('ours')) add(total, name, us)
  }
  return { self, total }
}

/** esbuild says in a comment which file the code after it is from. */
function moduleIn(line: string): string | undefined {
  const path = /^\s*\/\/ (\S+\.[mc]?[jt]s)$/.exec(line)?.[1]
  if (path === undefined) return undefined
  const dependency = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]
  return dependency ?? (path.startsWith('dist/') ? 'ours' : 'bench')
}
