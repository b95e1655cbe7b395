import { describe, expect, test } from 'vitest'
import { type TextStore, createNote } from '../../src/browser/note.ts'
import { type Entry, type Period, createVisitKeeper, parseVisit } from '../../src/visitor/visit.ts'

const minute = 60_000
const key = 'skalin:visit'

/** `localStorage` as far as a note needs it, and how often it was asked. */
function createStore(): TextStore & { reads: number; writes: number } {
  const items = new Map<string, string>()
  return {
    reads: 0,
    writes: 0,
    getItem(name) {
      this.reads += 1
      return items.get(name) ?? null
    },
    setItem(name, value) {
      this.writes += 1
      items.set(name, value)
    },
    removeItem: (name) => void items.delete(name),
  }
}

/** A tab, whose calls are made in a period until the next reset. */
function createTab(...given: Parameters<typeof createVisitKeeper>) {
  const visits = createVisitKeeper(...given)
  let period: Period = { over: false }
  return {
    ...visits,
    period: () => period,
    reset() {
      period.over = true
      visits.end(period)
      period = { over: false }
    },
  }
}
type Tab = ReturnType<typeof createTab>

/** A browser whose tabs share `store`; each further visit has the next number. */
function openBrowser(store: (() => TextStore) | undefined, timeoutMs = 30 * minute) {
  let visits = 0
  return {
    openTab: () =>
      createTab(
        createNote(store, key, parseVisit),
        timeoutMs,
        () => String(++visits).padStart(16, '0'),
        store !== undefined,
      ),
  }
}

function openTab(timeoutMs?: number): Tab {
  const store = createStore()
  return openBrowser(() => store, timeoutMs).openTab()
}

/** The visit and the introduction of a call in a period; by default of a feature of a known user. */
function enterAs(tab: Tab, period: Period, entry: Partial<Entry> = {}) {
  const { visitId, introduce } = tab.enter(period, {
    visitor: 'visitor-1',
    at: 0,
    clientId: 'client',
    known: true,
    identifies: false,
    ...entry,
  })
  return { visit: Number(visitId), introduce }
}

const visitOf = (tab: Tab, entry?: Partial<Entry>, period = tab.period()) =>
  enterAs(tab, period, entry).visit
const introduces = (tab: Tab, entry?: Partial<Entry>) => enterAs(tab, tab.period(), entry).introduce

describe('a visit', () => {
  test.each<[string, number[], number[]]>([
    ['goes on', [0, 1, minute], [1, 1, 1]],
    ['goes on after just the time-out', [0, 30 * minute], [1, 1]],
    ['ends after more than the time-out', [0, 30 * minute + 1], [1, 2]],
    ['lasts as long as it is not idle', [0, 20, 40, 60, 80].map((at) => at * minute), [1, 1, 1, 1, 1]],
    ['ends for good', [0, 31 * minute, 32 * minute], [1, 2, 2]],
    // The call that a visit is timed from may seem to be still ahead.
    ['goes on when the clock is set back a little', [60 * minute, 50 * minute], [1, 1]],
    ['ends when the clock is set back far', [90 * minute, 0, 1], [1, 2, 2]],
  ])('%s', (_, times, visits) => {
    const tab = openTab()
    expect(times.map((at) => visitOf(tab, { at }))).toEqual(visits)
  }) // prettier-ignore

  test('has the time-out that is set', () => {
    const tab = openTab(1000)
    expect([0, 1000, 2001].map((at) => visitOf(tab, { at }))).toEqual([1, 1, 2])
  })

  test('is of one visitor', () => {
    const tab = openTab()
    const visits = ['visitor-1', 'visitor-2', 'visitor-2', 'visitor-1'].map((visitor) =>
      visitOf(tab, { visitor }),
    )
    expect(visits).toEqual([1, 2, 2, 3])
  })

  test('is one for known and unknown, and for all client ids', () => {
    const tab = openTab()
    expect([
      visitOf(tab, { known: false }),
      visitOf(tab, { identifies: true }),
      visitOf(tab, { clientId: 'client-2' }),
    ]).toEqual([1, 1, 1])
  })
})

