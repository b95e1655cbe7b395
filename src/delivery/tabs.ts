/** A line to the other tabs of the origin. */
export type Tabs = {
  /** Listens from now on. */
  join: () => void
  leave: () => void
  /** Tells that these rows are no more. */
  lost: (ids: string[]) => void
  /** Tells that all rows are to be forgotten. */
  forgotten: () => void
}

/**
 * Tells the tabs of one origin of rows that are gone, so that none sends on leaving what another
 * has delivered or was told to forget. A word that gets lost costs a duplicate at most.
 */
export function createTabs(
  lane: string,
  onLost: (ids: string[]) => void,
  onForgotten: () => void,
): Tabs {
  let channel: BroadcastChannel | undefined

  const say = (word: string[] | 'forgotten') => {
    try {
      channel?.postMessage(word)
    } catch {
      // Closed by the browser meanwhile.
    }
  }

  return {
    join() {
      if (channel !== undefined) return
      try {
        channel = new BroadcastChannel(`skalin:${lane}`)
        channel.onmessage = ({ data }: MessageEvent<unknown>) => {
          if (Array.isArray(data)) onLost(data as string[])
          else if (data === 'forgotten') onForgotten()
        }
      } catch {
        // Missing, or not allowed in an opaque origin, which has no other tabs.
      }
    },
    leave() {
      // An open channel can keep a page out of the back/forward cache:
      // https://developer.mozilla.org/en-US/docs/Web/API/Performance_API/Monitoring_bfcache_blocking_reasons
      channel?.close()
      channel = undefined
    },
    lost: say,
    forgotten: () => say('forgotten'),
  }
}
