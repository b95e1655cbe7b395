import { AnalyticsBrowser } from '@segment/analytics-next'
import { skalin } from 'skalin-analytics-plugin'

// Your application has its own way to configure an endpoint for tests: here it is the address.
const endpoint = new URLSearchParams(location.search).get('endpoint') ?? undefined

// With both Segment itself stays off the network. Leave them out in production.
const cdnSettings = { integrations: {}, metrics: { sampleRate: 0 } } as never
const options = { integrations: { 'Segment.io': false } }
const analytics = AnalyticsBrowser.load({ writeKey: 'example', cdnSettings }, options)
void analytics.register(skalin({ clientId: 'my-client-id', endpoint }))
void analytics.identify('user-123', { email: 'jane@example.com', groupId: 'acme' })

document.querySelector('button')?.addEventListener('click', () => {
  void analytics.track('Report exported')
})
