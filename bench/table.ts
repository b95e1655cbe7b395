import { type Measure, all, columns } from './samples.ts'
import type { Size } from './size.ts'
import { median, quantile } from './stats.ts'
import type { Variant } from './variants.ts'

const format = (value: number): string =>
  value.toLocaleString(
    'en',
    value >= 1000 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 2 },
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

function ratio({ samples, limit = Infinity }: Measure, to: Variant): string {
  const [ours, other] = [median(samples.ours), median(samples[to])]
  if (Number.isNaN(ours / other) || other <= 0) return '–'
  const text = (ours / other).toLocaleString('en', { maximumSignificantDigits: 2 })
  return other >= limit ? `< ${text}` : text
}

/** What is left of a cost per call when Segment's own is taken off, round by round. */
export function added({ what, when, unit, samples }: Measure): Measure {
  const over = (variant: Variant) =>
    samples[variant].map((value, round) => value - (samples.empty[round] ?? NaN))
  return {
    what: `${what}, the plugin's share`,
    when,
    unit,
    samples: { empty: [], handWritten: over('handWritten'), ours: over('ours') },
  }
}

const row = (cells: string[]) => `| ${cells.join(' | ')} |`

export function measuresTable(measures: Measure[]): string {
  const head = ['', '', ...all.map((variant) => columns[variant]), '÷ alone', '÷ hand-written']
  return [
    row(head),
    row(head.map((_, index) => (index < 2 ? '---' : '--:'))),
    ...measures.map((measure) =>
      row([
        `${measure.what}${measure.unit === 'hits' ? '' : `, ${measure.unit}`}`,
        measure.when,
        ...all.map((variant) => cell(measure, variant)),
        ratio(measure, 'empty'),
        ratio(measure, 'handWritten'),
      ]),
    ),
  ].join('\n')
}

export function sizesTable(sizes: Size[], unit: string): string {
  return [
    row(['', unit]),
    row(['---', '--:']),
    ...sizes.map(({ what, bytes }) => row([what, bytes.toLocaleString('en')])),
  ].join('\n')
}
