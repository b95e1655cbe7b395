// npm start: installs what is missing, builds, and starts the demo with its collector.
// Only Node's own modules until then.
import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { createServer } from 'node:net'

const root = new URL('..', import.meta.url)
const defaultPort = 4173

class Problem extends Error {}

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  throw new Problem(`This needs Node 20.19 or newer (found: ${process.versions.node}).`)
}

function readPort() {
  const text = process.env.PORT || String(defaultPort)
  const port = Number(text)
  // The collector takes the next one.
  if (/^\d+$/.test(text) && port >= 1 && port <= 65534) return port
  throw new Problem(
    `\`PORT\` must be a number from 1 to 65534 (received: ${JSON.stringify(text)}).`,
  )
}

const unavailable = (port, what, { code, message }) =>
  new Problem(
    code === 'EADDRINUSE'
      ? `Port ${port}, for the ${what}, is taken: stop what uses it, or choose another with \`PORT\`.`
      : `Port ${port}, for the ${what}, cannot be listened on: ${message}.`,
  )

/** Before anything is built: nobody likes to wait for a failure. */
function checkFree(port, what) {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (error) => reject(unavailable(port, what, error)))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve()))
  })
}

function modified(path) {
  try {
    return statSync(new URL(path, root)).mtimeMs
  } catch {
    return 0
  }
}

function run(command, failure) {
  // A shell, because npm is a script (`npm.cmd`) on Windows.
  const options = { cwd: root, shell: true, encoding: 'utf8', maxBuffer: Infinity }
  const { status, error, stdout, stderr } = spawnSync(command, { ...options, stdio: 'pipe' })
  if (status === 0) return
  throw new Problem([stdout, stderr, error?.message, failure].filter(Boolean).join('\n'))
}

async function main() {
  checkNode()
  const port = readPort()
  await checkFree(port, 'demo')
  await checkFree(port + 1, 'collector')

  if (modified('node_modules/.package-lock.json') < modified('package-lock.json')) {
    console.log('Installing, this may take a minute.')
    run('npm ci --no-audit --no-fund --loglevel=error', 'The packages could not be installed.')
  }
  console.log('Building.')
  run('npm run --silent build', 'The package could not be built.')
  const { buildDemo, startDemo } = await import('../demo/server.mjs')
  await buildDemo()

  const demo = await startDemo({ port }).catch((error) => {
    throw error.code === 'EADDRINUSE' ? unavailable(error.port, 'demo', error) : error
  })
  console.log(`The demo is at ${demo.origin}, end it with Ctrl+C.`)
  const end = () => void demo.close()
  process.once('SIGINT', end).once('SIGTERM', end)
}

try {
  await main()
} catch (error) {
  if (!(error instanceof Problem)) throw error
  console.error(error.message)
  process.exitCode = 1
}
