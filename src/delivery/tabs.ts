/** Messages to the other tabs of the origin. */
export type Tabs = {
  /** Listens from now on. */
  join: () => void
  leave: () => void
  /** Tells that this tab sends these rows now. */
  taken: (ids: string[]) => void
  /** Tells that all rows made before this era are to be forgotten. */
  forgotten: (era: string) => void
}

/**
 * Tells the tabs of one origin of rows that another sends or that are to be forgotten, so that none
 * sends them too when it goes. A message that gets lost costs a duplicate at most.
 */
export function createTabs(
  clientId: string,
  onTaken: (ids: string[]) => void,
  onForgotten: (era: string) => void,
): Tabs {
  let channel: BroadcastChannel | undefined

  const open = () => new BroadcastChannel(`skalin:${clientId}`)

  function say(word: string[] | string): void {
    try {
      const line = channel ?? open()
      line.postMessage(word)
      if (line !== channel) line.close()
    } catch {
      // Missing, closed by the browser, or not allowed in an opaque origin, which has no other tabs.
    }
  }

  return {
    join() {
      try {
        channel = open()
        channel.onmessage = ({ data }: MessageEvent<unknown>) => {
          if (Array.isArray(data)) onTaken(data as string[])
          else if (typeof data === 'string') onForgotten(data)
        }
      } catch {
        // As above.
      }
    },
    leave() {
      // An open channel can keep a page out of the back/forward cache:
      // https://developer.mozilla.org/en-US/docs/Web/API/Performance_API/Monitoring_bfcache_blocking_reasons
      try {
        channel?.close()
      } catch {
        // Of a page's own making.
      }
      channel = undefined
    },
    taken: say,
    forgotten: say,
  }
}
