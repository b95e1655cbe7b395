import type { Payload, Settings } from './sandbox.ts'

/** What must come of a payload: the hit, but for what all hits have, or the answer without one. */
export type Expected = { hit: Record<string, string> } | { skipped: string } | { rejected: RegExp }

export type Fixture = {
  what: string
  settings?: Settings
  payload: Payload
  expected: Expected
}

const feature = (name: string): string => JSON.stringify({ name, event_name: 'feature' })

/** Segment's servers add these to everything. */
const common = {
  anonymousId: '507f191e-810c-4197-b9a2-2b7ed93fbbcd',
  userId: 'userId123',
  originalTimestamp: '2026-11-24T12:03:59.123Z',
  sentAt: '2026-11-24T12:04:00.000Z',
  receivedAt: '2026-11-24T12:04:06.500Z',
  timestamp: '2026-11-24T12:04:05.623Z',
  channel: 'server',
  version: 2,
  writeKey: 'write-key',
  integrations: {},
}

/** https://segment.com/docs/connections/destinations/catalog/skalin/ */
const catalogue: Fixture[] = [
  {
    what: "analytics.page('myFeature')",
    settings: { includeBrowser: true },
    payload: {
      ...common,
      type: 'page',
      messageId: 'ajs-next-1',
      name: 'myFeature',
      properties: { name: 'myFeature', path: '/projects/42', title: 'Project', referrer: '' },
      context: {
        ip: '203.0.113.7',
        library: { name: 'analytics.js', version: 'npm:next-1.84.3' },
        locale: 'fr-FR',
        page: { path: '/projects/42', url: 'https://app.example.com/projects/42?token=secret' },
        timezone: 'Europe/Paris',
        userAgent: 'Mozilla/5.0',
      },
    },
    expected: {
      hit: {
        action: 'ev',
        event: feature('myFeature'),
        identity: '{"id":"userId123"}',
        localtime: '13:04:05',
        cip: '203.0.113.7',
      },
    },
  },
  {
    what: '[[SEGAnalytics sharedAnalytics] screen:@"Home"]',
    payload: {
      ...common,
      type: 'screen',
      messageId: 'ios-1',
      name: 'Home',
      properties: {},
      context: {
        app: { name: 'Example', version: '1.0', build: '1', namespace: 'com.example' },
        device: { id: 'B5372DB0-C21E-11E4-8DFC-AA07A5B093DB', manufacturer: 'Apple', type: 'ios' },
        ip: '203.0.113.7',
        library: { name: 'analytics-ios', version: '4.1.8' },
        locale: 'fr-FR',
        os: { name: 'iOS', version: '18.1' },
        timezone: 'Europe/Paris',
        traits: { email: 'john.doe@example.com' },
      },
    },
    expected: {
      hit: {
        action: 'ev',
        event: feature('Home'),
        identity: '{"id":"userId123","email":"john.doe@example.com"}',
        localtime: '13:04:05',
        cip: '203.0.113.7',
      },
    },
  },
  {
    what: "analytics.identify('userId123', { email })",
    payload: {
      ...common,
      type: 'identify',
      messageId: 'node-next-1',
      traits: { email: 'john.doe@example.com' },
      context: { library: { name: '@segment/analytics-node', version: '3.1.0' } },
    },
    expected: {
      hit: {
        action: 'ui',
        identity: '{"id":"userId123","email":"john.doe@example.com"}',
        localtime: '12:04:05',
      },
    },
  },
  {
    what: "analytics.identify('userId123', { email, trait: { groupId } })",
    payload: {
      ...common,
      type: 'identify',
      messageId: 'node-next-2',
      traits: { email: 'john.doe@example.com', trait: { groupId: 'myCustomerID' } },
      context: { library: { name: '@segment/analytics-node', version: '3.1.0' } },
    },
    expected: {
      hit: {
        action: 'ui',
        identity: '{"id":"userId123","email":"john.doe@example.com"}',
        customer_id: 'myCustomerID',
        localtime: '12:04:05',
      },
    },
  },
  {
    what: "analytics.track('myFeature')",
    payload: {
      ...common,
      type: 'track',
      messageId: 'node-next-3',
      event: 'myFeature',
      properties: {},
      context: { library: { name: '@segment/analytics-node', version: '3.1.0' } },
    },
    expected: {
      hit: {
        action: 'ev',
        event: feature('myFeature'),
        identity: '{"id":"userId123"}',
        localtime: '12:04:05',
      },
    },
  },
]

