import { type Draft, type Hit, completeHit } from '../hit/hit.ts'

/** Where the hits are kept. */
type Held = {
  hold: (hit: Hit, madeAt: number) => void
  completeHeld: (
    isTheirs: (hit: Hit, madeAt: number) => boolean,
    complete: (hit: Hit) => Hit | undefined,
  ) => Promise<boolean | undefined>
  dropHeld: (madeUntil: number) => Promise<void>
}

type Call = { generation: { over: boolean }; at: number; analytics: object }

const graceMs = 1000
/** A call whose middleware stops it never comes. */
const maxGraces = 10

/** Keeps the hits of unknown visitors until somebody says whose they are, or nobody can any more. */
export type Anonymous = {
  hold: (call: Call, hits: Hit[]) => void
  /** Sends what was held of a visitor who is known now, and was other visitors before. */
  release: (
    call: Call,
    known: Draft,
    introduced: boolean,
    formerVisitors: readonly string[],
  ) => void
  /**
   * Drops what is held of calls made until `madeUntil`, as soon as `callsWait` no more: some of them are
   * still on their way.
   */
  reset: (madeUntil: number, analytics: object, callsWait: () => boolean) => void
  /** The page ends: no call comes any more. */
  stop: () => Promise<void>
}

export function createAnonymous(
  delivery: Held,
  onDrop: (row: { hit: Hit; attempts: number }, reason: 'anonymous') => void,
  /** Resolves when the middlewares have done with the events that they have. */
  settled: () => Promise<void>,
): Anonymous {
  /** The last visitor of whom all is freed. */
  let freed: string | undefined
  /** The last call of a known user, and what frees the hits of that visitor. */
  let last: { call: Call; free: () => void } | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  /** The time of a reset, while a call made before it may still say whose the hits are. */
  let grace: number | undefined
  /**
   * What was made on one side of a reset is of nobody whom that instance knows on the other, by whatever
   * id.
   */
  let resets: { at: number; analytics: object }[] = []

  /** A reset of its own that seems later than a call whose generation goes on: the clock was set back. */
  function heed({ generation, at, analytics }: Call): void {
    if (generation.over) return
    resets = resets.filter((reset) => reset.analytics !== analytics || reset.at < at)
  }

  return {
    hold(call, hits) {
      heed(call)
      for (const hit of hits) {
        // A reset since the call was made, and no earlier call that may still say whose it was.
        if (call.generation.over && grace === undefined) onDrop({ hit, attempts: 0 }, 'anonymous')
        else delivery.hold(hit, call.at)
      }
      // Whoever is known may be the one whose call has come only now.
      freed = undefined
      // And surely is, if known since it was made: a reset may come before the next call.
      if (last?.call.generation === call.generation && call.at < last.call.at) last.free()
    },

    release(call, known, introduced, formerVisitors) {
      const visitor = known.visitor_id
      const visitors = [visitor, ...formerVisitors]
      heed(call)
      const isTheirs = (hit: Hit, madeAt: number) =>
        visitors.includes(hit.visitor_id) &&
        resets.every(
          ({ at, analytics }) => analytics !== call.analytics || madeAt <= at === call.at <= at,
        )
      const free = () => {
        freed = visitor
        void delivery
          .completeHeld(isTheirs, (hit) => completeHit(hit, known))
          .then((found) => {
            if (found === undefined) freed = undefined
          })
      }
      last = { call, free }
      if (freed !== visitor || known.action === 'ui' || introduced) free()
    },

    reset(madeUntil, analytics, callsWait) {
      clearTimeout(timer)
      grace = madeUntil
      resets.push({ at: madeUntil, analytics })
      freed = undefined
      const drop = (graces: number) => {
        // Another reset, which is to drop these too.
        if (grace !== madeUntil) return
        if (graces > 0 && callsWait()) {
          timer = setTimeout(() => void settled().then(() => drop(graces - 1)), graceMs)
          return
        }
        grace = undefined
        void delivery.dropHeld(madeUntil)
      }
      drop(maxGraces)
    },

    async stop() {
      clearTimeout(timer)
      const madeUntil = grace
      grace = undefined
      if (madeUntil !== undefined) await delivery.dropHeld(madeUntil)
    },
  }
}
