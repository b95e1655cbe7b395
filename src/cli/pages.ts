import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { ANY_ORIGIN } from '../testing/exchange.ts'
import type { Pages } from '../testing/routes.ts'

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** What the inspector may do: load its own files, and ask its own collector. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

const SAFETY = { 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer' }

/** `inspect()` for pages without a bundler, which are of other origins. */
const HELPER = '/inspect.js'

/** The inspector's files, as the package has them beside the command line. */
export const inspectorPages = (folder: URL = new URL('./', import.meta.url)): Pages => {
  const inspector = new URL('inspector/', folder)
  return async (path) => {
    const name = path === '/' ? 'index.html' : path.slice(1)
    if (!/^[\w-]+\.\w+$/.test(name)) return undefined
    const type = TYPES[extname(name)]
    const file = path === HELPER ? new URL('inspect.js', folder) : new URL(name, inspector)
    const body = type && (await readFile(file).catch(() => undefined))
    if (!body) return undefined
    return {
      body,
      headers: {
        ...SAFETY,
        'Content-Type': type,
        ...(type.startsWith('text/html') && { 'Content-Security-Policy': POLICY }),
        ...(path === HELPER && {
          ...ANY_ORIGIN,
          'Cross-Origin-Resource-Policy': 'cross-origin',
        }),
      },
    }
  }
}
