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

export const herdSection = (herd: string): string => `## After an outage

20,000 browsers make a call every 30 seconds each, and 200 more make 50 calls while the collector is
down for ten minutes. A simulation with the code that decides in the page (\`src/delivery\`:
\`endpoint\`, \`policy\` and \`window\`); chance is seeded, so that it gives the same figures everywhere.

${herd}

- **Normal** are the 667 requests a second of a collector that is well. What is measured are requests
  in each second of simulated time.
- **The mean** is that of the six minutes after the outage, in which what has waited is sent: a busiest
  second near it is what a collector has to be made for.
`

export const sizeSection = (sizes: string, parts: string): string => `## Size

${sizes}

Of our own code, minified:

${parts}
`

const formatted = (text: string) =>
  format(text, { parser: 'markdown', singleQuote: true, semi: false, printWidth: 100 })

/** The document with another section in the place of the one with its heading. */
export function withSection(document: string, section: string): Promise<string> {
  const [heading = ''] = section.split('\n')
  const [before = '', after = ''] = document.split(`${heading}\n`)
  return formatted(before + section + after.slice(after.indexOf('\n## ')))
}

export const benchmarkDocument = (parts: {
  measures: string
  operations: string
  herd: string
  sizes: string
  parts: string
  machine: string
}): Promise<string> =>
  formatted(
    `<!-- Made by \`npm run bench\`: do not edit. -->

# Benchmark

What this plugin costs a page, beside Segment with a destination that does nothing (_Segment alone_),
with one that only writes each hit down and sends it, and decides nothing (_the floor_: one
transaction with one \`put\`, one \`fetch\`, one batched delete a second), and with a plugin of the usual
kind, which awaits one \`ky.post\` in each hook (_hand-written_).

![Times of the four, on a logarithmic axis](benchmark.svg)

## Times and memory

Medians, in brackets the interquartile range. The columns with ÷ are this plugin's median divided by
the others'; the last one is what it is meant to be at most, and says so where that is missed.

${parts.measures}

## Operations

In a steady stream of calls, 10 ms apart, by a known user: what Segment alone asks of the browser, and
what the others add to that.

${parts.operations}

${herdSection(parts.herd)}

${sizeSection(parts.sizes, parts.parts)}

## How to read it

- **In one run, side by side**: all four are open in the same Chromium, each in a process of its own,
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
- **Inside \`track()\`** is the part of the call before the page has control again, by the clock. What
  it leads to afterwards is in the row above.
- **\`await track()\`** is over when Segment has heard from every destination; **next destination
  served** is when a destination registered after the plugin gets the event. Behind restored events,
  which a former page had not delivered, Segment hands out one at a time.
- **Longest task** is CPU time too, of one task of the main thread. In a burst it is the task that
  makes the calls, most of it Segment's own. With the CPU four times slower
  (\`Emulation.setCPUThrottlingRate\`) no task of ours should reach 50 ms, which is what browsers call
  a long one.
- **Last hit accepted** and **hits accepted**: ours go up to four at a time, so that the page keeps its
  connections; the hand-written ones all at once, and what waits for more than the 10 s of ky's
  timeout is lost. The floor would lose most: browsers allow 64 KiB of bodies to requests that outlive
  their page. With two cores all are busy throughout, and what ours take longer goes mostly into the
  browser's work for \`keepalive\` and for storing.
- **A new page's first call**: a click on a link makes some calls and leads to a page that makes one as
  soon as it can. From that call to the collector, which hears it before it answers. Chromium keeps a
  page that is left, or does not: because of an \`unload\` listener, a WebSocket or \`no-store\`, say.
- **Requests for a hit** are counted while pages change. What a page did not hear of goes once more, 20
  seconds later.
- **JavaScript heap** is what is in use after a garbage collection. Rows wait in IndexedDB, not here.

## The machine

${parts.machine}

\`npm run bench -- herd\` and \`npm run bench -- size\` write those sections anew and leave the rest;
\`npm run bench -- --quick\` measures for half a minute and prints only;
\`npm run bench -- --profile\` says where our time goes.
`,
  )