describe('a reset', () => {
  test('begins a new visit', () => {
    const tab = openTab()
    const before = visitOf(tab)
    tab.reset()
    expect([before, visitOf(tab), visitOf(tab)]).toEqual([1, 2, 2])
  })

  test('leaves the calls made before it in the old visit', () => {
    const tab = openTab()
    visitOf(tab)
    const period = tab.period()
    tab.reset()
    // Their hooks come later, and between those of later calls.
    expect([
      visitOf(tab, {}, period),
      visitOf(tab),
      visitOf(tab, {}, period),
      visitOf(tab),
    ]).toEqual([1, 2, 1, 2])
  })

  test('leaves the calls made before it in one visit, if there was none yet', () => {
    const tab = openTab()
    const period = tab.period()
    tab.reset()
    expect([visitOf(tab, {}, period), visitOf(tab, {}, period), visitOf(tab)]).toEqual([1, 1, 2])
  })

  test('does not mix the calls between two', () => {
    const tab = openTab()
    const first = tab.period()
    tab.reset()
    const second = tab.period()
    tab.reset()
    const third = tab.period()
    expect([third, second, first, second].map((each) => visitOf(tab, {}, each))).toEqual([
      1, 2, 3, 2,
    ])
  })

  test('leaves them the rules: another visitor, or a long time, is another visit', () => {
    const tab = openTab()
    visitOf(tab)
    const period = tab.period()
    tab.reset()
    expect([
      visitOf(tab, { visitor: 'visitor-2' }, period),
      visitOf(tab, { visitor: 'visitor-2', at: 30 * minute }, period),
      visitOf(tab, { visitor: 'visitor-2', at: 61 * minute }, period),
    ]).toEqual([2, 2, 3])
  })

  test('lets them be introduced once', () => {
    const tab = openTab()
    const period = tab.period()
    tab.reset()
    const introductions = [period, period, tab.period(), period].map(
      (each) => enterAs(tab, each).introduce,
    )
    expect(introductions).toEqual([true, false, true, false])
  })
})

describe('two tabs', () => {
  function openTwo(): [Tab, Tab] {
    const store = createStore()
    const browser = openBrowser(() => store)
    return [browser.openTab(), browser.openTab()]
  }

  test('have one visit, which either prolongs', () => {
    const [one, other] = openTwo()
    expect([
      visitOf(one, { at: 0 }),
      visitOf(other, { at: 20 * minute }),
      visitOf(one, { at: 40 * minute }),
      visitOf(other, { at: 71 * minute }),
      visitOf(one, { at: 72 * minute }),
    ]).toEqual([1, 1, 1, 2, 2])
  })

  test('introduce the user once', () => {
    const [one, other] = openTwo()
    expect([introduces(one), introduces(other), introduces(one)]).toEqual([true, false, false])
  })

  test('end it together', () => {
    const [one, other] = openTwo()
    expect([visitOf(one), visitOf(other)]).toEqual([1, 1])
    one.reset()
    // As the browser tells each other tab.
    other.doubt()
    expect([visitOf(other), visitOf(one)]).toEqual([2, 2])
  })

  test('keep it when one goes that knew an older one', () => {
    const [one, other] = openTwo()
    expect([visitOf(one, { at: 0 }), visitOf(one, { at: 1000 })]).toEqual([1, 1])
    expect(visitOf(other, { at: 40 * minute })).toBe(2)
    one.doubt()
    one.save()
    other.doubt()
    expect(visitOf(other, { at: 41 * minute })).toBe(2)
  })

  test('have the last calls before a reset in the visit that either has begun', () => {
    const [one, other] = openTwo()
    expect([visitOf(one), visitOf(other, { at: 40 * minute })]).toEqual([1, 2])
    const period = one.period()
    one.reset()
    expect(visitOf(one, { at: 41 * minute }, period)).toBe(2)
  })

  test('have them in the newer of two visits at a reset', () => {
    const [one, other] = openTwo()
    expect([visitOf(one), visitOf(other)]).toEqual([1, 1])
    // Within the lag, in which this tab asks nobody.
    expect(visitOf(other, { at: 1000, visitor: 'visitor-2' })).toBe(2)
    expect(visitOf(one, { at: 2000 })).toBe(1)
    const period = one.period()
    one.reset()
    expect(visitOf(one, { at: 3000 }, period)).toBe(1)
  })

  test('are two pages one after the other, too', () => {
    const store = createStore()
    const browser = openBrowser(() => store)
    expect(visitOf(browser.openTab())).toBe(1)
    const next = browser.openTab()
    expect([introduces(next), visitOf(next)]).toEqual([false, 1])
  })
})