const phone = {
  app: { name: 'Example', version: '2.3.0', build: '230', namespace: 'com.example.app' },
  device: { id: 'd0f5c9a4', manufacturer: 'Example', model: 'Phone', name: 'phone' },
  instanceId: '5f0f4e1c-7a0a-4f6e-9b59-40f6cf3b3a11',
  ip: '198.51.100.23',
  locale: 'en-US',
  network: { bluetooth: false, cellular: false, wifi: true },
  screen: { width: 1080, height: 2400 },
  timezone: 'America/New_York',
}

/** What comes of a feature that is used on it. */
const onPhone = (name: string): Expected => ({
  hit: {
    action: 'ev',
    event: feature(name),
    identity: '{"id":"userId123"}',
    localtime: '07:04:05',
    cip: '198.51.100.23',
  },
})

/**
 * The newer mobile libraries put no traits into the context of later calls.
 *
 * https://segment.com/docs/connections/spec/screen/
 */
const mobile: Fixture[] = [
  {
    what: 'a screen of Analytics-Swift',
    payload: {
      ...common,
      type: 'screen',
      messageId: '8D5A4F5B-3C0E-4A7A-9F6D-0A7C7C1F1B11',
      name: 'Home',
      category: 'Main',
      properties: { tab: 'first' },
      context: {
        ...phone,
        library: { name: 'analytics-swift', version: '1.9.1' },
        os: { name: 'iOS', version: '18.1' },
      },
    },
    expected: onPhone('Main Home'),
  },
  {
    what: 'a screen of Analytics-Kotlin',
    payload: {
      ...common,
      type: 'screen',
      messageId: '0e6a2a9b-0f0e-4e8f-8f4b-6f8f0c7c4a22',
      name: 'Home',
      category: '',
      properties: {},
      context: {
        ...phone,
        library: { name: 'analytics-kotlin', version: '1.19.2' },
        os: { name: 'Android', version: '15' },
      },
    },
    expected: onPhone('Home'),
  },
  {
    what: 'a screen of Analytics React Native',
    payload: {
      ...common,
      type: 'screen',
      messageId: '3f9d7c7e-5f2b-4b2f-8d3d-9f5a1b2c3d33',
      name: 'Home',
      properties: { fromPush: true },
      context: {
        ...phone,
        library: { name: '@segment/analytics-react-native', version: '2.21.0' },
        os: { name: 'Android', version: '15' },
      },
    },
    expected: onPhone('Home'),
  },
  {
    what: 'a screen before anybody has logged in',
    payload: {
      ...common,
      userId: null,
      type: 'screen',
      messageId: 'swift-2',
      name: 'Welcome',
      context: { ...phone, library: { name: 'analytics-swift', version: '1.9.1' } },
    },
    expected: { skipped: 'anonymous' },
  },
  {
    what: 'a lifecycle event that is renamed to nothing',
    settings: { featureNames: { 'Application Opened': '' } },
    payload: {
      ...common,
      type: 'track',
      messageId: 'swift-3',
      event: 'Application Opened',
      properties: { from_background: false },
      context: { ...phone, library: { name: 'analytics-swift', version: '1.9.1' } },
    },
    expected: { skipped: 'feature-name' },
  },
]

