import type { Page } from 'playwright-core'

/** As much of playwright's page as every engine has. */
export type Tab = Pick<Page, 'goto' | 'reload' | 'goBack' | 'evaluate' | 'click' | 'close'>

/** A browser of any engine. */
export type EngineBrowser = {
  newPage: () => Promise<Tab>
  kill: () => Promise<void>
  close: () => Promise<void>
}

export type EngineOptions = {
  /** The folder in which it keeps its data; without one it is in private mode. */
  profile?: string
  /** `false` switches the back/forward cache off. */
  keepsPages?: boolean
}
