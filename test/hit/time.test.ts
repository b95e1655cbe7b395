import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { hitOf, identify, track } from '../support/events.ts'

// The zone of the tests is Europe/Paris.
describe('the time', () => {
  test.each([
    ['in winter', '2026-11-24T12:04:05Z', '2026-11-24T12:04:05', '13:04:05'],
    ['in summer', '2026-07-01T12:04:05Z', '2026-07-01T12:04:05', '14:04:05'],
    ['before the clock goes on', '2026-03-29T00:59:59Z', '2026-03-29T00:59:59', '01:59:59'],
    ['after the clock went on', '2026-03-29T01:00:00Z', '2026-03-29T01:00:00', '03:00:00'],
    ['before the clock goes back', '2026-10-25T00:30:00Z', '2026-10-25T00:30:00', '02:30:00'],
    ['after the clock went back', '2026-10-25T01:30:00Z', '2026-10-25T01:30:00', '02:30:00'],
    ['of another day here', '2026-12-31T23:30:00Z', '2026-12-31T23:30:00', '00:30:00'],
    ['of a leap day', '2028-02-29T01:02:03Z', '2028-02-29T01:02:03', '02:02:03'],
    ['without what is less than a second', '2026-01-01T00:00:00.999Z', '2026-01-01T00:00:00', '01:00:00'],
    ['at the end of all years', '9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59', '00:59:59'],
  ])('%s', (_, instant, ts, localtime) => {
    const time = { ts, localtime }
    expect(hitOf(track({ timestamp: new Date(instant) }))).toMatchObject(time)
    expect(hitOf(track({ timestamp: instant }))).toMatchObject(time)
    expect(hitOf(track({ timestamp: Date.parse(instant) }))).toMatchObject(time)
    expect(hitOf(identify({ timestamp: new Date(instant) }))).toMatchObject(time)
  }) // prettier-ignore

  test.each([
    ['in the first second of the year 0000', '0000-01-01T00:00:00Z', '0000-01-01T00:00:00'],
    ['with a zone', '2026-11-24T12:04:05+05:30', '2026-11-24T06:34:05'],
    ['as mail has it', 'Tue, 24 Nov 2026 12:04:05 GMT', '2026-11-24T12:04:05'],
    ['in the epoch', 0, '1970-01-01T00:00:00'],
    ['before the epoch', -1, '1969-12-31T23:59:59'],
    ['with parts of milliseconds', 1999.9, '1970-01-01T00:00:01'],
    ['of another frame', runInNewContext('new Date(0)'), '1970-01-01T00:00:00'],
  ])('may be given %s', (_, timestamp, ts) => {
    expect(hitOf(track({ timestamp }))).toMatchObject({ ts })
  })

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['no time', 'yesterday'],
    ['milliseconds as a string', '1795608245000'],
    ['an invalid Date', new Date(NaN)],
    ['NaN', NaN],
    ['Infinity', Infinity],
    ['more than a Date can be', 8.64e15 + 1],
    ['the year -1', '-000001-12-31T23:59:59Z'],
    ['the year 10000', '+010000-01-01T00:00:00Z'],
    ['the year 10000 as a Date', new Date('+010000-01-01T00:00:00Z')],
    ['true', true],
    ['a bigint', 0n],
    ['an object', {}],
    ['what says it is a Date', { [Symbol.toStringTag]: 'Date', valueOf: (): number => 0 }],
    [
      'what throws when asked',
      Object.defineProperty({}, Symbol.toStringTag, {
        get() {
          throw new Error('of the site')
        },
      }),
    ],
  ])('is that of the call for %s', (_, timestamp) => {
    expect(hitOf(track({ timestamp }))).toMatchObject({
      ts: '2026-11-24T12:04:05',
      localtime: '13:04:05',
    })
  })
})
