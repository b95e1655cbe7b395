import type { Plugin } from '@segment/analytics-next'
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

test('the script tag has route patterns, too', async ({ host }) => {
  const queue: unknown[] = []
  Object.assign(window, { analytics: queue })
  document.head.innerHTML = `<script type="module" src="about:blank#/skalin.min.js" data-client-id="c"
    data-endpoint="${host.collector.endpoint}" data-anonymous="send"
    data-paths="/projects/new, /projects/:projectId"></script>`
  try {
    await import('../../src/script.ts')
    const [[method, plugin] = []] = queue as [string, Plugin][]
    expect(method).toBe('register')
    const analytics = await host.analytics({}, plugin as Plugin)
    location.hash = '#/projects/acme'
    void analytics.page()
    expect(await host.names(1)).toEqual(['/projects/:projectId'])
  } finally {
    location.hash = ''
    document.head.innerHTML = ''
    Reflect.deleteProperty(window, 'analytics')
  }
})
