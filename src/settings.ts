import type { SegmentEvent } from './hit/event.ts'
import { missing } from './browser/missing.ts'
import { field, text } from './hit/read.ts'
import { parseRoute } from './hit/route.ts'
import type { MappingSettings } from './hit/source.ts'
import { mayHoldPassword, parseUrl } from './hit/url.ts'
import type { DeliveryReport } from './report.ts'

/**
 * What `skalin()` is given. Only `clientId` is required, and `undefined` means not given.
 *
 * A wrong value never throws: one `console.error` names it. If it decides whether, where, about whom or
 * what is sent, nothing is sent; else its default is used. Each setting says which. If a function
 * other than `onDelivery` throws or returns the wrong type, one warning in Segment's debug log says so.
 */
export type SkalinSettings = {
  /**
   * The Skalin Client ID, which says to which Skalin workspace the usage belongs. In Skalin:
   * Settings > General. It is no secret; the API key is one and has no place in a browser. What looks
   * like a placeholder, `YOUR_CLIENT_ID` or `{{ id }}`, is used, with a warning in the console. If it is
   * missing, or a word such as `undefined`, nothing is sent.
   *
   * @example
   * ```ts
   * import { skalin } from 'skalin-analytics-plugin'
   *
   * skalin({ clientId: 'my-client-id' })
   * ```
   */
  clientId: string

  /**
   * Where hits are sent: an absolute http or https URL without credentials. Change it to send
   * through a first-party proxy, which ad blockers leave alone, or to a collector of your tests.
   * `npx skalin-analytics-plugin check` says whether an endpoint takes hits. If it is wrong, nothing is
   * sent.
   *
   * @default 'https://collect.skalin.io/hit'
   * @example
   * ```ts
   * import { skalin } from 'skalin-analytics-plugin'
   *
   * skalin({ clientId: 'my-client-id', endpoint: 'https://app.example.com/usage' })
   * ```
   * @see {@link https://docs.skalin.io/en/dev/tracking/1.0.0/sst/feature/ | Skalin: tracking a feature}
   */
  endpoint?: string | undefined

  /**
   * `false` switches the plugin off, for an application's unit tests and in development: nothing is
   * sent, stored or listened to, and no client id is needed. With one, `clear()` still forgets what an
   * earlier page left. If it is not a boolean, nothing is sent.
   *
   * @default true
   * @example
   * ```ts
   * import { skalin } from 'skalin-analytics-plugin'
   *
   * skalin({ clientId: 'my-client-id', enabled: location.hostname !== 'localhost' })
   * ```
   */
  enabled?: boolean | undefined

  /**
   * The Skalin customer, for applications that know it without Segment: one customer per subdomain,
   * say. It goes before the `groupId` trait and Segment's group, and after
   * `integrations: { Skalin: { customerId } }` of the call. If it is neither a string nor a function,
   * nothing is sent.
   *
   * A function is called when the call is made, and again, with the event that arrives, if it threw or
   * middleware may have changed the event since. `undefined`, or a function that fails then too, leaves
   * the default.
   *
   * @default the trait `groupId`, else the trait `trait.groupId`, else Segment's group
   * @example
   * ```ts
   * import { skalin } from 'skalin-analytics-plugin'
   *
   * skalin({ clientId: 'my-client-id', customerId: () => location.hostname.split('.')[0] })
   * ```
   */
  customerId?: string | ((event: SegmentEvent) => string | undefined) | undefined

  /**
   * Renames a feature, or skips it: for events whose names do not suit Skalin. `name` is what would be
   * sent. `null` or `''` skips the call; `undefined`, or a function that fails, keeps the name. It is not
   * called when the call itself carries `integrations: { Skalin: { featureName } }`. If it is not a
   * function, names stay as they are.
   *
   * @default undefined (names stay as they are)
   * @example
   * ```ts
   * import { skalin } from 'skalin-analytics-plugin'
   *
   * skalin({
   *   clientId: 'my-client-id',
   *   featureName: (event, name) => (event.type === 'page' ? null : name.toLowerCase()),
   * })
   * ```
   */
  featureName?: ((event: SegmentEvent, name: string) => string | null | undefined) | undefined

  /**
   * Route patterns, as the page's router has them, for pages without a name: the first that matches
   * names the page, as it is written, with its parameters as `:name`. A page that none matches is named
   * by its path, with identifiers as `:id`. Set it where the path alone does not say what is a record
   * (`/jane-doe`, `/paris`), and to see the names that your code has.
   *
   * Parameters are `:name`, `[name]`, `$name` or `{name}`; `:name?` and `[[name]]` may be missing;
   * `*`, `:name*` and `[[...name]]` stand for any number of segments, `:name+` and `[...name]` for at
   * least one. Case does not matter. What is no pattern is left out, with a warning in the console; if
   * it is not an array, there are no patterns.
   *
   * @default []
   * @example
   * ```ts
   * import { skalin } from 'skalin-analytics-plugin'
   *
   * skalin({
   *   clientId: 'my-client-id',
   *   paths: ['/projects/:projectId/files/*', '/blog/[slug]', '/:lang?/pricing'],
   * })
   * ```
   */
  paths?: readonly string[] | undefined

  /**
   * Names of traits to send as user properties beside the user's id and e-mail address. Name those that
   * you want to see in Skalin, such as computed traits and audiences of Segment Engage. By default there
   * are none: all of them would be personal data that nobody asked for. Only strings, finite numbers,
   * booleans, `null` and dates are sent; a hit of more than 16 KiB goes without them. If it is not an
   * array of non-empty strings, none are sent.
   *
   * @default []
   * @example
   * ```ts
   * import { skalin } from 'skalin-analytics-plugin'
   *
   * skalin({ clientId: 'my-client-id', traits: ['plan', 'order_completed_last_30days'] })
   * ```
   */
  traits?: readonly string[] | undefined

  /**
   * What is sent of the page's URL; `null` or `''` sends nothing of it. Set it to keep a parameter that
   * you need, or to leave out a path that says too much. The function gets the whole address; the
   * absolute URL that it returns is sent as it is, cut at 2,048 characters. If it throws, or returns
   * anything else, the hit goes without a URL. If the setting is not a function, nothing is sent.
   *
   * By default, query, fragment, `;` parameters and credentials are left out, and e-mail addresses,
   * signed tokens and what follows `reset`, `invite` and the like become `:id` (unless it is a word or
   * at most three characters long).
   *
   * @default undefined (scheme, host and path)
   * @example
   * ```ts
   * import { skalin } from 'skalin-analytics-plugin'
   *
   * skalin({ clientId: 'my-client-id', url: ({ origin }) => origin })
   * ```
   */
  url?: ((url: URL) => string | null) | undefined

  /**
   * What becomes of features used before the visitor is known. `'hold'` keeps up to 100 of them until
   * `identify` says who it was, `'send'` sends them without an identity, `'drop'` skips them. Change it
   * to `'drop'` if nothing is to be kept of people who have not signed in, to `'send'` if you want usage
   * even without knowing whose it is. If it is anything else, nothing is sent.
   *
   * @default 'hold'
   * @example
   * ```ts
   * import { skalin } from 'skalin-analytics-plugin'
   *
   * skalin({ clientId: 'my-client-id', anonymous: 'drop' })
   * ```
   */
  anonymous?: 'hold' | 'send' | 'drop' | undefined

  /**
   * Time without a hit, in milliseconds, after which the next one begins a new visit. Change it to match
   * the sessions of your other analytics. Plugins on one page share their visits, so that the shortest
   * time counts for all. Where Segment keeps its user out of localStorage, everything stays in memory,
   * and a visit ends with the page. If it is not a positive, finite number, the default is used.
   *
   * @default 1_800_000 (30 minutes)
   * @example
   * ```ts
   * import { skalin } from 'skalin-analytics-plugin'
   *
   * skalin({ clientId: 'my-client-id', visitTimeoutMs: 60 * 60_000 }) // an hour
   * ```
   */
  visitTimeoutMs?: number | undefined

  /**
   * Sends an event only if its own `context.consent.categoryPreferences`, which Segment's consent
   * tools stamp, says yes to all of these categories. An event without a stamp is not sent. Set it where
   * a consent tool works in Segment's opt-in mode, which does not gate plugins that are registered by
   * hand. If it has no category, or one that is not a non-empty string, nothing is sent.
   *
   * @default undefined (consent is not checked)
   * @example
   * ```ts
   * import { skalin } from 'skalin-analytics-plugin'
   *
   * skalin({ clientId: 'my-client-id', consent: { categories: ['Analytics'] } })
   * ```
   * @see {@link https://segment.com/docs/privacy/consent-management/ | Segment: consent management}
   */
  consent?:
    | {
        /** Names of Segment's consent categories, at least one. */
        categories: readonly string[]
      }
    | undefined

  /**
   * Stores and sends nothing new while the browser's Global Privacy Control is on. Set it where that
   * signal is to be taken as an objection. If it is not a boolean, nothing is sent.
   *
   * @default false
   * @example
   * ```ts
   * import { skalin } from 'skalin-analytics-plugin'
   *
   * skalin({ clientId: 'my-client-id', respectGpc: true })
   * ```
   * @see {@link https://w3c.github.io/gpc/ | Global Privacy Control}
   */
  respectGpc?: boolean | undefined

  /**
   * Told the fate of every call that Segment hands over, and of every hit. Set it for monitoring: what
   * is `dropped` never arrives. What it throws, or rejects with, is ignored. If it is not a function,
   * nobody is told.
   *
   * @default undefined (nobody is told)
   * @example
   * ```ts
   * import { skalin } from 'skalin-analytics-plugin'
   *
   * skalin({
   *   clientId: 'my-client-id',
   *   onDelivery({ outcome, reason, hit }) {
   *     if (outcome === 'dropped') console.warn('Not delivered to Skalin:', reason, hit?.event)
   *   },
   * })
   * ```
   */
  onDelivery?: ((report: DeliveryReport) => void) | undefined
}

