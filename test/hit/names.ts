import { createRequire } from 'node:module'
import reserved from 'github-reserved-names'
import * as brands from 'simple-icons'
import type { SimpleIcon } from 'simple-icons'
import { trickyNames } from './schemes.ts'

// Not by import: hundreds of thousands of words would be transformed first.
const require = createRequire(import.meta.url)
const english = require('an-array-of-english-words') as string[]
const french = require('an-array-of-french-words') as string[]
const icons = require('lucide-static/tags.json') as Record<string, string[]>

/** Names that are no records, by what they are. */
export const names = {
  'words of the English dictionary': english,
  'words of the French dictionary': french,
  'names of icons, brands and reserved pages': [
    ...Object.keys(icons),
    ...Object.values(brands as Record<string, Partial<SimpleIcon>>).map(({ slug }) => slug ?? ''),
    ...reserved.all,
  ].filter((name) => !/^\d+$/.test(name)),
  'tricky names': trickyNames,
}
