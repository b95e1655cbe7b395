import { complain } from './browser/console.ts'
import { missing } from './browser/missing.ts'
import { type Destination, createDestination } from './destination.ts'
import {
  type Analytics,
  type DestinationMiddleware,
  type SegmentContext,
  isBrowserAnalytics,
  isNullAnalytics,
} from './segment/host.ts'
import { log } from './report.ts'
import { createMiddleware } from './segment/middleware.ts'
import { createRegistrations } from './segment/registrations.ts'
import { type SkalinSettings, resolveSettings } from './settings.ts'

declare const __VERSION__: string

/**
 * A Segment destination plugin that sends to Skalin, for `analytics.register()` or the `plugins` of
 * `AnalyticsBrowser.load()`. `flush()`, `pending()` and `clear()` are for the application; they work
 * before Segment has loaded and after `deregister` as well.
 *
 * @example
 * ```ts
 * import { AnalyticsBrowser } from '@segment/analytics-next'
 * import { skalin } from 'skalin-analytics-plugin'
 *
 * const plugin = skalin({ clientId: 'my-client-id' })
 * const analytics = AnalyticsBrowser.load({ writeKey: 'my-write-key', plugins: [plugin] })
 *
 * export async function logOutOnSharedComputer() {
 *   await analytics.track('Logged out')
 *   await plugin.flush()
 *   const lost = await plugin.pending()
 *   if (lost > 0) console.warn(`${lost} hits are given up`)
 *   await plugin.clear()
 *   await analytics.reset()
 * }
 * ```
 */
export type SkalinPlugin = {
  /** The name in Segment's `integrations` objects. From here to `addMiddleware`, all is for Segment. */
  readonly name: 'Skalin'
  readonly type: 'destination'
  readonly version: string
  readonly alternativeNames: string[]
  isLoaded: () => boolean
  load: (ctx: SegmentContext, instance: object) => Promise<void>
  ready: () => Promise<void>
  unload: (ctx?: SegmentContext, instance?: object) => Promise<void>
  identify: <Ctx extends SegmentContext>(ctx: Ctx) => Ctx
  track: <Ctx extends SegmentContext>(ctx: Ctx) => Ctx
  page: <Ctx extends SegmentContext>(ctx: Ctx) => Ctx
  screen: <Ctx extends SegmentContext>(ctx: Ctx) => Ctx
  group: <Ctx extends SegmentContext>(ctx: Ctx) => Ctx
  alias: <Ctx extends SegmentContext>(ctx: Ctx) => Ctx
  /** Called by `analytics.addDestinationMiddleware()`. */
  addMiddleware: (...middlewares: DestinationMiddleware[]) => void

  /**
   * Resolves when all that can be delivered now has been, or after 10 seconds (10,000 ms) at the latest.
   * Use it before a logout, or at the end of a test. It waits for what destination middlewares have, but
   * not for calls that Segment has not handed over yet: await those first. It sends nothing that
   * missing consent or Global Privacy Control forbids. Never rejects.
   */
  flush: () => Promise<void>

  /**
   * How many hits of this client id and endpoint wait, those of other tabs included. Ask it after
   * `flush()` to know what `clear()` would lose. Never rejects.
   */
  pending: () => Promise<number>

  /**
   * Forgets what waits for this client id, at whatever endpoint, and what is remembered of the visitor,
   * in all tabs: for a logout on a shared computer. Hits that wait are lost, so `flush()` first. Never
   * rejects.
   */
  clear: () => Promise<void>
}

/**
 * Makes the plugin, to be registered on Segment. It touches nothing until Segment loads it, and it never
 * throws: wrong settings are one `console.error`, with the consequence that {@link SkalinSettings} gives.
 *
 * Registered on several Segment instances, it keeps what waits where the first one keeps its user: give
 * an instance that keeps its user in memory a plugin of its own.
 *
 * @example
 * ```ts
 * import { AnalyticsBrowser } from '@segment/analytics-next'
 * import { skalin } from 'skalin-analytics-plugin'
 *
 * const analytics = AnalyticsBrowser.load({ writeKey: 'my-write-key' })
 * void analytics.register(skalin({ clientId: 'my-client-id' }))
 * ```
 */
export function skalin(given: SkalinSettings): SkalinPlugin {
  const { settings, errors, warnings } = resolveSettings(given)
  const consequence = settings ? 'The default is used instead.' : 'Nothing is sent to Skalin.'
  if (errors.length > 0) complain('error', `${errors.join('; ')}. ${consequence}`)
  for (const warning of warnings) complain('warn', `${warning}.`)

  const middleware = createMiddleware()
  const registrations = createRegistrations((instance) => {
    destination?.unwatch(instance)
    middleware.leave(instance)
    if (registrations.isEmpty()) stop()
  })
  let loaded = false
  let destination: Destination | undefined

  function stop(): void {
    const ending = destination
    destination = undefined
    // Not waited for: until `unload` has answered, Segment takes away what is registered anew.
    void ending?.stop().catch(() => undefined)
  }

  /** What an earlier page left can be had before Segment has loaded, and after `deregister`. */
  async function work<Result>(
    task: (destination: Destination) => Promise<Result>,
    evenIfOff = false,
  ): Promise<Result | undefined> {
    if (destination) return task(destination)
    if (settings === undefined || typeof document === 'undefined') return undefined
    if (!settings.enabled && !evenIfOff) return undefined
    const idle = createDestination(settings, {} as Analytics, middleware)
    try {
      return await task(idle)
    } catch {
      return undefined
    } finally {
      await idle.stop().catch(() => undefined)
    }
  }

  function hook<Ctx extends SegmentContext>(ctx: Ctx): Ctx {
    try {
      destination?.take(ctx)
    } catch (error) {
      log(ctx, 'error', 'The event could not be read.', error)
    }
    return ctx
  }

  const plugin: SkalinPlugin = {
    name: 'Skalin',
    type: 'destination',
    version: __VERSION__,
    alternativeNames: ['skalin'],

    isLoaded: () => loaded,

    // Segment breaks as a whole when this throws or gives no promise, so that nothing here may.
    load(ctx, instance) {
      loaded = true
      try {
        if (!settings?.enabled) return Promise.resolve()
        if (typeof document === 'undefined' || !isBrowserAnalytics(instance)) {
          log(ctx, 'warn', 'This plugin is for browsers and does nothing here.')
        } else if (!isNullAnalytics(instance)) {
          const lacks = missing()
          const effect = lacks.includes('fetch') ? ': hits wait' : ''
          if (lacks.length > 0)
            log(ctx, 'warn', `This page has no working ${lacks.join(', ')}${effect}.`)
          destination ??= createDestination(settings, instance, middleware)
          middleware.enter(instance)
          registrations.enter(instance, plugin.load)
          destination.watch(instance)
        }
      } catch (error) {
        log(ctx, 'error', 'The plugin could not start: nothing is sent.', error)
      }
      return Promise.resolve()
    },

    ready: () => Promise.resolve(),

    unload(_ctx, instance) {
      try {
        registrations.leave(instance)
      } catch {
        // Not an instance.
      }
      loaded = !registrations.isEmpty()
      return Promise.resolve()
    },

    identify: hook,
    track: hook,
    page: hook,
    screen: hook,
    group: hook,
    alias: hook,

    addMiddleware: middleware.add,

    flush: async () => work(({ flush }) => flush()),
    pending: async () => (await work(({ pending }) => pending())) ?? 0,
    clear: async () => work(({ clear }) => clear(), true),
  }
  return plugin
}
