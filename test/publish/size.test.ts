import { expect, test } from 'vitest'
import { measureSizes } from '../../scripts/size.mjs'

// `npm run size` prints them. The limits are in package.json: what was reached, and 3 % more.
test.each(await measureSizes())('$name takes $size bytes, at most $limit', ({ size, limit }) => {
  expect(size).toBeLessThanOrEqual(limit)
})
