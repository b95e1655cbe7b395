/** What an npm user's bundle holds: the host and the built package, by its own name. */
import { AnalyticsBrowser } from '@segment/analytics-next'
import { skalin } from 'skalin-analytics-plugin'
import type { SkalinPlugin } from 'skalin-analytics-plugin'

declare global {
  interface Window {
    AnalyticsBrowser: typeof AnalyticsBrowser
    skalin: typeof skalin
    analytics: AnalyticsBrowser
    /** On pages that register one. */
    plugin: SkalinPlugin
  }
}

Object.assign(window, { AnalyticsBrowser, skalin })
