import type { inspect as Inspect } from './inspect.ts'

/** `inspect()` where a bundler builds for production: the settings as they are. */
export const inspect: typeof Inspect = (settings) => settings
