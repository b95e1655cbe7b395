import { readFile } from 'node:fs/promises'
import { cpus, loadavg, release, type } from 'node:os'
import { format } from 'prettier'

const versionOf = async (folder: string) => {
  const path = new URL(`../${folder}package.json`, import.meta.url)
  return (JSON.parse(await readFile(path, 'utf8')) as { version: string }).version
}

/** What a figure depends on besides the code. */
export async function describeMachine(chromium: string, loadBefore: number): Promise<string> {
  const [model = 'unknown processor'] = cpus().map((cpu) => cpu.model)
  const load = [loadBefore, loadavg()[0] ?? NaN].map((value) => value.toFixed(1)).join(' before, ')
  return [
    `- ${new Date().toISOString().slice(0, 10)}, skalin-analytics-plugin ${await versionOf('')}, @segment/analytics-next ${await versionOf('node_modules/@segment/analytics-next/')}`,
    `- ${model}, ${cpus().length} cores, ${type()} ${release().split('-')[0]}`,
    `- Chromium ${chromium}, headless; Node ${process.versions.node}`,
    `- load average ${load} after: beyond the number of cores, programs waited for each other`,
  ].join('\n')
}

export const benchmarkDocument = (parts: {
  measures: string
  sizes: string
  parts: string
  machine: string
}): Promise<string> =>
  format(
    `<!-- Made by \`npm run bench\`: do not edit. -->

# Benchmark

What this plugin costs a page, beside Segment with a destination that does nothing (_Segment alone_)
and with a plugin of the usual kind, which awaits one \`ky.post\` in each hook (_hand-written_).

![Times of the three, on a logarithmic axis](benchmark.svg)

## Times and memory

Medians, in brackets the interquartile range. The last columns are this
plugin's median divided by the others'.

${parts.measures}

## Size

${parts.sizes}

ky and idb take a third of the script tag. Of our own code no part stands out:

${parts.parts}

## How to read it

- **In one run, side by side**: all three are open in the same Chromium, each in a process of its own,
  with the same calls, against the same collector (\`skalin-analytics-plugin/testing\`, on loopback).
  They take turns round by round, so that a busy moment of the machine meets all of them. Compare
  within a row; milliseconds of another machine, or another day, are others.
- **Main thread per call** is the CPU time of the page's main thread (\`ThreadTime\` of Chromium's
  \`Performance.getMetrics\`), all that a call leads to included: Segment's own work, the request, its
  answer, the row that is stored and deleted. CPU time, not time by the clock, which grows with
  whatever else runs. _The plugin's share_ is that less the time of Segment alone, round by round.
- **Calls** are 40 ms apart. _Healthy_: the collector answers after 15 ms. _5,000 hits waiting_: it
  answers 503, and as many hits of former pages as the outbox takes are stored, so that each new one
  drives out an old one; the hand-written plugin stores nothing. _Hangs_: it never answers.
- **\`await track()\`** is over when Segment has heard from every destination; **next destination
  served** is when a destination registered after the plugin gets the event. Behind restored events,
  which a former page had not delivered, Segment hands out one at a time.
- **Longest task** is CPU time too, of one task of the main thread. In a burst it is the task that
  makes the calls, most of it Segment's own. With the CPU four times slower
  (\`Emulation.setCPUThrottlingRate\`) no task of ours should reach 50 ms, which is what browsers call
  a long one.
- **Last hit accepted** and **hits accepted**: ours go two at a time, so that the page keeps its
  connections; the hand-written ones all at once, and what waits for more than the 10 s of ky's
  timeout is lost.
- **JavaScript heap** is what is in use after a garbage collection. Rows wait in IndexedDB, not here.

## The machine

${parts.machine}

\`npm run bench -- --quick\` measures for half a minute and prints only;
\`npm run bench -- --profile\` says where our time goes.
`,
    { parser: 'markdown', singleQuote: true, semi: false, printWidth: 100 },
  )
