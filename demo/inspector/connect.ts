// How an application of one's own comes here.
import { copyButton } from './detail.ts'
import { el, find } from './dom.ts'

const npm = (origin: string) => `import { skalin } from 'skalin-analytics-plugin'
import { inspect } from 'skalin-analytics-plugin/inspect'

analytics.register(skalin(inspect({
  clientId: 'YOUR_CLIENT_ID',
  endpoint: '${origin}/hit',
}, { analytics })))`

// Without the collector the plugin is registered all the same.
const script = (origin: string) => `<script type="module">
  // The tag of skalin.min.js has to be without async, and without data- attributes.
  const { inspect } = await import('${origin}/inspect.js').catch(() => ({
    inspect: (settings) => settings,
  }))
  analytics.register(skalinPlugin(inspect({
    clientId: 'YOUR_CLIENT_ID',
    endpoint: '${origin}/hit',
  }, { analytics })))
</script>`

/** Shows what to write, once it is known where hits go. */
export function showConnection(endpoint: string): void {
  const { origin } = new URL(endpoint)
  const code = (title: string, text: string) => {
    const block = el('pre', { className: 'body', tabIndex: 0, ariaLabel: title }, text)
    block.role = 'group'
    return el(
      'details',
      {},
      el('summary', {}, title),
      block,
      copyButton('Copy', () => text, block),
    )
  }
  find('#connect-code', HTMLElement).replaceChildren(
    el('p', {}, 'Give your plugin this ', el('code', {}, 'endpoint'), ':'),
    el('p', { className: 'address' }, el('code', {}, endpoint)),
    el(
      'p',
      { className: 'hint' },
      'Its hits then show up here. To see skipped calls and waiting hits, too, wrap the settings:',
    ),
    code('With a bundler', npm(origin)),
    code('On a plain page', script(origin)),
  )
}
