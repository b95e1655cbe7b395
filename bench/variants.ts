/** Runs in the page: the destinations that are compared. */
import type { Context, Plugin } from '@segment/analytics-next'
import ky from 'ky'
import { skalin } from 'skalin-analytics-plugin'

type Hook = (ctx: Context) => Context | Promise<Context>

const destination = (name: string, hook: Hook): Plugin => ({
  name,
  type: 'destination',
  version: '1.0.0',
  isLoaded: () => true,
  load: () => Promise.resolve(),
  identify: hook,
  group: hook,
  track: hook,
})

/** The usual plugin of an afternoon: one awaited request in each hook. */
function handWritten(endpoint: string): Plugin {
  const id = () => crypto.randomUUID().replaceAll('-', '').slice(0, 16)
  const visitorId = id()
  const visitId = id()
  return destination('Hand-written', async (ctx) => {
    const { type, event, userId, context } = ctx.event
    const now = new Date()
    await ky.post(endpoint, {
      // As a form: the collector takes nothing else, and JSON would cost it a preflight.
      body: new URLSearchParams({
        rec: '1',
        client_id: 'test-client',
        ...(type === 'track'
          ? { action: 'ev', event: JSON.stringify({ name: event, event_name: 'feature' }) }
          : { action: 'ui' }),
        event_id: id(),
        visitor_id: visitorId,
        visit_id: visitId,
        ts: now.toISOString().slice(0, 19),
        localtime: now.toTimeString().slice(0, 8),
        identity: JSON.stringify({ id: userId ?? 'nobody' }),
        customer_id: 'acme',
        url: context?.page?.url ?? location.href,
      }),
    })
    return ctx
  })
}

export const variants = {
  empty: () => destination('Empty', (ctx) => ctx),
  handWritten,
  ours: (endpoint: string) => skalin({ clientId: 'test-client', endpoint }) as Plugin,
}

export type Variant = keyof typeof variants

/** A destination that is registered after them, and hears when an event gets that far. */
export const witness = (onEvent: (ctx: Context) => void): Plugin =>
  destination('Witness', (ctx) => {
    onEvent(ctx)
    return ctx
  })
