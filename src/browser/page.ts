import { field } from '../hit/read.ts'
import { elapsed } from './clock.ts'

/** What happens to the page that delivery has to know. */
export type PageEvents = {
  onOnline: () => void
  /** It is hidden or goes away: this may be the last event. */
  onLeaving: () => void
  /** It can be seen again, or was away, and came back from the back/forward cache. */
  onBack: (wasAway: boolean) => void
  /** Another tab has changed this key of `localStorage`; `null` stands for all. */
  onStorage: (key: string | null) => void
}

/** The page that this code runs in. */
export type LivePage = {
  isOnline: () => boolean
  /** Hidden or gone: what is not sent now may never be. */
  isHidden: () => boolean
  hasLeft: () => boolean
  /** Gone, or hidden a moment ago: a call made in `visibilitychange` comes to us a little later. */
  isLeaving: () => boolean
  /** How often it has come back from the back/forward cache. */
  returns: () => number
  noCors: () => boolean
  /** The browser's Global Privacy Control is on and is to be respected. */
  isOptedOut: () => boolean
  /** Listens to the page; to be called once. */
  watch: (events: PageEvents) => void
  unwatch: () => void
}

/** Runs `work` when the page has nothing better to do. Safari has no `requestIdleCallback`. */
export function whenIdle(work: () => void): void {
  if (typeof requestIdleCallback === 'function') requestIdleCallback(work, { timeout: 2000 })
  else setTimeout(work, 1)
}

/** What a listener throws would be an error of the page's. */
const quiet = (react: (event: Event) => void) => (event: Event) => {
  try {
    react(event)
  } catch {
    // What waits goes on at the next call, or on the next page.
  }
}

const leavingMs = 1000

export function createPage(respectGpc: boolean): LivePage {
  let left = false
  let returns = 0
  let hiddenAt = -Infinity
  // A page isolated by COEP blocks what was not sent to be embedded:
  // https://html.spec.whatwg.org/#coep
  const isIsolated = globalThis.crossOriginIsolated
  let unwatch: (() => void) | undefined

  // A test's DOM may be gone before what is under way ends. `globalPrivacyControl` is not in
  // TypeScript's DOM: https://w3c.github.io/gpc/#dom-globalprivacycontrol
  const isOptedOut = () =>
    respectGpc && field(globalThis.navigator, 'globalPrivacyControl') === true
  const isUnseen = () => field(globalThis.document, 'visibilityState') === 'hidden'

  return {
    isOptedOut,
    // Nothing may be sent: for what waits, that is the same as being offline.
    isOnline: () => field(globalThis.navigator, 'onLine') !== false && !isOptedOut(),
    isHidden: () => left || isUnseen(),
    hasLeft: () => left,
    isLeaving: () => left || (isUnseen() && elapsed() - hiddenAt < leavingMs),
    returns: () => returns,
    noCors: () => !isIsolated,

    watch({ onOnline, onLeaving, onBack, onStorage }) {
      const onHide = () => {
        left = true
        onLeaving()
      }
      const onShow = () => {
        // The first time, nothing has been left.
        if (!left) return
        left = false
        returns += 1
        onBack(true)
      }
      const onVisibility = () => {
        if (isUnseen()) {
          hiddenAt = elapsed()
          onLeaving()
        } else onBack(false)
      }
      // Neither `unload` nor `beforeunload`: they keep a page out of the back/forward cache, and do
      // not come on phones. https://web.dev/articles/bfcache
      const listeners = [
        [window, 'online', quiet(onOnline)],
        [window, 'pagehide', quiet(onHide)],
        [window, 'pageshow', quiet(onShow)],
        [document, 'visibilitychange', quiet(onVisibility)],
        [window, 'storage', quiet((event) => onStorage((event as StorageEvent).key))],
      ] as const
      unwatch = () => {
        for (const [target, name, listener] of listeners) target.removeEventListener(name, listener)
      }
      for (const [target, name, listener] of listeners) target.addEventListener(name, listener)
    },

    unwatch() {
      unwatch?.()
      unwatch = undefined
    },
  }
}
