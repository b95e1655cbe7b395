import { isIdentifier } from './identifier.ts'
import { cutName, maxNameLength, tidy } from './read.ts'
import type { Route } from './route.ts'

function unescaped(escapes: string): string {
  try {
    return decodeURIComponent(escapes)
  } catch {
    return escapes
  }
}

/** Percent-decoded as far as it can be: a broken escape, or one of an old encoding, stays as it is. */
function decoded(text: string, decode = unescaped): string {
  return text.replace(/(%[\da-f]{2})+/gi, (escapes) => {
    const whole = decode(escapes)
    return whole === escapes ? escapes.replace(/%[0-7]./g, decode) : whole
  })
}

/** What ends a path or a segment, control characters and `%` itself stay encoded, or the name would read otherwise the next time. */
const unescapedToRead = (escapes: string): string => {
  const text = unescaped(escapes)
  return text === escapes ? escapes : text.replace(/[%/?#\p{Cc}]/gu, encodeURIComponent)
}

/** A segment as people read it. */
function readable(segment: string): string {
  // `%%34%30` must not become `%40`.
  const text = decoded(segment.replace(/%(?=[\da-f]?%)/gi, '%25'), unescapedToRead)
  return text.normalize().replace(/\s+/g, ' ')
}

const isBlank = (segment: string) => tidy(unescaped(segment)) === ''

/** What links in mails are made for: the segment after it is a secret, if it is no word. */
const secretive =
  /(^|[^p])reset|invit|token|verif|confirm|unsubscri|magic|activat|recover|passw|secret|\botp\b/i

const isWord = (text: string) => /^(\p{L}[\p{L}\p{M}]*|\d)([-_. ]([\p{L}\p{M}]+|\d))*$/u.test(text)

/**
 * A path with `:id` for the segments that `hides` tells by what they say, and those that are secrets for
 * what stands before them. A word of three is too short to be one.
 */
const isSecretValue = (text: string) => text.length > 3 && (!isWord(text) || isIdentifier(text))

function masked(segments: string[], hides: (text: string) => boolean): string {
  let told = false
  const shown = segments.map((segment) => {
    const text = decoded(segment)
    const isSecret = told && isSecretValue(text)
    told ||= secretive.test(text)
    return isSecret || hides(text) ? ':id' : segment
  })
  return shown.join('/')
}

/** What comes far behind costs time and is never seen. Encoded, a code point is four bytes of three letters at most. */
const maxEncodedLength = maxNameLength * 12

/** Without the half of a character at its end, whose other half was cut off. */
const withoutHalf = (encoded: string) =>
  encoded.replace(/%[\da-f]?$/i, '').replace(/%[c-f][\da-f](%[89ab][\da-f])*$/i, '')

/** What is encoded, cut between two characters. */
export const shortened = (encoded: string, length: number = maxEncodedLength): string =>
  encoded.length > length ? withoutHalf(encoded.slice(0, length)) : encoded

/** A segment without the parameters that may follow a `;`, such as a `jsessionid`. */
const withoutParameters = (segment: string) => segment.replace(/(;|%3[bB]).*/s, '')

/** A path's segments, readable, without query, fragment and trailing slashes. */
function segmentsOf(path: string): string[] {
  const segments = path
    .replace(/[?#].*$/s, '')
    .split('/')
    .map(withoutParameters)
  // No /\/+$/ here: on a link of thousands of slashes it would freeze the page.
  while (segments.length > 1 && isBlank(segments[segments.length - 1] ?? '')) segments.pop()
  return segments.slice(0, maxNameLength).map((segment) => cutName(readable(shortened(segment))))
}

const isSigned = (text: string) =>
  text.length > 24 && /^([\w=-]+\.){2,}[\w=-]+$/.test(text) && isIdentifier(text)

/** `token=8f14e45f`, or a session of ASP.NET without cookies: `(S(lit3py55t21z5v55vlm25s55))`. */
function isNamedSecret(text: string): boolean {
  // There may be several: a name before the last `=` or `:`, a value after the first.
  const [, name = '', value = ''] = /^(?=(.*)[=:])[^=:]*[=:](.*)/s.exec(text) ?? []
  return (secretive.test(name) && isSecretValue(value)) || /^\(\w\(/.test(text)
}

const isPersonal = (text: string) =>
  isSigned(text) || isNamedSecret(text) || /[^/](@|%(25)*40)/i.test(text)

/** `38.html` is the page of one record as well. */
const isOneRecords = (text: string) =>
  isPersonal(text) || isIdentifier(text) || isIdentifier(text.replace(/(\.[a-z]\w{1,4})+$/i, ''))

/**
 * The name of a page by its path: the first of `routes` that matches, else the path with every segment
 * that stands for a record replaced by `:id`. Raw paths carry personal data and would make a new
 * feature of every record.
 *
 * @example pathTemplate('/projects/8f14e45f/edit', []) //=> '/projects/:id/edit'
 */
export function pathTemplate(path: string, routes: readonly Route[]): string {
  const segments = segmentsOf(path)
  const own = segments[0] === '' ? segments.slice(1) : segments
  const route = routes.find(({ matches }) => matches(own))
  if (route) return route.name
  return masked(segments, isOneRecords) || (path === '' ? '' : '/')
}

/**
 * An address whose path holds no e-mail address, signed token or secret of a link: they are `:id`. What
 * a segment has after a `;`, such as a `jsessionid`, is left out like a query.
 */
export function withoutSecrets(href: string): string {
  const origin = /^[^:]*:(\/\/[^/]*)?/.exec(href)?.[0] ?? ''
  const segments = href.slice(origin.length).split('/').map(withoutParameters)
  return origin + masked(segments, isPersonal)
}