const engage = (computation_class: string, computation_key: string): Record<string, unknown> => ({
  personas: {
    computation_class,
    computation_id: 'aud_2dFfZQ2m',
    computation_key,
    namespace: 'spa_oXJtZ1',
    space_id: 'spa_oXJtZ1',
  },
})
const engageCommon = {
  ...common,
  anonymousId: undefined,
  messageId: 'personas_2dFg0hXb',
  integrations: { All: false, 'Skalin Function (Example)': true },
}

/** Engage makes a call for each identifier of a person, so one person comes in both ways. */
const ways = [
  { how: 'by user id', who: {}, traits: {}, person: '"id":"userId123"' },
  {
    how: 'by e-mail address alone',
    who: { userId: null },
    traits: { email: 'john.doe@example.com' },
    person: '"email":"john.doe@example.com"',
  },
]

/** https://segment.com/docs/engage/using-engage-data/ */
const computed: Fixture[] = ways.flatMap(({ how, who, traits, person }): Fixture[] => [
  ...[true, false].map((entered): Fixture => ({
    what: `an audience ${entered ? 'entered' : 'left'}, ${how}`,
    settings: { traits: ['order_completed_last_30days'] },
    payload: {
      ...engageCommon,
      ...who,
      type: 'identify',
      traits: { order_completed_last_30days: entered, ...traits },
      context: engage('audience', 'order_completed_last_30days'),
    },
    expected: {
      hit: {
        action: 'ui',
        identity: `{${person},"order_completed_last_30days":${String(entered)}}`,
        localtime: '12:04:05',
      },
    },
  })),
  {
    what: `an audience that was not chosen, ${how}`,
    settings: { traits: ['plan'] },
    payload: {
      ...engageCommon,
      ...who,
      type: 'identify',
      traits: { inactive_for_30_days: true, ...traits },
      context: engage('audience', 'inactive_for_30_days'),
    },
    expected: { skipped: 'computed' },
  },
  {
    what: `a computed trait, ${how}`,
    settings: { traits: ['total_orders'] },
    payload: {
      ...engageCommon,
      ...who,
      type: 'identify',
      traits: { total_orders: 12, ...traits },
      context: engage('trait', 'total_orders'),
    },
    expected: {
      hit: { action: 'ui', identity: `{${person},"total_orders":12}`, localtime: '12:04:05' },
    },
  },
  ...['Audience Entered', 'Audience Exited', 'Trait Computed'].map((event): Fixture => ({
    what: `a computed track call, ${event}, ${how}`,
    settings: { traits: ['order_completed_last_30days'] },
    payload: {
      ...engageCommon,
      ...who,
      type: 'track',
      event,
      properties: {
        audience_key: 'order_completed_last_30days',
        order_completed_last_30days: event === 'Audience Entered',
      },
      context: { ...engage('audience', 'order_completed_last_30days'), traits },
    },
    expected: { skipped: 'computed' },
  })),
  {
    what: `a journey, whose events have names of their own, ${how}`,
    payload: {
      ...engageCommon,
      ...who,
      type: 'track',
      event: 'Onboarding Reminder Due',
      properties: { journey_metadata: { journey_id: 'journey_1', journey_name: 'Onboarding' } },
      context: { ...engage('journey_step', 'onboarding_step_2'), traits },
    },
    expected: { skipped: 'computed' },
  },
  {
    what: `a computed trait of an account, ${how}`,
    settings: { traits: ['total_orders'] },
    payload: {
      ...engageCommon,
      ...who,
      type: 'group',
      groupId: 'acme',
      traits: { total_orders: 12 },
      context: { ...engage('trait', 'total_orders'), traits: { total_orders: 3, ...traits } },
    },
    expected: { skipped: 'computed' },
  },
])

const server = { library: { name: '@segment/analytics-node', version: '3.1.0' } }

