import { expect, test as base } from '@playwright/test'
import { type Collector, createCollector } from 'skalin-analytics-plugin/testing'

const test = base.extend<{ collector: Collector }>({
  // eslint-disable-next-line no-empty-pattern -- Playwright reads the fixtures from the pattern
  collector: async ({}, use) => {
    const collector = await createCollector()
    await use(collector)
    await collector.close()
  },
})

test('exporting a report is usage of the customer', async ({ page, collector }) => {
  await page.goto(`/?endpoint=${encodeURIComponent(collector.endpoint)}`)
  await page.getByRole('button', { name: 'Export report' }).click()

  const [received] = await collector.hits({ where: ({ action }) => action === 'ev' })
  expect(received?.hit).toMatchObject({
    event: JSON.stringify({ name: 'Report exported', event_name: 'feature' }),
    customer_id: 'acme',
  })
})

test('nothing leaves this machine', async ({ page, collector }) => {
  const hosts = new Set<string>()
  page.on('request', (request) => hosts.add(new URL(request.url()).hostname))
  await page.goto(`/?endpoint=${encodeURIComponent(collector.endpoint)}`)
  await page.getByRole('button', { name: 'Export report' }).click()

  await collector.hits({ where: ({ action }) => action === 'ev' })
  expect([...hosts]).toEqual(['127.0.0.1'])
})

test('an outage of Skalin loses nothing', async ({ page, collector }) => {
  collector.fault({ kind: 'status', status: 503, times: 2 })
  await page.goto(`/?endpoint=${encodeURIComponent(collector.endpoint)}`)
  await page.getByRole('button', { name: 'Export report' }).click()

  await collector.hits({ where: ({ action }) => action === 'ev' }, 15_000)
})
