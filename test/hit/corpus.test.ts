import { expect, test } from 'vitest'
import { fitHit } from '../../src/hit/hit.ts'
import { corpus, told } from '../support/corpus.ts'
import { hitOf, skipOf, track } from '../support/events.ts'

test.each(corpus)('$what', ({ event, settings: { featureNames, ...settings } = {}, gives }) => {
  const featureName = featureNames && ((_: unknown, name: string) => featureNames[name])
  const world = { settings: { ...settings, featureName } }
  const whole = track({ event: undefined, ...event })
  if ('skipped' in gives) expect(skipOf(whole, world)).toBe(gives.skipped)
  else expect(told(fitHit(hitOf(whole, world)) ?? {}, gives)).toEqual(gives)
})