const others: Fixture[] = [
  {
    what: 'a group of a known user',
    payload: {
      ...common,
      type: 'group',
      messageId: 'node-next-4',
      groupId: 'acme',
      traits: { name: 'Acme', email: 'billing@acme.example' },
      context: server,
    },
    expected: {
      hit: {
        action: 'ui',
        identity: '{"id":"userId123"}',
        customer_id: 'acme',
        localtime: '12:04:05',
      },
    },
  },
  {
    what: 'a track with all that a server may say of who and where',
    payload: {
      ...common,
      type: 'track',
      messageId: 'node-next-5',
      event: 'Report Sent',
      context: {
        ...server,
        groupId: 'acme',
        ip: '2001:db8::1',
        timezone: 'Asia/Kolkata',
        traits: { email: 'john.doe@example.com' },
      },
    },
    expected: {
      hit: {
        action: 'ev',
        event: feature('Report Sent'),
        identity: '{"id":"userId123","email":"john.doe@example.com"}',
        customer_id: 'acme',
        localtime: '17:34:05',
        cip: '2001:db8::1',
      },
    },
  },
  ...['0.0.0.0', '999', '1.2.3', '::'].map((ip) => ({
    what: `an address that is withheld, or none, and a zone that is none: ${ip}`,
    payload: {
      ...common,
      type: 'track',
      messageId: `node-next-6-${ip}`,
      event: 'Report Sent',
      context: { ...server, ip, timezone: 'Mars/Olympus' },
    },
    expected: {
      hit: {
        action: 'ev',
        event: feature('Report Sent'),
        identity: '{"id":"userId123"}',
        localtime: '12:04:05',
      },
    },
  })),
  {
    what: 'an option of the call',
    payload: {
      ...common,
      type: 'track',
      messageId: 'node-next-7',
      event: 'internal_name',
      context: server,
      integrations: { Skalin: { customerId: 'acme', featureName: 'Report' } },
    },
    expected: {
      hit: {
        action: 'ev',
        event: feature('Report'),
        identity: '{"id":"userId123"}',
        customer_id: 'acme',
        localtime: '12:04:05',
      },
    },
  },
  {
    what: 'a call that is not for Skalin',
    payload: {
      ...common,
      type: 'track',
      messageId: 'node-next-8',
      event: 'Secret',
      context: server,
      integrations: { Skalin: false },
    },
    expected: { skipped: 'integrations' },
  },
  {
    what: 'a call of a browser',
    payload: {
      ...common,
      type: 'track',
      messageId: 'ajs-next-2',
      event: 'Import',
      context: { library: { name: 'analytics.js', version: 'next-1.84.3' } },
    },
    expected: { skipped: 'browser' },
  },
  {
    what: "Segment's own event of a changed consent",
    payload: {
      ...common,
      type: 'track',
      messageId: 'swift-4',
      event: 'Segment Consent Preference Updated',
      context: { library: { name: 'analytics-swift', version: '1.9.1' } },
    },
    expected: { skipped: 'unsupported' },
  },
  {
    what: 'a screen without a name',
    payload: { ...common, type: 'screen', messageId: 'swift-5', name: '', context: phone },
    expected: { rejected: /names no feature/ },
  },
  {
    what: 'an identify of nobody',
    payload: { ...common, userId: null, type: 'identify', messageId: 'n', traits: { plan: 'pro' } },
    expected: { rejected: /no userId, and no e-mail address/ },
  },
  {
    what: "a group of nobody, whose e-mail address is the group's",
    payload: {
      ...common,
      userId: null,
      type: 'group',
      messageId: 'g',
      groupId: 'acme',
      traits: { email: 'office@acme.example' },
    },
    expected: { rejected: /context\.traits\.email of a group/ },
  },
  {
    what: 'a group without an id',
    payload: { ...common, type: 'group', messageId: 'node-next-9', groupId: '', context: server },
    expected: { rejected: /no groupId/ },
  },
  {
    what: 'a hit that is too large',
    payload: { ...common, userId: 'x'.repeat(17_000), type: 'track', event: 'Import' },
    expected: { rejected: /larger than 16 KiB/ },
  },
]

export const fixtures = [...catalogue, ...mobile, ...computed, ...others]
