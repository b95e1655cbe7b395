import { readFile, writeFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { measureBurst } from './burst.ts'
import { measureCalls, situations } from './calls.ts'
import {
  benchmarkDocument,
  describeMachine,
  herdSection,
  sizeSection,
  withSection,
} from './document.ts'
import { outages, simulateHerd } from './herd.ts'
import { measureInspector } from './inspector.ts'
import { type Operation, measureOperations } from './operations.ts'
import { measurePageToPage } from './page-to-page.ts'
import { plot } from './plot.ts'
import { profile } from './profile.ts'
import { measureRestored } from './restored.ts'
import type { Measure } from './samples.ts'
import { measureParts, measureSizes } from './size.ts'
import { measureSlowCpu } from './slow-cpu.ts'
import { type Stage, createStage } from './stage.ts'
import { measureStream } from './stream.ts'
import { herdTable, measuresTable, operationsTable, partsTable, sizesTable } from './table.ts'

/** A full run, or one that only shows that all is in order. `seconds` of those that may take longer. */
const scales = {
  full: {
    seconds: 230,
    burst: 2000,
    drainMs: 5000,
    limitMs: 8000,
    atLeast: 3,
    stream: 1000,
    operations: 300,
    pages: 24,
  },
  quick: {
    seconds: 35,
    burst: 200,
    drainMs: 1500,
    limitMs: 2000,
    atLeast: 1,
    stream: 200,
    operations: 50,
    pages: 1,
  },
}
type Scale = (typeof scales)['full']

/** What browsers call a long task. https://www.w3.org/TR/longtasks-1/ */
const longTaskMs = 50

const documentFile = new URL('../docs/benchmark.md', import.meta.url)
const plotFile = new URL('../docs/benchmark.svg', import.meta.url)

async function measureAll(
  stage: Stage,
  { seconds, burst, drainMs, limitMs, atLeast, stream, pages }: Scale,
): Promise<Measure[]> {
  const streamed = await measureStream(stage, stream)
  const pageToPage = await measurePageToPage(stage, pages)

  const start = performance.now()
  const plan = (share: number) => ({
    until: start + share * seconds * 1000,
    atLeast,
    atMost: 15,
  })
  const perSituation: Measure[][] = []
  for (const [index, situation] of situations.entries()) {
    perSituation.push(await measureCalls(stage, plan(0.14 * (index + 1)), situation))
  }
  const restored = await measureRestored(stage, plan(0.55), limitMs)
  const slow = await measureSlowCpu(stage, { ...plan(0.7), atLeast: 1 }, drainMs)
  const burstMeasures = await measureBurst(stage, { ...plan(1), atLeast: 1 }, burst)

  // By what is measured, as far as it is the same everywhere.
  const all = [...perSituation.flat(), ...streamed, ...restored, ...burstMeasures, ...slow]
  const order = [...new Set(all.map(({ what }) => what))]
  return [...order.flatMap((what) => all.filter((measure) => measure.what === what)), ...pageToPage]
}

async function bench(scale: Scale, save: boolean): Promise<void> {
  const loadBefore = loadavg()[0] ?? NaN
  const sizes = sizesTable(await measureSizes())
  const parts = partsTable(await measureParts())
  const stage = await createStage()
  let measures: Measure[]
  let counted: Operation[]
  let machine: string
  try {
    counted = await measureOperations(stage, scale.operations)
    measures = await measureAll(stage, scale)
    machine = await describeMachine(stage.browser.version(), loadBefore)
  } finally {
    await stage.close()
  }
  const operations = operationsTable(counted)
  const herd = save ? herdTable(outages.map(simulateHerd)) : ''
  const table = measuresTable(measures)
  const text = await benchmarkDocument({ measures: table, operations, herd, sizes, parts, machine })
  console.log(text.replace(/^[^|\n].*\n|^\n/gm, '') + '\n' + machine)
  if (!save) return
  await writeFile(documentFile, text)
  await writeFile(plotFile, plot(measures))
}

/** Writes one section anew. */
async function rewrite(section: string): Promise<void> {
  console.log(section)
  await writeFile(documentFile, await withSection(await readFile(documentFile, 'utf8'), section))
}

/** Fails where the inspector holds its page up for longer than a person notices. */
async function benchInspector(): Promise<void> {
  const costs = await measureInspector()
  console.table(costs)
  const tooLong = costs.filter(({ longestMs }) => longestMs > longTaskMs)
  for (const { what } of tooLong) console.error(`A task of over ${longTaskMs} ms: ${what}`)
  if (tooLong.length > 0) process.exitCode = 1
}

const { argv } = process
if (argv.includes('--profile')) await profile()
else if (argv.includes('inspector')) await benchInspector()
else if (argv.includes('herd')) await rewrite(herdSection(herdTable(outages.map(simulateHerd))))
else if (argv.includes('size'))
  await rewrite(sizeSection(sizesTable(await measureSizes()), partsTable(await measureParts())))
else if (argv.includes('--quick')) await bench(scales.quick, false)
else await bench(scales.full, true)
