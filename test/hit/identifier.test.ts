import { readFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { transform } from 'esbuild'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isIdentifier, withoutIdentifiers } from '../../src/hit/identifier.ts'
import { pathTemplate } from '../../src/hit/path.ts'
import { names } from './names.ts'
import { sampleSchemes, trickyNames } from './schemes.ts'

const share = (texts: readonly string[]) =>
  (texts.filter((text) => isIdentifier(text)).length / texts.length) * 100

const schemes = sampleSchemes(2000).map((scheme) => ({ ...scheme, found: share(scheme.ids) }))

describe('identifiers', () => {
  test('are of forty schemes and more', () => {
    expect(schemes.length).toBeGreaterThanOrEqual(40)
  })

  test.each(schemes.filter(({ isStandard }) => isStandard))(
    'of a standard are always found: $name',
    ({ ids }) => {
      expect(ids.filter((id) => !isIdentifier(id))).toEqual([])
    },
  )

  test('of nine schemes in ten are found in 95 of 100 cases', () => {
    const weak = schemes.filter(({ found }) => found < 95).map(({ name, found }) => [name, found])
    expect(weak.length / schemes.length, JSON.stringify(weak)).toBeLessThanOrEqual(0.1)
  })

  test.each([
    ['Viewed invoice 4711', 'Viewed invoice :id'],
    ['Mailed jane@example.com on 2024-05-12', 'Mailed :id on :id'],
    ['Step 7 of 10', 'Step 7 of 10'],
    ['Error 404 of 2024', 'Error 404 of 2024'],
    ['Upgraded to v2.1', 'Upgraded to v2.1'],
    ['Opened GitHub連携', 'Opened GitHub連携'],
    ['Ran html2pdf', 'Ran html2pdf'],
  ])('are found in the words of a name: %s', (name, template) => {
    expect(withoutIdentifiers(name)).toBe(template)
  })
})

describe('names', () => {
  test.each(['words of the English dictionary', 'words of the French dictionary'] as const)(
    'are never taken for identifiers: %s',
    (kind) => {
      expect(names[kind].length).toBeGreaterThan(250_000)
      expect(names[kind].filter(isIdentifier)).toEqual([])
    },
  )

  test('of icons, brands and reserved pages are taken for identifiers in 1 of 200 cases at most', () => {
    const texts = names['names of icons, brands and reserved pages']
    expect(texts.length).toBeGreaterThan(5000)
    expect(share(texts), texts.filter(isIdentifier).join(' ')).toBeLessThanOrEqual(0.5)
  })

  test('that are tricky are taken for identifiers in 1 of 50 cases at most', () => {
    expect(trickyNames.length).toBeGreaterThanOrEqual(100)
    expect(share(trickyNames), trickyNames.filter(isIdentifier).join(' ')).toBeLessThanOrEqual(2)
  })
})

test.each([
  // Letters without case say nothing, whatever stands between them.
  'שלב3בפרויקט', 'الفصل3مراجعة', 'บทที่3แบบฝึกหัด', 'मॉड्यूल3परीक्षा', 'דף2024', 'งบ2024', 'דוחPDFחדש', 'دليلAPIالسريع',
  // Capitals are not only those of ASCII.
  'SİPARİŞLER', 'MÜŞTERİLER', 'PŁATNOŚCI', 'NĚMČINA', 'HŘIVNA', 'ŞİFRE-DEĞİŞTİR', 'ΠΑΡΑΓΓΕΛΙΕΣ', 'ЗАКАЗЫ',
])('%s is a name', (name) => {
  expect(isIdentifier(name)).toBe(false)
}) // prettier-ignore

describe('a template', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'users', ':id', 'Menu', '7', '4711', '2024', '05', 'ENG', 'reset', 'token', 'x7Kq2m9z', '@', '%',
      '%25', '%40', '%2F', '%20', '%E2%80%8B', '%C3%A9', '%C3', '%0A', '-', '_', '.', ' ', 'é', 'プ', '\u200b',
    ), // prettier-ignore
    fc.constantFrom(...schemes.flatMap(({ ids }) => ids.slice(0, 5))),
    fc.string({ unit: 'binary', maxLength: 3 }),
    fc.webSegment(),
  )
  const segment = fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.join(''))
  const path = fc.array(segment, { maxLength: 6 }).map((segments) => `/${segments.join('/')}`)
  const check = {
    seed: Number(process.env['SEED'] ?? 1),
    numRuns: Number(process.env['NUM_RUNS'] ?? 5000),
  }

  test('is never empty, is the same again, and is its own template', () => {
    fc.assert(
      fc.property(path, (raw) => {
        const template = pathTemplate(raw, [])
        expect(template).not.toBe('')
        expect(pathTemplate(raw, [])).toBe(template)
        expect(pathTemplate(template, [])).toBe(template)
      }),
      check,
    )
  })

  // In the square of its length, each would take minutes.
  test.each([
    'a', 'é', 'プ', 'A', 'aA', '1', '1a', 'a1b', 'f1', '-', '.', ' ', '\u200b', '%', '%41', '%25', '%C3', '/',
    '/a', '/7', 'a-', 'a.', '1.', '12:', 'AB-', 'ABCD-', '4711a', '@', 'e\u0301', '/reset/a-',
  ])('of a path made to take long is there at once: %j', (unit) => {
    expect(pathTemplate(`/b${unit.repeat(1_000_000 / unit.length)}!`, [])).not.toBe('')
  }) // prettier-ignore
})

test('the classifier takes 1 kB at most', async () => {
  const source = await readFile(new URL('../../src/hit/identifier.ts', import.meta.url), 'utf8')
  const { code } = await transform(source, { loader: 'ts', minify: true, target: 'es2021' })
  expect(gzipSync(code, { level: 9 }).length).toBeLessThanOrEqual(1024)
})
