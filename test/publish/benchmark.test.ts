import { describe, expect, test } from 'vitest'
import { outages, simulateHerd } from '../../bench/herd.ts'
import { measureSizes } from '../../bench/size.ts'
import { herdTable } from '../../bench/table.ts'
import { pageText, pages, tableBelow } from './markdown.ts'

const text = await pageText('docs/benchmark.md')
const measures = tableBelow('Times and memory', text)
const operations = tableBelow('Operations', text)
const herd = tableBelow('After an outage', text)
const sizes = tableBelow('Size', text)

/** The first number of a cell, its median; `NaN` where there is none. */
const numberIn = (cell = '') =>
  Number(/-?[\d,]+(\.\d+)?/.exec(cell)?.[0].replaceAll(',', '') ?? NaN)
const columns = { alone: 2, floor: 3, 'hand-written': 4 }
const ours = 5
const ratios = { alone: 6, floor: 7, 'hand-written': 8 }
const names = Object.keys(ratios) as (keyof typeof ratios)[]

const missed = '**missed:** '
const goalOf = (cells: string[]) => (cells.at(-1) ?? '').replace(missed, '')

/** What is said to be missed is, and nothing else is. */
function expectVerdict(cells: string[], value: number): void {
  const isMet = value <= numberIn(goalOf(cells))
  expect(cells.at(-1)?.startsWith(missed), `${value}, goal ${goalOf(cells)}`).toBe(!isMet)
}

test.each(measures)('%s, %s: each ratio is that of the medians beside it', (...cells) => {
  for (const name of names) {
    const ratio = numberIn(cells[ratios[name]])
    if (Number.isNaN(ratio)) continue
    const expected = numberIn(cells[ours]) / numberIn(cells[columns[name]])
    // Medians have three digits.
    expect(Math.abs(ratio - expected)).toBeLessThan(0.01 * Math.abs(expected) + 0.01)
  }
})

describe('the goals', () => {
  test('are those that were set', () => {
    const goals = measures.map((cells) => [cells[0], goalOf(cells)]).filter(([, goal]) => goal)
    expect([...new Set(goals.map((goal) => goal.join(': ')))]).toEqual([
      "Main thread per call, the plugin's share, ms: ≤ 1.3 × floor",
      "Main thread per call, the plugin's share, ms: ≤ 0.7 × hand-written",
      'Next destination served, ms: ≤ 1.1 × alone',
      'JavaScript heap, MB: ≤ 1.2 × alone',
      'Inside `track()`, ms: ≤ 1.05 × alone',
      'Longest task, ms: ≤ 1.1 × alone',
      'Last hit accepted, ms: ≤ 1 × hand-written',
      "A new page's first call accepted, ms: ≤ 1.2 × hand-written",
    ])
    expect(operations.map((cells) => [cells[0], goalOf(cells)])).toEqual([
      ['Cookie reads', '≤ 0'],
      ['Cookie writes', '≤ 0'],
      ['localStorage reads', '≤ 2'],
      ['localStorage writes', '≤ 0.2'],
      ['Timers', '≤ 1.1'],
      ['IndexedDB transactions', '≤ 1.3'],
      ['BroadcastChannel messages', ''],
      ['Requests', '≤ 1'],
    ])
    expect(herd.map((cells) => [cells[0], goalOf(cells)])).toEqual(
      outages.map((what) => [what, '≤ 0.5, ≤ 3, ≤ 15']),
    )
    expect(sizes.map(goalOf)).toEqual(['≤ 16,000', ''])
  })

  test.each(measures)('of a measure is reached, or said to be missed: %s, %s', (...cells) => {
    const name = names.find((name) => goalOf(cells).endsWith(` × ${name}`))
    if (name) expectVerdict(cells, numberIn(cells[ratios[name]]))
  })

  test.each([...operations, ...sizes])('of an amount likewise: %s', (...cells) => {
    if (goalOf(cells) !== '') expectVerdict(cells, numberIn(cells.at(-2)))
  })
})

test.each(outages)(
  'the figures after an outage are those of the simulation: %s',
  (what) => {
    const simulated = tableBelow('Outage', `## Outage\n\n${herdTable([simulateHerd(what)])}\n`)
    const written = herd.filter(([name]) => name === what)
    expect(written, '`npm run bench -- herd` writes them').toEqual(simulated)
  },
  180_000,
)

test('the sizes are the measured ones', async () => {
  const measured = await measureSizes()
  expect(sizes.map(([what]) => what)).toEqual(measured.map(({ what }) => what))
  for (const [index, { bytes }] of measured.entries()) {
    const help = `\`npm run bench -- size\` writes them: ${bytes}`
    // As in README: another version of zlib may pack a few bytes more or less.
    expect(Math.abs(numberIn(sizes[index]?.[1]) - bytes), help).toBeLessThanOrEqual(100)
  }
})

test('what other pages say of so many times something is one of the ratios', async () => {
  const known = measures.flatMap((cells) => names.map((name) => numberIn(cells[ratios[name]])))
  for (const page of await pages()) {
    if (page === 'docs/benchmark.md') continue
    const quoted = [...(await pageText(page)).matchAll(/(\d+(?:\.\d+)?) ×/g)]
    const figures = quoted.map(([, figure]) => Number(figure))
    expect(
      figures.filter((figure) => !known.includes(figure)),
      page,
    ).toEqual([])
  }
})
