import { describe, expect, test } from 'vitest'
import { consentOf } from '../../src/segment/consent.ts'
import { track } from '../support/events.ts'

const stamped = (categoryPreferences: unknown) =>
  track({ context: { consent: { categoryPreferences } } })

describe('the consent that an event carries', () => {
  test.each<[string, unknown, string[]]>([
    ['given', { Analytics: true }, ['Analytics']],
    ['given', { Analytics: true, Ads: false }, ['Analytics']],
    ['given', { Analytics: true, Ads: true }, ['Analytics', 'Ads']],
    ['withdrawn', { Analytics: false }, ['Analytics']],
    ['withdrawn', { Analytics: true, Ads: false }, ['Analytics', 'Ads']],
    ['withdrawn', { Ads: false }, ['Analytics', 'Ads']],
    ['missing', { Analytics: true }, ['Analytics', 'Ads']],
    ['missing', { Ads: false }, ['Analytics']],
    ['missing', { Ads: true }, ['Analytics']],
    ['missing', {}, ['Analytics']],
    ['missing', undefined, ['Analytics']],
    ['missing', null, ['Analytics']],
    ['missing', ['Analytics'], ['Analytics']],
    ['missing', 'Analytics', ['Analytics']],
    ['missing', true, ['Analytics']],
    // Only `true` is a yes, and only `false` a no.
    ['missing', { Analytics: 'true' }, ['Analytics']],
    ['missing', { Analytics: 1 }, ['Analytics']],
    ['missing', { Analytics: 'false' }, ['Analytics']],
    ['missing', { Analytics: 0 }, ['Analytics']],
    ['missing', { Analytics: null }, ['Analytics']],
    // Another name is another category.
    ['missing', { analytics: true }, ['Analytics']],
    ['missing', {}, ['constructor']],
  ])('is %s: %j for %j', (answer, preferences, categories) => {
    expect(consentOf(stamped(preferences), categories)).toBe(answer)
  })

  test.each([undefined, null, {}, { consent: null }, { consent: true }, { consent: {} }])(
    'is missing with the context %j',
    (context) => {
      expect(consentOf(track({ context }), ['Analytics'])).toBe('missing')
    },
  )

  test('is missing where it cannot be read', () => {
    const context = Object.defineProperty({}, 'consent', {
      get() {
        throw new Error('of the site')
      },
    })
    expect(consentOf(track({ context }), ['Analytics'])).toBe('missing')
  })

  test('is not asked for without the setting', () => {
    expect(consentOf(stamped({ Analytics: false }), undefined)).toBe('given')
    expect(consentOf(track(), undefined)).toBe('given')
  })
})
