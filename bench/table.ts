import type { Herd } from './herd.ts'
import type { Operation } from './operations.ts'
import { type Measure, all, columns } from './samples.ts'
import type { Size } from './size.ts'
import { median, quantile } from './stats.ts'
import type { Variant } from './variants.ts'

const format = (value: number): string =>
  value.toLocaleString(
    'en',
    value >= 1000 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 },
  )

/** The median and the interquartile range. */
function cell({ samples, limit = Infinity }: Measure, variant: Variant): string {
  const values = samples[variant]
  if (values.length === 0) return '–'
  const middle = median(values)
  if (middle >= limit) return `> ${format(limit)}`
  const [low, high] = [format(quantile(values, 0.25)), format(quantile(values, 0.75))]
  return low === high ? format(middle) : `${format(middle)} (${low}–${high})`
}

function quotient({ samples }: Measure, to: Variant): number {
  const other = median(samples[to])
  return other > 0 ? median(samples.ours) / other : NaN
}

function ratio(measure: Measure, to: Variant): string {
  const value = quotient(measure, to)
  if (Number.isNaN(value)) return '–'
  const isGivenUp = median(measure.samples[to]) >= (measure.limit ?? Infinity)
  return `${isGivenUp ? '< ' : ''}${value.toFixed(2)}`
}

const versus: [to: Variant, name: string][] = [
  ['empty', 'alone'],
  ['floor', 'floor'],
  ['handWritten', 'hand-written'],
]

/** What was to be reached, and whether it was: of a figure as it is printed. */
function verdict(text: string, value: number, atMost: number): string {
  return Number(value.toFixed(2)) <= atMost ? text : `**missed:** ${text}`
}

function goalOf(measure: Measure): string {
  const { goal } = measure
  if (goal === undefined) return ''
  const [, name] = versus.find(([to]) => to === goal.times) ?? []
  return verdict(`≤ ${goal.atMost} × ${name}`, quotient(measure, goal.times), goal.atMost)
}

const row = (cells: string[]) => `| ${cells.join(' | ')} |`

/** The first cells of a row are words, the others figures; the last is a goal. */
function table(head: string[], words: number, rows: string[][]): string {
  const align = head.map((name, index) => (index < words || name === 'goal' ? '---' : '--:'))
  return [head, align, ...rows].map(row).join('\n')
}

export const measuresTable = (measures: Measure[]): string =>
  table(
    [
      '',
      '',
      ...all.map((variant) => columns[variant]),
      ...versus.map(([, name]) => `÷ ${name}`),
      'goal',
    ],
    2,
    measures.map((measure) => [
      measure.unit === 'hits' || measure.unit === 'requests'
        ? measure.what
        : `${measure.what}, ${measure.unit}`,
      measure.when,
      ...all.map((variant) => cell(measure, variant)),
      ...versus.map(([to]) => ratio(measure, to)),
      goalOf(measure),
    ]),
  )

export const operationsTable = (operations: Operation[]): string =>
  table(
    ['per call', ...all.map((variant) => columns[variant]), 'goal'],
    1,
    operations.map(({ what, perCall, atMost }) => [
      what,
      ...all.map((variant) => `${variant === 'empty' ? '' : '+ '}${perCall[variant].toFixed(2)}`),
      atMost === undefined ? '' : verdict(`≤ ${atMost}`, perCall.ours, atMost),
    ]),
  )

const herdGoals = { during: 0.5, peakOverMean: 3, lastAccepted: 15 }

export function herdTable(herds: Herd[]): string {
  const { during, peakOverMean, lastAccepted } = herdGoals
  return table(
    [
      'the outage',
      `requests during it ÷ normal`,
      `busiest second after it ÷ normal`,
      `÷ the mean of 6 minutes`,
      `last hit accepted, minutes after it`,
      'goal: requests during it, ÷ the mean, minutes',
    ],
    1,
    herds.map((herd) => {
      const isMet =
        Number(herd.during.toFixed(2)) <= during &&
        Number(herd.peakOverMean.toFixed(2)) <= peakOverMean &&
        herd.lastAccepted <= lastAccepted
      const goals = `≤ ${during}, ≤ ${peakOverMean}, ≤ ${lastAccepted}`
      return [
        herd.what,
        herd.during.toFixed(2),
        herd.peak.toFixed(2),
        herd.peakOverMean.toFixed(2),
        herd.lastAccepted.toFixed(1),
        isMet ? goals : `**missed:** ${goals}`,
      ]
    }),
  )
}

export const sizesTable = (sizes: Size[]): string =>
  table(
    ['', 'bytes, `gzip -9`', 'goal'],
    1,
    sizes.map(({ what, bytes, atMost }) => [
      what,
      format(bytes),
      atMost === undefined ? '' : verdict(`≤ ${format(atMost)}`, bytes, atMost),
    ]),
  )

export const partsTable = (parts: Size[]): string =>
  table(
    ['', 'bytes'],
    1,
    parts.map(({ what, bytes }) => [what, format(bytes)]),
  )
