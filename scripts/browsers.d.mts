export type Engine = 'chromium' | 'firefox' | 'webkit'
export function findBrowser(name: Engine): string | undefined
export function isOwn(path: string): boolean
export function installBrowsers(names: Engine[]): Engine[]
export function canDoWithout(names: Engine[], machine: { ci: boolean }): boolean
export function leftOut(names: Engine[]): string
export function launchArgs(without?: string[]): string[]
