// What applications must not write: every line below an expected error is one.
import { AnalyticsBrowser } from '@segment/analytics-next'
import { skalin } from 'skalin-analytics-plugin'
import type { DeliveryReport, Hit, SkalinPlugin, SkalinSettings } from 'skalin-analytics-plugin'
import { inspect } from 'skalin-analytics-plugin/inspect'

declare const buildTimeVariable: string | undefined

// @ts-expect-error the settings are required
skalin()
// @ts-expect-error the client id is required
skalin({})
// @ts-expect-error a client id is a string
skalin({ clientId: 1 })
// @ts-expect-error a build-time variable that may be missing
skalin({ clientId: buildTimeVariable })
// @ts-expect-error the API key has no place in a browser
skalin({ clientId: 'c', apiKey: 'secret' })
// @ts-expect-error a setting that does not exist
skalin({ clientId: 'c', collectorUrl: 'https://collect.example.com' })
// @ts-expect-error an endpoint is a string
skalin({ clientId: 'c', endpoint: new URL('https://collect.example.com/hit') })
// @ts-expect-error a customer id is a string
skalin({ clientId: 'c', customerId: 42 })
// @ts-expect-error a feature name is a string
skalin({ clientId: 'c', featureName: () => 42 })
// @ts-expect-error it answers at once
skalin({ clientId: 'c', featureName: (_event, name) => Promise.resolve(name) })
// @ts-expect-error traits are a list
skalin({ clientId: 'c', traits: 'plan' })
// @ts-expect-error one of three words
skalin({ clientId: 'c', anonymous: 'keep' })
// @ts-expect-error milliseconds as a number
skalin({ clientId: 'c', visitTimeoutMs: '30 minutes' })
// @ts-expect-error the categories are required
skalin({ clientId: 'c', consent: {} })
// @ts-expect-error not one category
skalin({ clientId: 'c', consent: { categories: 'Analytics' } })
// @ts-expect-error a boolean, not a word for one
skalin({ clientId: 'c', respectGpc: 'yes' })
// @ts-expect-error a URL or nothing
skalin({ clientId: 'c', url: (url) => url })

// @ts-expect-error a setting that does not exist, also where it is inspected
skalin(inspect({ clientId: 'c', endpont: 'https://collect.example.com/hit' }))
// @ts-expect-error an inspector's address is a string
skalin(inspect({ clientId: 'c' }, { inspector: new URL('http://127.0.0.1:4747') }))

// @ts-expect-error the factory is no plugin
const analytics = AnalyticsBrowser.load({ writeKey: 'k', plugins: [skalin] })
// @ts-expect-error nor is it one here
void analytics.register(skalin)

// @ts-expect-error an outcome that does not exist
export const outcome: DeliveryReport['outcome'] = 'lost'
// @ts-expect-error a reason that does not exist
export const reason: DeliveryReport['reason'] = 'because'
// @ts-expect-error a hit is all strings
export const visit: Hit['visit_id'] = 1
// @ts-expect-error a plugin's name is fixed
export const name: SkalinPlugin['name'] = 'skalin'
// @ts-expect-error settings without a client id
export const settings: SkalinSettings = { endpoint: 'https://collect.example.com/hit' }