/** The settings, complete and checked: nothing downstream has a default of its own. */
export type ResolvedSettings = MappingSettings & {
  endpoint: string
  enabled: boolean
  anonymous: 'hold' | 'send' | 'drop'
  visitTimeoutMs: number
  consent: readonly string[] | undefined
  respectGpc: boolean
  onDelivery: ((report: DeliveryReport) => void) | undefined
}

/** What came of the settings; without `settings` the plugin is inert. */
export type Resolution = {
  settings: ResolvedSettings | undefined
  /** A sentence for each bad setting. */
  errors: string[]
  warnings: string[]
}

/** What was given and is allowed. */
type Good = Partial<Omit<ResolvedSettings, 'paths'> & { paths: unknown[] }>

type Rule = {
  allowed: string
  /** The value as it is used; `undefined` if it is not allowed. */
  read: (value: unknown) => unknown
  /** Nothing is sent if it is wrong: it decides whether, where, about whom or what is sent. */
  vital?: true
}

const only = (type: string) => (value: unknown) => (typeof value === type ? value : undefined)

/** A list as a copy without holes, which the page cannot change later. */
function readList(value: unknown): unknown[] | undefined {
  try {
    return Array.isArray(value) ? [...(value as unknown[])] : undefined
  } catch {
    // A list that cannot be read is none.
    return undefined
  }
}

