// The demo: a person, calls and consent beside the inspector, which is told of them as of any
// application's.
import './stage.css'
import { stamp, wireConsent } from './consent.ts'
import type { Host, HostOptions } from './host.ts'
import { find, findAll, setText } from './inspector/dom.ts'
import { showPeople, wireCalls, wireTab } from './panel.ts'
import { type Params, readParams, withParam } from './params.ts'
import { guardScripts } from './trusted.ts'

function notice(text: string): void {
  const element = find('#notice', HTMLElement)
  element.hidden = false
  setText(element, text)
}

/** Asks before anything goes to a server that a link may have chosen. */
function mayUse(endpoint: string): Promise<boolean> {
  const dialog = find('#ask', HTMLDialogElement)
  setText(find('#ask-endpoint', HTMLElement), endpoint)
  dialog.showModal()
  return new Promise((resolve) => {
    for (const button of findAll('button', HTMLButtonElement, dialog)) {
      button.onclick = () => dialog.close(button.value)
    }
    dialog.onclose = () => resolve(dialog.returnValue === 'yes')
  })
}

function showDoors(build: Params['build']): void {
  for (const entry of ['npm', 'script'] as const) {
    const link = find(`#entry-${entry}`, HTMLAnchorElement)
    link.href = withParam(location.href, 'build', entry)
    if (entry === build) link.ariaCurrent = 'page'
  }
}

/** Starts Segment by one of the plugin's two entry points. */
async function startHost(build: Params['build'], options: HostOptions): Promise<Host> {
  const entry = await (build === 'npm' ? import('./host-npm.ts') : import('./host-script.ts'))
  return entry.start(options)
}

async function start(params: Params, inspector: string): Promise<void> {
  const { build, endpoint, clientId, writeKey } = params
  const wirePeople = showPeople()
  if (params.mustAsk && !(await mayUse(endpoint))) {
    location.href = withParam(location.href, 'endpoint', undefined)
    return
  }
  const host = await startHost(build, {
    writeKey,
    inspector,
    stamp: params.consent ? stamp : undefined,
    settings: {
      clientId,
      endpoint,
      ...(params.consent ? { consent: { categories: ['Analytics'] } } : {}),
    },
  })
  const { analytics, plugin } = host
  wirePeople(analytics)
  wireCalls(analytics)
  wireTab(host)
  wireConsent(params.consent, () => void analytics.track('Segment Consent Preference Updated'))

  const pending = find('#pending', HTMLOutputElement)
  const showPending = async () => setText(pending, String(await plugin.pending()))
  setInterval(() => void showPending(), 1000)
  void showPending()
  for (const part of findAll('.stage', HTMLElement)) part.inert = false
}

guardScripts()
const local = find('meta[name=endpoint]', HTMLMetaElement).content
const params = readParams(location.search, local)
// The inspector, which starts after this, cannot make another collector fail.
if (!params.isLocal) document.body.dataset['elsewhere'] = new URL(params.endpoint).host
if (params.problem) notice(params.problem)
showDoors(params.build)
await start(params, new URL(local).origin).catch((error: unknown) => {
  notice(`The demo could not start: ${error instanceof Error ? error.message : String(error)}.`)
  throw error
})
