import { expect, test } from 'vitest'
import { featuresOf, namePaths } from '../../demo/inspector/features.ts'
import { createLedger } from '../../demo/inspector/ledger.ts'
import { arrival, call, hit, now } from './support.ts'

test('features are counted by hit, and those with an identifier are marked', () => {
  const ledger = createLedger()
  const use = (messageId: string, name: string) => {
    const event = JSON.stringify({ name, event_name: 'feature' })
    ledger.call(call(messageId))
    ledger.arrival(arrival(hit(messageId, { event }), now))
  }
  use('1', 'Viewed invoice 4711')
  use('2', 'Import')
  use('3', 'Import')
  use('4', '/projects/:id')
  ledger.call(call('5'))
  ledger.arrival(arrival(hit('6', { action: 'ui', event: 'no JSON' }), now))
  // A hit that came twice is one use.
  use('4', '/projects/:id')

  expect(featuresOf(ledger.rows().values())).toEqual([
    { name: 'Import', count: 2, better: undefined },
    { name: 'Viewed invoice 4711', count: 1, better: 'Viewed invoice :id' },
    { name: '/projects/:id', count: 1, better: undefined },
  ])
})

test('pasted paths are named as the plugin names pages', () => {
  const paths = `
    /projects/8f14e45f/edit
    https://app.example/r%C3%A9glages?a=1
    localhost:3000/projects/7
    app.example/r%C3%A9glages
    https://app.example/#/customers/acme
    #!/customers/acme/
    /customers/acme`
  const { named, unread } = namePaths(paths, '/a(\n\n /customers/:customerId ')
  expect(named.map(({ name, byPattern }) => [name, byPattern])).toEqual([
    ['/projects/:id/edit', false],
    ['/réglages', false],
    ['/projects/:id', false],
    ['/réglages', false],
    ['/customers/:customerId', true],
    ['/customers/:customerId', true],
    ['/customers/:customerId', true],
  ])
  expect(unread).toEqual(['/a('])
})

test('nothing pasted is nothing named', () => {
  expect(namePaths(' \n', '')).toEqual({ named: [], unread: [] })
})