/** A list of texts, each once and without the space around it. */
function readTexts(value: unknown): string[] | undefined {
  const texts = readList(value)?.map((item) => (typeof item === 'string' ? item.trim() : ''))
  if (texts === undefined || texts.includes('')) return undefined
  return texts.filter((item, at) => texts.indexOf(item) === at)
}

/** Every identity has these two anyway. */
const isExtra = (trait: string) => trait !== 'id' && trait !== 'email'

function readCategories(consent: unknown): string[] | undefined {
  const categories = readTexts(field(consent, 'categories'))
  return categories?.length ? categories : undefined
}

/** The address as the browser writes it, by which waiting hits and answers are told apart. */
function readUrl(value: unknown): string | undefined {
  // Pages that have something else as `URL` have no other way to write it.
  if (missing().includes('URL'))
    return typeof value === 'string' && /^https?:\/\/[^\s@]+$/.test(value) ? value : undefined
  const url = parseUrl(value)
  return url && /^https?:$/.test(url.protocol) && url.username + url.password === ''
    ? url.href
    : undefined
}

const rules: Record<keyof SkalinSettings, Rule> = {
  clientId: {
    allowed: 'a non-empty string',
    // A build that lacks its variable writes `undefined`.
    read: (value) => text(only('string')(value)),
    vital: true,
  },
  endpoint: { allowed: 'an absolute http(s) URL without credentials', read: readUrl, vital: true },
  enabled: { allowed: 'a boolean', read: only('boolean'), vital: true },
  customerId: {
    allowed: 'a string or a function',
    read: (value) => only('string')(value) ?? only('function')(value),
    vital: true,
  },
  featureName: { allowed: 'a function', read: only('function') },
  paths: { allowed: 'an array of route patterns', read: readList },
  traits: {
    allowed: 'an array of non-empty strings',
    read: (value) => readTexts(value)?.filter(isExtra).sort(),
  },
  url: { allowed: 'a function', read: only('function'), vital: true },
  anonymous: {
    allowed: "'hold', 'send' or 'drop'",
    read: (value) => ['hold', 'send', 'drop'].find((choice) => choice === value),
    vital: true,
  },
  visitTimeoutMs: {
    allowed: 'a positive number of milliseconds',
    read: (value) => (Number.isFinite(value) && (value as number) > 0 ? value : undefined),
  },
  consent: {
    allowed: '{ categories } with a non-empty array of non-empty strings',
    read: readCategories,
    vital: true,
  },
  respectGpc: { allowed: 'a boolean', read: only('boolean'), vital: true },
  onDelivery: { allowed: 'a function', read: only('function') },
}