describe('an introduction goes before', () => {
  const anonymous = { known: false }
  const feature = {}
  const ui = { identifies: true }

  test.each<[string, Partial<Entry>[], boolean[]]>([
    ['the first feature of a known user alone', [feature, feature, ui, feature], [true, false, false, false]],
    ['no feature after a `ui`', [ui, feature, ui], [false, false, false]],
    ['no feature of an unknown visitor', [anonymous, anonymous], [false, false]],
    ['the first feature of a visitor known since', [anonymous, feature, feature], [false, true, false]],
    ['no feature of a visitor known by a `ui`', [anonymous, ui, feature], [false, false, false]],
    ['the first feature of each visit', [feature, { at: 31 * minute }, { at: 32 * minute }], [true, true, false]],
    ['the first feature of each visitor', [feature, { visitor: 'visitor-2' }, feature], [true, true, true]],
    [
      'the first feature for each client id',
      [feature, { clientId: 'client-2' }, feature, { clientId: 'client-2' }],
      [true, true, false, false],
    ],
    ['no feature after a `ui` for this client id alone', [ui, { clientId: 'client-2' }], [false, true]],
  ])('%s', (_, entries, introductions) => {
    const tab = openTab()
    expect(entries.map((entry) => introduces(tab, entry))).toEqual(introductions)
  }) // prettier-ignore

  test('the first feature after a reset', () => {
    const tab = openTab()
    expect(introduces(tab)).toBe(true)
    tab.reset()
    expect([introduces(tab), introduces(tab)]).toEqual([true, false])
  })
})

describe('what is stored', () => {
  const id = '45c48cce2e2d7fbd'
  const right = { id, visitor: 'visitor-1', at: 0, identified: ['client'] }

  function reading(json: string): { tab: Tab; store: TextStore } {
    const store = createStore()
    store.setItem(key, json)
    return { store, tab: openBrowser(() => store).openTab() }
  }
  const entry: Entry = {
    visitor: 'visitor-1',
    at: 5,
    clientId: 'client',
    known: true,
    identifies: false,
  }

  test('is the visit and no more', () => {
    const { tab, store } = reading(JSON.stringify(right))
    tab.enter(tab.period(), entry)
    expect(JSON.parse(store.getItem(key) ?? '')).toEqual({ ...right, at: 5 })
  })

  test('is forgotten by a reset', () => {
    const { tab, store } = reading(JSON.stringify(right))
    tab.reset()
    expect(store.getItem(key)).toBeNull()
  })

  test('is read again', () => {
    const { tab } = reading(JSON.stringify({ ...right, else: 1 }))
    expect(tab.enter(tab.period(), entry)).toEqual({ visitId: id, introduce: false })
  })

  test.each([
    '',
    '{',
    'null',
    '7',
    '"visit"',
    '[]',
    '{}',
    JSON.stringify({ ...right, id: 7 }),
    JSON.stringify({ ...right, id: `${id}0` }),
    JSON.stringify({ ...right, id: id.toUpperCase() }),
    JSON.stringify({ ...right, at: undefined }),
    JSON.stringify({ ...right, at: '0' }),
    JSON.stringify({ ...right, at: null }),
    JSON.stringify({ ...right, visitor: undefined }),
    JSON.stringify({ ...right, identified: undefined }),
    JSON.stringify({ ...right, identified: 'client' }),
  ])('is no visit, and a new one begins: %s', (json) => {
    const { tab } = reading(json)
    expect(tab.enter(tab.period(), entry)).toEqual({ visitId: '0000000000000001', introduce: true })
  })

  test('may have been spoilt in part', () => {
    const { tab, store } = reading(JSON.stringify({ ...right, identified: [7, 'client', null] }))
    expect(tab.enter(tab.period(), entry)).toEqual({ visitId: id, introduce: false })
    expect(JSON.parse(store.getItem(key) ?? '')).toHaveProperty('identified', ['client'])
  })

  test('may be 5 seconds old, and is read and written no more often', () => {
    const store = createStore()
    const tab = openBrowser(() => store).openTab()
    const timesAt = (at: number) => {
      visitOf(tab, { at })
      return [store.reads, store.writes]
    }
    const [, begun] = [timesAt(0), timesAt(0)]
    expect([1, 2, 4999].map(timesAt)).toEqual(Array(3).fill(begun))
    expect(timesAt(5000)[1]).toBe(2)
    expect(JSON.parse(store.getItem(key) ?? '')).toMatchObject({ at: 5000 })
  })

  test('is as of the last call when the page goes', () => {
    const store = createStore()
    const tab = openBrowser(() => store).openTab()
    for (const at of [0, 4000]) visitOf(tab, { at })
    tab.save()
    expect(JSON.parse(store.getItem(key) ?? '')).toMatchObject({ at: 4000 })
    tab.save()
    expect(store.writes).toBe(2)
  })

  test('is not written by a page that goes after a reset', () => {
    const store = createStore()
    const tab = openBrowser(() => store).openTab()
    for (const at of [0, 4000]) visitOf(tab, { at })
    tab.reset()
    tab.save()
    expect(store.getItem(key)).toBeNull()
  })

  test('keeps up with a short time-out', () => {
    const store = createStore()
    const browser = openBrowser(() => store, 1000)
    const [one, other] = [browser.openTab(), browser.openTab()]
    const calls: [Tab, number][] = [
      [one, 0],
      [one, 500],
      [other, 1400],
      [one, 2300],
    ]
    expect(calls.map(([tab, at]) => visitOf(tab, { at }))).toEqual([1, 1, 1, 1])
  })
})

