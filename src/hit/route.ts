/** A route pattern that names the pages it matches. */
export type Route = {
  /** The pattern as it is written, with its parameters as `:projectId`. */
  name: string
  /** Whether it is the route of a path, given as readable segments. */
  matches: (segments: readonly string[]) => boolean
}

/** What a pattern has between two slashes. */
type Part = {
  name: string
  test: RegExp
  optional: boolean
  /** Stands for any number of segments. */
  rest: boolean
}

/** Every router's way to write a parameter in one: `:name`, `:name?` optional, `:name*` and `:name+` rest. */
const inOneWay = (pattern: string): string =>
  // What a parameter may be, in brackets, stays as it is.
  pattern.replace(/[^()]+(?=\(|$)/g, withPlainParameters)

const withPlainParameters = (text: string): string =>
  text
    // Next, Nuxt and SvelteKit: `[slug]`, `[id=integer]`, `[[lang]]`, `[...rest]`, `[[...rest]]`.
    .replace(
      /\[(\[?)(\.{3})?([\w-]+)(=\w+)?\]+/g,
      (_, optional: string, rest: string | undefined, name: string) =>
        `:${name.replace(/-/g, '_')}${rest ? (optional ? '*' : '+') : optional && '?'}`,
    )
    // TanStack: `$name`, `$` for all that follows; OpenAPI: `{name}`; Express and Rails: `*name`.
    .replace(/\$(\w+)|\{([a-z_]\w*)\}/gi, ':$1$2')
    .replace(/\/\*(\w+)/g, '/:$1*')
    .replace(/\/\$(?=\/|$)/g, '/*')

/** `*`, `**`, and Vue Router's `:path(.*)`, `:chapters+`, `:chapters(\d+)*` and the like. */
function parseRest(text: string): Part | undefined {
  if (/^\*\*?$/.test(text)) return { name: text, test: /^/, optional: true, rest: true }
  const [whole, name = '', constraint, sign] = /^(:\w+)(?:\(([^()]+)\))?([+*?])?$/.exec(text) ?? []
  const isOfAll = constraint === '.*' || constraint === '.+'
  if (whole === undefined || !(isOfAll || sign === '+' || sign === '*')) return undefined
  return {
    name,
    test: new RegExp(`^(?:${constraint ?? '.+'})$`, 'is'),
    optional: sign === undefined ? constraint === '.*' : sign !== '+',
    rest: true,
  }
}

function parsePart(text: string): Part {
  const whole = parseRest(text)
  if (whole) return whole
  const optional = text.endsWith('?')
  // Parameters at the odd places, what is between them at the even ones.
  const pieces = (optional ? text.slice(0, -1) : text).split(/(:\w+(?:\([^()]+\))?|\*)/)
  const literals = pieces.filter((_, i) => i % 2 === 0)
  const parameters = pieces.filter((_, i) => i % 2 === 1).map((piece) => piece.split(/[()]/))
  if (/[?#:()[\]{}<>]/.test(literals.join(''))) throw new SyntaxError(text)
  const [head = '', ...after] = literals.map((literal) => literal.replace(/[\\^$.|+]/g, '\\$&'))
  const takeAll = parameters.every(([, constraint]) => constraint === undefined)
  const sources = parameters.map(([, constraint = '.+'], i) =>
    // The first place that fits is as good as any: trying all would freeze the page on a long segment.
    takeAll && i < parameters.length - 1
      ? `(?=(.+?${after[i] ?? ''}))\\${i + 1}`
      : `(?:${constraint})${after[i] ?? ''}`,
  )
  return {
    name: pieces.map((piece) => piece.replace(/\(.*/, '')).join(''),
    test: new RegExp(`^${head}${sources.join('')}$`, 'is'),
    optional,
    rest: false,
  }
}

/**
 * Reads a route pattern as routers write it; `undefined` when it cannot be read.
 *
 * @example parseRoute('/blog/[slug]')?.name //=> '/blog/:slug'
 */
export function parseRoute(pattern: unknown): Route | undefined {
  if (typeof pattern !== 'string') return undefined
  // Rails prints a format after each of its routes.
  const texts = inOneWay(
    `/${pattern
      .normalize()
      .trim()
      .replace(/^#!?|\(\.:format\)$/g, '')}`,
  )
    .split('/')
    // Next's and SvelteKit's groups are not in the address.
    .filter((text) => text !== '' && !/^\([\w-]*\)$/.test(text))
  let parts: Part[]
  try {
    parts = texts.map(parsePart)
  } catch {
    return undefined
  }
  const hasRest = parts.some(({ rest }) => rest)
  return {
    name: `/${parts.map(({ name }) => name).join('/')}`,
    matches(segments) {
      if (segments.length > parts.length && !hasRest) return false
      // How many segments the parts so far can stand for.
      let reached = new Set([0])
      for (const { test, optional, rest } of parts) {
        const next = new Set(optional ? reached : [])
        segments.forEach((segment, i) => {
          if ((reached.has(i) || (rest && next.has(i))) && test.test(segment)) next.add(i + 1)
        })
        reached = next
      }
      return reached.has(segments.length)
    },
  }
}
