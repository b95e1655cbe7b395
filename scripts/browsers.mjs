import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium, firefox } from 'playwright-core'

const isRoot = process.getuid?.() === 0

// WebKit is WebKitGTK, which WebDriver drives: playwright's own cannot be had on every Linux.
const browsers = {
  chromium: {
    title: 'Chromium',
    variable: 'CHROMIUM_PATH',
    own: () => chromium.executablePath(),
    names: ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
    debian: ['chromium'],
  },
  firefox: {
    title: 'Firefox',
    variable: 'FIREFOX_PATH',
    own: () => firefox.executablePath(),
    names: ['firefox-esr', 'firefox'],
    debian: ['firefox-esr'],
  },
  webkit: {
    title: 'WebKit',
    variable: 'WEBKIT_DRIVER_PATH',
    names: ['WebKitWebDriver'],
    debian: ['webkit2gtk-driver', 'xvfb', 'python3-gi', 'gir1.2-webkit2-4.1'],
    isComplete: () => inPath(['Xvfb']) !== undefined && hasWebKitForPython(),
  },
}

/** Path of the browser to test with: the one asked for, playwright-core's own, the system's. WebKit's is its driver's. */
export function findBrowser(name) {
  const { variable, own, names, isComplete = () => true } = browsers[name]
  const asked = process.env[variable]
  if (asked && !existsSync(asked)) {
    throw new Error(`\`${variable}\` names a file that does not exist: ${asked}`)
  }
  const owned = own?.()
  const found = asked || (owned && existsSync(owned) ? owned : (inPath(names) ?? inApps(name)))
  return found && isComplete() ? found : undefined
}

/** Whether it is playwright-core's build of it, not the browser as its users have it. */
export function isOwn(path) {
  return [chromium, firefox].some((type) => type.executablePath() === path)
}

/**
 * Installs Debian's, where that can be done, else playwright-core's, and returns those that are there
 * then. Says so in one line; shows the rest only if it fails.
 */
export function installBrowsers(names) {
  const missing = () => names.filter((name) => findBrowser(name) === undefined)
  if (missing().length > 0 && isRoot && isDebian()) {
    const get = ['apt-get', 'install', '-y', '--no-install-recommends']
    install(missing(), "Debian's by apt-get", [
      ['apt-get', 'update'],
      // By itself each: Debian's relatives lack one or another.
      ...missing().map((name) => [...get, ...browsers[name].debian]),
    ])
  }
  // The others' are as large, and nobody asked for them.
  if (missing().includes('chromium')) {
    const cli = fileURLToPath(import.meta.resolve('playwright-core/package.json'))
    install(['chromium'], "playwright-core's by its installer", [
      [process.execPath, join(dirname(cli), 'cli.js'), 'install', '--no-shell', 'chromium'],
    ])
  }
  return names.filter((name) => !missing().includes(name))
}

/** Chromium is what most tests need; a machine that vouches for all has all. */
export function canDoWithout(names, { ci }) {
  return ci ? names.length === 0 : !names.includes('chromium')
}

/** What to say of browsers that are missing, in one line. */
export function leftOut(names) {
  const titles = names.map((name) => browsers[name].title).join(' and ')
  const packages = names.flatMap((name) => browsers[name].debian).join(' ')
  return `${titles} left out, since not installed. On Debian: apt-get install ${packages}`
}

/**
 * What a test's Chromium does without. Beside each window, 156 keeps two pages of its own for the address
 * bar, a process each: half of what a window costs. The others are of playwright's list, of which nothing
 * is left, since the last `--disable-features` counts.
 */
const disabledFeatures = [
  'WebUIOmniboxPopup',
  'WebUIOmniboxAimPopup',
  'WebUIOmniboxFullPopup',
  'AvoidCorsURLLoaderRestartOnRedirect',
  'BlockOriginHeaderModificationOnRedirect',
  'DestroyProfileOnBrowserClose',
  'DialMediaRouteProvider',
  'HttpsUpgrades',
  'MediaRouter',
  'NetworkTimeServiceQuerying',
  'OptimizationHints',
  'PaintHolding',
  'Translate',
]

/**
 * Arguments for every start of a test's Chromium, `without` some more of its features: no traffic of its
 * own, no sandbox under root.
 */
export function launchArgs(without = []) {
  return [
    ...(isRoot ? ['--no-sandbox'] : []),
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--disable-gpu',
    `--disable-features=${[...disabledFeatures, ...without].join()}`,
  ]
}

function install(names, what, commands) {
  const titles = names.map((name) => browsers[name].title).join(', ')
  console.log(`No ${titles} found, installing ${what}: this may take a few minutes.`)
  for (const [command, ...args] of commands) {
    const { status, error, stdout, stderr } = spawnSync(command, args, {
      encoding: 'utf8',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      maxBuffer: Infinity,
    })
    if (status === 0) continue
    const said = [`${command} ${args.join(' ')}`, stdout, stderr, error?.message]
    console.error(said.filter(Boolean).join('\n'))
  }
}

function isDebian() {
  if (!existsSync('/etc/os-release')) return false
  return /^ID(_LIKE)?=.*\bdebian\b/m.test(readFileSync('/etc/os-release', 'utf8'))
}

/** Debian's Python, which a developer's own may hide, with what `test/support/webkit.py` imports. */
function hasWebKitForPython() {
  const code = "import gi; gi.require_version('Gtk', '3.0'); gi.require_version('WebKit2', '4.1')"
  return spawnSync('/usr/bin/python3', ['-c', code]).status === 0
}

function inPath(names) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean)
  return names
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find((path) => existsSync(path))
}

function inApps(name) {
  const { PROGRAMFILES, 'PROGRAMFILES(X86)': x86, LOCALAPPDATA } = process.env
  const apps = {
    chromium: [
      ['Chromium.app/Contents/MacOS/Chromium', 'Chromium\\Application\\chrome.exe'],
      ['Google Chrome.app/Contents/MacOS/Google Chrome', 'Google\\Chrome\\Application\\chrome.exe'],
    ],
    firefox: [['Firefox.app/Contents/MacOS/firefox', 'Mozilla Firefox\\firefox.exe']],
    webkit: [],
  }
  const windows = [PROGRAMFILES, x86, LOCALAPPDATA].filter(Boolean)
  return apps[name]
    .flatMap(([mac, win]) => [
      `/Applications/${mac}`,
      ...windows.map((folder) => `${folder}\\${win}`),
    ])
    .find((path) => existsSync(path))
}
