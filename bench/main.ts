import { writeFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { measureBurst } from './burst.ts'
import { measureCalls, situations } from './calls.ts'
import { benchmarkDocument, describeMachine } from './document.ts'
import { plot } from './plot.ts'
import { profile } from './profile.ts'
import { measureRestored } from './restored.ts'
import type { Measure } from './samples.ts'
import { measureParts, measureSizes } from './size.ts'
import { measureSlowCpu } from './slow-cpu.ts'
import { type Stage, createStage } from './stage.ts'
import { added, measuresTable, sizesTable } from './table.ts'

/** A full run, or one that only shows that all is in order. */
const scales = {
  full: { seconds: 195, calls: 2000, drainMs: 5000, limitMs: 8000, atLeast: 3 },
  quick: { seconds: 35, calls: 200, drainMs: 1500, limitMs: 2000, atLeast: 1 },
}

async function measureAll(
  stage: Stage,
  { seconds, calls, drainMs, limitMs, atLeast }: (typeof scales)['full'],
): Promise<Measure[]> {
  const start = performance.now()
  const plan = (share: number) => ({
    until: start + share * seconds * 1000,
    atLeast,
    atMost: 15,
  })

  const perSituation: Measure[][] = []
  for (const [index, situation] of situations.entries()) {
    perSituation.push(await measureCalls(stage, plan(0.13 * (index + 1)), situation))
  }
  const restored = await measureRestored(stage, plan(0.52), limitMs)
  const slow = await measureSlowCpu(stage, { ...plan(0.7), atLeast: 1 }, drainMs)
  const burst = await measureBurst(stage, { ...plan(1), atLeast: 1 }, calls)

  const [cpu, returned, witnessed, heap] = [0, 1, 2, 3].map((index) =>
    perSituation.flatMap((measures) => measures[index] ?? []),
  )
  return [cpu, cpu?.map(added), returned, witnessed, restored, burst, slow, heap].flatMap(
    (measures) => measures ?? [],
  )
}

async function bench(scale: (typeof scales)['full'], save: boolean): Promise<void> {
  const loadBefore = loadavg()[0] ?? NaN
  const sizes = sizesTable(await measureSizes(), 'bytes, `gzip -9`')
  const parts = sizesTable(await measureParts(), 'bytes, minified')
  const stage = await createStage()
  try {
    const measures = await measureAll(stage, scale)
    const machine = await describeMachine(stage.browser.version(), loadBefore)
    const table = measuresTable(measures)
    const text = await benchmarkDocument({ measures: table, sizes, parts, machine })
    console.log(text.replace(/^[^|\n].*\n|^\n/gm, '') + '\n' + machine)
    if (!save) return
    await writeFile(new URL('../docs/benchmark.md', import.meta.url), text)
    await writeFile(new URL('../docs/benchmark.svg', import.meta.url), plot(measures))
  } finally {
    await stage.close()
  }
}

if (process.argv.includes('--profile')) await profile()
else if (process.argv.includes('--quick')) await bench(scales.quick, false)
else await bench(scales.full, true)
