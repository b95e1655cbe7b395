// Pure: the features that hits report, and what becomes of paths.
import { withoutIdentifiers } from '../../src/hit/identifier.ts'
import { pathTemplate } from '../../src/hit/path.ts'
import { type Route, parseRoute } from '../../src/hit/route.ts'
import type { Row } from './row.ts'
import { jsonFields } from './who.ts'

export type Feature = {
  name: string
  /** How many hits report it. */
  count: number
  /** What it should be called, where its name holds an identifier. */
  better: string | undefined
}

/** The features of the rows, the most used first. */
export function featuresOf(rows: Iterable<Row>): Feature[] {
  const counts = new Map<string, number>()
  for (const { ways } of rows) {
    for (const { hit } of ways) {
      const { name } = jsonFields(hit['event'])
      if (typeof name === 'string') counts.set(name, (counts.get(name) ?? 0) + 1)
    }
  }
  return [...counts]
    .map(([name, count]) => {
      const better = withoutIdentifiers(name)
      return { name, count, better: better === name ? undefined : better }
    })
    .sort((one, other) => other.count - one.count)
}

/** What a page without a name is called at a path, and whether a pattern says so. */
export type Named = { path: string; name: string; byPattern: boolean }

const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)

/** The path of what somebody pasted: a path, a hash route or a whole address. */
function pathOf(line: string): string {
  const [, route] = /^[^#]*#!?(\/.*)$/.exec(line) ?? []
  if (route !== undefined) return route
  // As some browsers show it: of `localhost:3000/projects` the host would be taken for a scheme.
  const lacksScheme = !line.includes('://') && /^[\w-]+[.:][\w.:-]*\//.test(line)
  const address = lacksScheme ? `http://${line}` : line
  return URL.canParse(address) ? new URL(address).pathname : line
}

/** The names of pasted paths, one a line, by patterns, one a line; and what is no pattern. */
export function namePaths(paths: string, patterns: string): { named: Named[]; unread: string[] } {
  const lines = linesOf(patterns)
  const routes = lines.map(parseRoute).filter((route): route is Route => route !== undefined)
  const named = linesOf(paths).map((path) => {
    const name = pathTemplate(pathOf(path), routes)
    return { path, name, byPattern: routes.some((route) => route.name === name) }
  })
  return { named, unread: lines.filter((line) => !parseRoute(line)) }
}