describe('without storage, a visit lasts as long as the page', () => {
  const refuse = () => {
    throw new DOMException('refused', 'SecurityError')
  }
  const kinds: [string, (() => TextStore) | undefined][] = [
    ['that is not wanted', undefined],
    ['that is blocked', refuse],
    ['that can be neither read nor written', () => ({ getItem: refuse, setItem: refuse, removeItem: refuse })],
    ['that is full', () => ({ getItem: () => null, setItem: refuse, removeItem: () => undefined })],
    [
      'that is full, with an old visit',
      () => ({
        getItem: () => `{"id":"45c48cce2e2d7fbd","visitor":"visitor-2","at":0,"identified":[]}`,
        setItem: refuse,
        removeItem: () => undefined,
      }),
    ],
  ] // prettier-ignore

  test.each(kinds)('%s', (_, store) => {
    const browser = openBrowser(store)
    const tab = browser.openTab()
    expect([0, minute, 32 * minute].map((at) => visitOf(tab, { at }))).toEqual([1, 1, 2])
    expect(introduces(tab, { at: 33 * minute })).toBe(false)
    tab.reset()
    expect(visitOf(tab, { at: 34 * minute })).toBe(3)
    expect(visitOf(browser.openTab(), { at: 34 * minute })).toBe(4)
  })

  test('and is stored as soon as it can be', () => {
    const store = createStore()
    let isFull = true
    const browser = openBrowser(() => ({
      getItem: (name) => store.getItem(name),
      setItem: (name, value) => (isFull ? refuse() : store.setItem(name, value)),
      removeItem: (name) => store.removeItem(name),
    }))
    const tab = browser.openTab()
    visitOf(tab)
    isFull = false
    expect(visitOf(tab, { at: 5000 })).toBe(1)
    expect(visitOf(browser.openTab())).toBe(1)
  })
})

describe('two client ids on one page', () => {
  const of = (clientId: string) => ({ clientId })

  /** Two plugins on one instance: the period is theirs together. */
  function openBoth(persistent: boolean) {
    const store = createStore()
    const browser = openBrowser(persistent ? () => store : undefined)
    const [one, other] = [browser.openTab(), browser.openTab()]
    return { one, other, period: one.period(), next: () => browser.openTab() }
  }

  test('have one visit where nothing is stored, also for a plugin that comes later', () => {
    const { one, other, period, next } = openBoth(false)
    expect(enterAs(one, period, of('one')).visit).toBe(1)
    expect(enterAs(other, period, { ...of('other'), at: minute }).visit).toBe(1)
    expect(enterAs(one, period, { ...of('one'), at: 2 * minute }).visit).toBe(1)
    expect(enterAs(next(), period, { ...of('one'), at: 3 * minute })).toEqual({
      visit: 1,
      introduce: false,
    })
  })

  test('lose no introduction when the page goes', () => {
    const { one, other, next } = openBoth(true)
    const periods = [one.period(), other.period()] as const
    enterAs(one, periods[0], of('one'))
    enterAs(other, periods[1], { ...of('other'), at: 1 })
    enterAs(one, periods[0], { ...of('one'), at: 2 })
    one.save()
    other.save()
    const later = next()
    expect([introduces(later, of('one')), introduces(later, of('other'))]).toEqual([false, false])
  })

  test('introduce the user again to one whose consent was withdrawn and has come back', () => {
    const { one, other, period } = openBoth(true)
    enterAs(one, period, of('one'))
    enterAs(other, period, { ...of('other'), at: 1 })
    one.forget('one')
    expect(enterAs(other, period, { ...of('other'), at: 2 })).toEqual({
      visit: 1,
      introduce: false,
    })
    expect(enterAs(one, period, { ...of('one'), at: 3 })).toEqual({ visit: 1, introduce: true })
  })

  test('keep the visit of one where the other has no consent', () => {
    const { one, other, period, next } = openBoth(true)
    enterAs(one, period, of('one'))
    enterAs(other, period, { ...of('other'), at: 1 })
    one.forget('one')
    const later = next()
    expect(enterAs(later, later.period(), { ...of('other'), at: 2 })).toEqual({
      visit: 1,
      introduce: false,
    })
    later.forget('other')
    const last = next()
    expect(enterAs(last, last.period(), { ...of('other'), at: 3 }).visit).toBe(2)
  })
})
