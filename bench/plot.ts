import { type Measure, all, columns } from './samples.ts'
import { median, quantile } from './stats.ts'
import type { Variant } from './variants.ts'

const width = 880
const labels = 330
const right = 30
const rowHeight = 30
const top = 64

/** Between the marks of a row, so that none hides another. */
const offset = 6

/** Colours, and shapes for who cannot tell them, that stand out on white and on black. */
const looks: Record<Variant, { colour: string; shape: (x: number, y: number) => string }> = {
  empty: {
    colour: '#8b949e',
    shape: (x, y) => `<rect x="${x - 4}" y="${y - 4}" width="8" height="8" rx="1"/>`,
  },
  floor: {
    colour: '#2da44e',
    shape: (x, y) => `<path d="M${x} ${y - 5}l5 9h-10z"/>`,
  },
  handWritten: {
    colour: '#d97706',
    shape: (x, y) => `<path d="M${x} ${y - 5.5}l5.5 5.5l-5.5 5.5l-5.5 -5.5z"/>`,
  },
  ours: { colour: '#3b82f6', shape: (x, y) => `<circle cx="${x}" cy="${y}" r="4.5"/>` },
}

const escape = (text: string) =>
  text.replaceAll('`', '').replaceAll('&', '&amp;').replaceAll('<', '&lt;')

/** All times of the result on one logarithmic axis: a dot is a median, its line the middle half. */
export function plot(measures: Measure[]): string {
  const times = measures.filter(({ unit }) => unit === 'ms')
  const medians = times.flatMap(({ samples }) => all.map((variant) => median(samples[variant])))
  const powers = medians.filter((value) => value > 0).map(Math.log10)
  const first = Math.min(...powers) - 0.1
  const last = Math.max(...powers) + 0.1
  const x = (ms: number) => {
    const share = (Math.log10(ms) - first) / (last - first)
    return (
      Math.round((labels + Math.min(1, Math.max(0, share)) * (width - labels - right)) * 10) / 10
    )
  }

  let y = top
  const marks: string[] = []
  let heading = ''
  for (const measure of times) {
    if (measure.what !== heading) {
      heading = measure.what
      y += rowHeight
      marks.push(`<text x="0" y="${y + 4}" font-weight="600">${escape(heading)}</text>`)
    }
    y += rowHeight
    marks.push(`<text x="14" y="${y + 4}">${escape(measure.when)}</text>`)
    for (const variant of all) marks.push(mark(measure, variant, x, y))
  }
  const bottom = y + rowHeight / 2

  const decades = Array.from(
    { length: Math.floor(last) - Math.ceil(first) + 1 },
    (_, index) => 10 ** (Math.ceil(first) + index),
  )
  const axis = decades.map(
    (ms) =>
      `<line x1="${x(ms)}" x2="${x(ms)}" y1="${top}" y2="${bottom}" stroke="#8b949e" stroke-opacity=".3"/>` +
      `<text x="${x(ms)}" y="${bottom + 18}" text-anchor="middle">${duration(ms)}</text>`,
  )
  const legend = all.map((variant, index) => {
    const at = labels + index * 130
    const { colour, shape } = looks[variant]
    return `<g fill="${colour}">${shape(at, 20)}</g><text x="${at + 14}" y="24">${columns[variant]}</text>`
  })
  const height = bottom + 30
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" font-family="system-ui, sans-serif" font-size="13" fill="#7d8590">
<title>Benchmark: times on a logarithmic axis, less is better</title>
${[...legend, `<text x="${labels}" y="48">less is better; each step is ten times as long</text>`, ...axis, ...marks].join('\n')}
</svg>
`
}

function mark(
  { samples, limit = Infinity }: Measure,
  variant: Variant,
  x: (ms: number) => number,
  middle: number,
): string {
  const y = middle + (all.indexOf(variant) - (all.length - 1) / 2) * offset
  const values = samples[variant]
  if (values.length === 0) return ''
  const { colour, shape } = looks[variant]
  const at = x(median(values))
  const [low, high] = [x(quantile(values, 0.25)), x(quantile(values, 0.75))]
  const open = median(values) >= limit ? `<text x="${at + 10}" y="${y + 4}">or more</text>` : ''
  return `<g fill="${colour}"><line x1="${low}" x2="${high}" y1="${y}" y2="${y}" stroke="${colour}" stroke-width="3" stroke-opacity=".45" stroke-linecap="round"/>${shape(at, y)}</g>${open}`
}

const duration = (ms: number) => (ms < 1000 ? `${ms} ms` : `${ms / 1000} s`)
