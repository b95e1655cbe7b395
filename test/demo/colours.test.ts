import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const read = (name: string) =>
  readFileSync(new URL(`../../demo/${name}`, import.meta.url), 'utf8').replace(/\/\*[^]*?\*\//g, '')

/** The colours of both schemes; the dark ones come last, in their media query. */
const [light = '', dark = ''] = read('inspector/style/base.css').split('@media')
const colourIn = (scheme: string, name: string) =>
  new RegExp(`--${name}: (#[0-9a-f]{6})`).exec(scheme)?.[1] ?? `no ${name}`

/** https://www.w3.org/TR/WCAG22/#dfn-relative-luminance */
function luminance(colour: string): number {
  const [red = NaN, green = NaN, blue = NaN] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/** https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio */
function contrast(one: string, other: string): number {
  const [darker = NaN, lighter = NaN] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (lighter + 0.05) / (darker + 0.05)
}

/** The colour that a property has in the last rule for exactly these selectors. */
function colourOf(file: string, selectors: string, property: string): string {
  const name = selectors.replace(/[[\]().*]/g, '\\$&')
  const rules = [...read(file).matchAll(RegExp(`^${name} \\{([^}]*)\\}`, 'gm'))]
  return RegExp(`${property}:[^;]*var\\(--(\\w+)\\)`).exec(rules.at(-1)?.[1] ?? '')?.[1] ?? ''
}

const borders: [file: string, selectors: string, property: string][] = [
  ['inspector/style/controls.css', 'input:not([type]),\nselect', 'border-color'],
  ['inspector/style/features.css', '.paths textarea', 'border'],
  ['inspector/style/panel.css', '.faults span', 'border'],
  ['inspector/style/rows.css', '.row::after', 'border'],
  ['inspector/style/inspector.css', '.key::before', 'border'],
  ['stage.css', '.switch input', 'background'],
]

// https://www.w3.org/WAI/WCAG22/Understanding/non-text-contrast
test.each(borders)('in %s, %j can be seen', (file, selectors, property) => {
  const name = colourOf(file, selectors, property)
  for (const scheme of [light, dark]) {
    for (const ground of ['page', 'surface']) {
      expect(contrast(colourIn(scheme, name), colourIn(scheme, ground))).toBeGreaterThanOrEqual(3)
    }
  }
})

test('so can the bars, and what is accepted on them', () => {
  const bar = /stroke: \(\) => colour\('--(\w+)'\),\s+fill: \(\) => colour\('--faint'\)/
  const name = bar.exec(read('inspector/chart.ts'))?.[1] ?? ''
  for (const scheme of [light, dark]) {
    const [page, faint] = [colourIn(scheme, 'page'), colourIn(scheme, 'faint')]
    expect(contrast(colourIn(scheme, name), page)).toBeGreaterThanOrEqual(3)
    expect(contrast(colourIn(scheme, 'accent'), faint)).toBeGreaterThanOrEqual(3)
  }
})
