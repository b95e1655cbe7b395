import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

const isRoot = process.getuid?.() === 0

/** Path of the Chromium to test with: the one asked for, playwright-core's own, the system's. */
export function findChromium() {
  const asked = process.env.CHROMIUM_PATH
  if (asked && !existsSync(asked)) {
    throw new Error(`\`CHROMIUM_PATH\` names a file that does not exist: ${asked}`)
  }
  return asked || [chromium.executablePath(), ...systemPaths()].find((path) => existsSync(path))
}

/** Installs a Chromium and returns its path. Says so in one line; shows the rest only if it fails. */
export function installChromium() {
  for (const { what, commands } of [...(isRoot && isDebian() ? [debian] : []), playwright]) {
    console.log(`No Chromium found, installing ${what}: this may take a few minutes.`)
    const failure = firstFailure(commands)
    if (failure) console.error(failure)
    const path = findChromium()
    if (path) return path
  }
  throw new Error(
    'No Chromium could be installed: install Chromium or Chrome yourself, ' +
      'set `CHROMIUM_PATH` to its executable, and try again.',
  )
}

/** Arguments for every start of a test's Chromium: no traffic of its own, no sandbox under root. */
export function launchArgs() {
  return [
    ...(isRoot ? ['--no-sandbox'] : []),
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--disable-gpu',
  ]
}

const debian = {
  what: "Debian's by apt-get",
  commands: [
    ['apt-get', 'update'],
    ['apt-get', 'install', '-y', '--no-install-recommends', 'chromium'],
  ],
}

const playwright = {
  what: "playwright-core's by its installer",
  commands: [
    [
      process.execPath,
      join(dirname(fileURLToPath(import.meta.resolve('playwright-core/package.json'))), 'cli.js'),
      'install',
      '--no-shell',
      'chromium',
    ],
  ],
}

function firstFailure(commands) {
  for (const [command, ...args] of commands) {
    const { status, error, stdout, stderr } = spawnSync(command, args, {
      encoding: 'utf8',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      maxBuffer: Infinity,
    })
    if (status !== 0) {
      return [`${command} ${args.join(' ')}`, stdout, stderr, error?.message]
        .filter(Boolean)
        .join('\n')
    }
  }
}

function isDebian() {
  if (!existsSync('/etc/os-release')) return false
  return /^ID(_LIKE)?=.*\bdebian\b/m.test(readFileSync('/etc/os-release', 'utf8'))
}

function systemPaths() {
  const { PATH = '', PROGRAMFILES, 'PROGRAMFILES(X86)': x86, LOCALAPPDATA } = process.env
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
  const folders = PATH.split(delimiter).filter(Boolean)
  const windows = [PROGRAMFILES, x86, LOCALAPPDATA].filter(Boolean)
  return [
    ...names.flatMap((name) => folders.map((folder) => join(folder, name))),
    ...['Chromium', 'Google Chrome'].map((app) => `/Applications/${app}.app/Contents/MacOS/${app}`),
    ...windows.flatMap((folder) =>
      ['Chromium', 'Google\\Chrome'].map((app) => `${folder}\\${app}\\Application\\chrome.exe`),
    ),
  ]
}
