import { expect } from 'vitest'
import { test } from './host.ts'

test('a hash router names a page by its route at the call, not at the hook', async ({ host }) => {
  const analytics = await host.analytics({}, host.plugin({ anonymous: 'send' }))
  try {
    location.hash = '#/projects/4711'
    void analytics.page()
    location.hash = '#!/teams/acme/'
    void analytics.page()
    location.hash = '#section'
    void analytics.page()
    location.hash = '#/elsewhere'

    expect(await host.names(3)).toEqual(['/', '/projects/:id', '/teams/acme'])
  } finally {
    location.hash = ''
  }
})

test('a name with an identifier is said in the log of Segment, once', async ({ host }) => {
  const analytics = await host.analytics({}, host.plugin({ anonymous: 'send' }))
  const first = await analytics.track('Viewed invoice 4711')
  const second = await analytics.track('Viewed invoice 4712')

  expect(await host.names(2)).toEqual(['Viewed invoice 4711', 'Viewed invoice 4712'])
  const said = [first, second].map((ctx) =>
    ctx
      .logs()
      .filter(({ level, message }) => level === 'warn' && message.includes('identifier'))
      .map(({ message }) => message),
  )
  expect(said).toEqual([[expect.stringContaining('`Viewed invoice :id`')], []])
})
