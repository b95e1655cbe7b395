/** Time that passes only as events happen: hours of many browsers take as long as their work. */
export type SimulatedTime = {
  /** Milliseconds. */
  now: () => number
  /** Does something so much later. */
  after: (ms: number, work: () => void) => void
  /** Lets time pass until then, with all that happens meanwhile. */
  passUntil: (end: number) => void
}

type Event = { at: number; order: number; work: () => void }

const comesBefore = (a: Event, b: Event) => a.at < b.at || (a.at === b.at && a.order < b.order)

export function createSimulatedTime(start: number): SimulatedTime {
  /** A binary heap: the first is the next to come. */
  const events: Event[] = []
  const at = (index: number) => events[index] as Event
  let now = start
  let order = 0

  function add(event: Event): void {
    let index = events.push(event) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (comesBefore(at(parent), event)) break
      events[index] = at(parent)
      index = parent
    }
    events[index] = event
  }

  function takeFirst(): Event {
    const first = at(0)
    const last = events.pop() as Event
    if (events.length === 0) return first
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= events.length) break
      if (child + 1 < events.length && comesBefore(at(child + 1), at(child))) child += 1
      if (comesBefore(last, at(child))) break
      events[index] = at(child)
      index = child
    }
    events[index] = last
    return first
  }

  return {
    now: () => now,
    after: (ms, work) => add({ at: now + Math.max(0, ms), order: order++, work }),
    passUntil(end) {
      while (events.length > 0 && at(0).at <= end) {
        const { at, work } = takeFirst()
        now = at
        work()
      }
      now = end
    },
  }
}

/**
 * Numbers in [0, 1), the same ones for each `seed`.
 *
 * @see {@link https://en.wikipedia.org/wiki/Linear_congruential_generator}
 */
export function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
