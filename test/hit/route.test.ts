import { describe, expect, test } from 'vitest'
import { parseRoute } from '../../src/hit/route.ts'

const matches = (pattern: string, path: string) =>
  parseRoute(pattern)?.matches(path.split('/').filter(Boolean))

describe('a route pattern', () => {
  test.each<[pattern: string, name: string, matching: string[], other: string[]]>([
    ['/', '/', ['/'], ['/a']],
    ['', '/', ['/'], ['/a']],
    ['/about', '/about', ['/about', '/About'], ['/', '/about/us', '/abouts']],
    ['about/us', '/about/us', ['/about/us'], []],
    ['#/about', '/about', ['/about'], []],
    ['#!/about/', '/about', ['/about'], []],
    ['/a.b/c++', '/a.b/c++', ['/a.b/c++'], ['/axb/c++', '/a.b/ccc']],
    // Express, React Router, Vue Router, Angular, URLPattern
    ['/projects/:projectId', '/projects/:projectId', ['/projects/7'], ['/projects', '/projects/7/a']],
    ['/projects/:projectId/files/*', '/projects/:projectId/files/*', ['/projects/7/files', '/projects/7/files/a/b'], ['/projects/7', '/projects/7/filesystem']],
    ['/:lang?/about', '/:lang/about', ['/about', '/fr/about'], ['/fr', '/fr/a/about']],
    ['/:lang?/about?', '/:lang/about', ['/', '/fr', '/about', '/fr/about'], ['/fr/a']],
    ['/:chapters+', '/:chapters', ['/a', '/a/b'], ['/']],
    ['/:chapters*/edit', '/:chapters/edit', ['/edit', '/a/b/edit'], ['/a/b']],
    ['/:pathMatch(.*)*', '/:pathMatch', ['/', '/a/b'], []],
    ['/:pathMatch(.*)', '/:pathMatch', ['/', '/a/b'], []],
    ['/docs/:path(.*)?', '/docs/:path', ['/docs', '/docs/a/b'], ['/']],
    ['/docs/:path(.+)', '/docs/:path', ['/docs/a/b'], ['/docs']],
    ['/:chapters(\\d+)+', '/:chapters', ['/1', '/1/2'], ['/', '/a', '/1/a']],
    ['/:chapters(\\d+)*/edit', '/:chapters/edit', ['/edit', '/1/2/edit'], ['/a/edit']],
    ['/:id(\\d+)?/edit', '/:id/edit', ['/edit', '/1/edit'], ['/a/edit', '/1/2/edit']],
    ['/orders/:id(\\d+)', '/orders/:id', ['/orders/7'], ['/orders/new']],
    ['/:year(\\d{4})-:month(\\d\\d)', '/:year-:month', ['/2024-05'], ['/may-2024']],
    ['/@:user', '/@:user', ['/@jane'], ['/jane']],
    ['/flights/:from-:to.json', '/flights/:from-:to.json', ['/flights/cdg-jfk.json'], ['/flights/cdg-jfk']],
    ['/files/*.pdf', '/files/*.pdf', ['/files/a.pdf'], ['/files/a.txt']],
    ['/:a-:b-:c.html', '/:a-:b-:c.html', ['/x-y-z.html', '/---x-y-z.html', '/a.html-b-.html.html'], ['/x-y.html', '/x-y-z.htm']],
    ['/:a-:n(\\d+)-:b', '/:a-:n-:b', ['/x-y-1-z'], ['/x-y-z']],
    ['/p/:slug([a-z0-9-]+)/:n([0-9]{1,3})', '/p/:slug/:n', ['/p/jane-doe/12'], ['/p/jane_doe/12', '/p/jane-doe/1234']],
    ['/:a.9:b:c', '/:a.9:b:c', ['/x.9yz', '/x.9.9yz'], ['/x.9y', '/.9yz']],
    ['**', '/**', ['/', '/a/b'], []],
    ['/*splat', '/:splat', ['/', '/a/b'], []],
    // Next, Nuxt, SvelteKit
    ['/blog/[slug]', '/blog/:slug', ['/blog/hello'], ['/blog', '/blog/a/b']],
    ['/blog/[post-id]/[[lang]]', '/blog/:post_id/:lang', ['/blog/a', '/blog/a/fr'], ['/blog']],
    ['/docs/[...path]', '/docs/:path', ['/docs/a', '/docs/a/b'], ['/docs']],
    ['/docs/[[...path]]', '/docs/:path', ['/docs', '/docs/a/b'], []],
    ['/(app)/items/[id=integer]', '/items/:id', ['/items/7'], ['/app/items/7']],
    ['/(logged-in)/(sub-group)/items/[id]', '/items/:id', ['/items/7'], ['/logged-in/items/7']],
    // Rails
    ['/projects/:id(.:format)', '/projects/:id', ['/projects/7'], ['/projects']],
    // TanStack, OpenAPI
    ['/files/$', '/files/*', ['/files', '/files/a/b'], ['/file']],
    ['/posts/$postId', '/posts/:postId', ['/posts/7'], []],
    ['/posts/{postId}/edit', '/posts/:postId/edit', ['/posts/7/edit'], []],
    // In other words
    ['/réglages/:page', '/réglages/:page', ['/réglages/compte'], []],
  ])('%s is %s', (pattern, name, matching, other) => {
    expect(parseRoute(pattern)?.name).toBe(name)
    expect(matching.filter((path) => !matches(pattern, path))).toEqual([])
    expect(other.filter((path) => matches(pattern, path))).toEqual([])
  }) // prettier-ignore

  test.each([
    undefined, null, 7, ['/a'], /a/, '/users/<int:id>', '/users/<id>/',
    '/a(', '/a?b=1', '/a#b', '/[', '/:', '/:id(', '/:id([)', '/:id(a/b)', '/{:id}', 'https://app.example/a',
  ])('cannot be read from %j', (pattern) => {
    expect(parseRoute(pattern)).toBeUndefined()
  }) // prettier-ignore

  // In the square of its length, this would take minutes.
  test('takes no time for a path made to take long', () => {
    const segments = Array.from({ length: 100_000 }, () => 'a')
    expect(parseRoute('/*/b/*/c/*/d')?.matches(segments)).toBe(false)
    expect(parseRoute('/:a/:b/:c')?.matches(segments)).toBe(false)
  })

  test('takes no time for a segment made to take long', () => {
    const pattern = '/:a-:b-:c-:d-:e-:f-:g-:h.html'
    expect(matches(pattern, '-'.repeat(100_000))).toBe(false)
    expect(matches(pattern, `${'-'.repeat(100_000)}.html`)).toBe(true)
  })
})
