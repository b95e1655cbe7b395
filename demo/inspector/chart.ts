import './language.ts'
import uPlot from 'uplot'
import { find } from './dom.ts'
import { type Timeline, span } from './timeline.ts'

const height = 96
/** Beside the lines, for their numbers. */
const gutter = 36

/** The colours of the style sheet, which knows light and dark. */
function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim()
}

/** Calls and accepted as bars, a second each, and what waits as an area behind them. */
export function createChart(): { show: (lines: Timeline) => void } {
  const plot = find('#plot', HTMLElement)
  const bars = uPlot.paths.bars
  const stepped = uPlot.paths.stepped
  if (!bars || !stepped) throw new Error('uPlot came without its paths')
  let lines: Timeline = [[], [], [], []]

  const make = () =>
    new uPlot(
      {
        width: plot.clientWidth,
        height,
        padding: [8, 0, 8, 0],
        cursor: { show: false },
        legend: { show: false },
        scales: {
          x: { time: false, range: (_, least, most) => [least, Math.max(most, least + span)] },
          // Few numbers stay low: a single call does not look like a flood.
          y: { range: (_, __, most) => [0, Math.max(4, most || 0)] },
        },
        series: [
          {},
          {
            stroke: () => colour('--waiting'),
            fill: () => colour('--waiting-soft'),
            width: 1.5,
            paths: stepped({ align: 1 }),
            points: { show: false },
          },
          {
            // The fill is for what is accepted to be seen on, the border for the bar.
            stroke: () => colour('--firm'),
            fill: () => colour('--faint'),
            width: 1,
            paths: bars({ size: [0.8, 8] }),
            points: { show: false },
          },
          {
            fill: () => colour('--accent'),
            width: 0,
            paths: bars({ size: [0.4, 4] }),
            points: { show: false },
          },
        ],
        axes: [
          { show: false },
          {
            /* eslint-disable @typescript-eslint/no-unsafe-enum-assignment -- uPlot's enums are in its types only, not in its code */
            side: 1,
            align: 2,
            /* eslint-enable @typescript-eslint/no-unsafe-enum-assignment */
            stroke: () => colour('--muted'),
            font: '11px system-ui',
            size: gutter,
            gap: gutter,
            grid: { stroke: () => colour('--line'), width: 1 },
            ticks: { show: false },
            // Nothing, half and all: quiet, and never a fraction.
            splits: (_, __, ___, most) => {
              const step = Math.max(1, Math.floor(most / 2))
              return [0, step, 2 * step]
            },
            values: (_, values) => values.map(String),
          },
        ],
      },
      data(),
      plot,
    )

  /** Nothing is drawn where nothing waits, but for the seconds beside. */
  const level = () =>
    lines[3].map((value, at, all) => (value || all[at - 1] || all[at + 1] ? value : null))
  // The newest level goes on for its second, too.
  const data = (): uPlot.AlignedData => [
    [...lines[0], (lines[0].at(-1) ?? 0) + 1],
    [...level(), lines[3].at(-1) || null],
    [...lines[1], null],
    [...lines[2], null],
  ]

  let chart = make()
  new ResizeObserver(() => chart.setSize({ width: plot.clientWidth, height })).observe(plot)
  matchMedia('(prefers-color-scheme: dark)').onchange = () => {
    chart.destroy()
    chart = make()
  }

  return {
    show(next) {
      lines = next
      chart.setData(data())
      const total = (line: number[]) => line.reduce((sum, value) => sum + value, 0)
      plot.role = 'img'
      plot.ariaLabel = `In the last two minutes ${total(lines[1])} calls were made and ${total(
        lines[2],
      )} accepted; ${lines[3].at(-1) ?? 0} wait now.`
    },
  }
}