/** A value in a few characters; never what holds a password, and never by a foreign `toString`. */
export function describe(value: unknown): string {
  if (typeof value === 'string')
    return mayHoldPassword(value)
      ? 'one with credentials'
      : JSON.stringify(value.replace(/\?.*/s, '?…').slice(0, 40))
  if (value === null || typeof value === 'number' || typeof value === 'boolean')
    return String(value)
  return readList(value) ? 'array' : typeof value
}

/** What a template leaves behind that was not filled in, and what examples say. */
const placeholder = /\{\{|\$\{|<%|^<.*>$|^%\w+%$|^your[^a-z]|\byour_/i

/** Checks the settings and fills in the defaults. Never throws: a bad setting must not break a page. */
export function resolveSettings(raw: unknown): Resolution {
  const names = Object.keys(rules) as (keyof SkalinSettings)[]
  const good: Good = {}
  const errors: string[] = []
  const warnings: string[] = []
  let isInert = false
  for (const name of names) {
    const value = field(raw, name)
    const { allowed, read, vital = false } = rules[name]
    if (value === undefined && (name !== 'clientId' || field(raw, 'enabled') === false)) continue
    const usable = read(value)
    if (usable !== undefined) Object.assign(good, { [name]: usable })
    else {
      isInert ||= vital
      errors.push(`the \`${name}\` setting must be ${allowed} (received: ${describe(value)})`)
    }
  }
  const unknown = givenNames(raw).filter((name) => ![...names, 'apiKey'].includes(name))
  if (unknown.length > 0) {
    warnings.push(`unknown setting \`${unknown.join('`, `')}\`; known are ${names.join(', ')}`)
  }
  if (field(raw, 'apiKey') !== undefined) {
    warnings.push('`apiKey` is a secret: take it out of the browser')
  }
  if (isInert) return { settings: undefined, errors, warnings }

  for (const name of ['clientId', 'endpoint', 'customerId']) {
    // As it was written: a URL has no braces.
    const value = only('string')(field(raw, name)) as string | undefined
    if (value !== undefined && placeholder.test(value)) {
      warnings.push(`\`${name}\` looks like a placeholder: ${describe(value)}`)
    }
  }
  const unread: string[] = []
  const paths = (good.paths ?? []).flatMap((pattern) => {
    const route = parseRoute(pattern)
    if (route) return route
    unread.push(describe(pattern))
    return []
  })
  if (unread.length > 0) {
    warnings.push(`\`paths\` has what is no route pattern: ${unread.join(', ')}`)
  }
  return {
    settings: {
      clientId: '',
      endpoint: 'https://collect.skalin.io/hit',
      enabled: true,
      traits: [],
      anonymous: 'hold',
      visitTimeoutMs: 30 * 60_000,
      consent: undefined,
      respectGpc: false,
      onDelivery: undefined,
      ...good,
      paths,
    },
    errors,
    warnings,
  }
}

function givenNames(raw: unknown): string[] {
  try {
    return Object.keys(raw as object).filter((name) => field(raw, name) !== undefined)
  } catch {
    return []
  }
}
