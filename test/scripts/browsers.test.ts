import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Engine, canDoWithout, leftOut } from '../../scripts/browsers.mjs'

test('browsers that are left out are told in one line, with what installs them', () => {
  expect(leftOut(['firefox'])).toBe(
    'Firefox left out, since not installed. On Debian: apt-get install firefox-esr',
  )
  expect(leftOut(['firefox', 'webkit'])).toBe(
    'Firefox and WebKit left out, since not installed. On Debian: apt-get install firefox-esr ' +
      'webkit2gtk-driver xvfb python3-gi gir1.2-webkit2-4.1',
  )
})

test.each<[Engine[], here: boolean, ci: boolean]>([
  [[], true, true],
  [['firefox'], true, false],
  [['firefox', 'webkit'], true, false],
  [['chromium'], false, false],
])('without %j tests run: %s, in CI: %s', (missing, here, ci) => {
  expect(canDoWithout(missing, { ci: false })).toBe(here)
  expect(canDoWithout(missing, { ci: true })).toBe(ci)
})

describe.runIf(process.platform === 'linux')('npm test, where only Chromium is', () => {
  const isDebianRoot = process.getuid?.() === 0 && existsSync('/etc/debian_version')

  /** Runs it with nothing in its path but an `apt-get` that fails, and no npm: there it would go on. */
  function npmTest(env: Record<string, string>) {
    const folder = mkdtempSync(join(tmpdir(), 'skalin-path-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const asked = join(folder, 'asked')
    writeFileSync(asked, '')
    writeFileSync(join(folder, 'apt-get'), `#!/bin/sh\necho "$*" >> '${asked}'\nexit 1\n`)
    chmodSync(join(folder, 'apt-get'), 0o755)
    const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/test.mjs'], {
      env: {
        PATH: folder,
        HOME: folder,
        // Any file that is there.
        CHROMIUM_PATH: process.execPath,
        PLAYWRIGHT_BROWSERS_PATH: folder,
        ...env,
      },
      encoding: 'utf8',
    })
    return { status, stdout, stderr, asked: readFileSync(asked, 'utf8').split('\n').slice(0, -1) }
  }

  test('says what it leaves out, and goes on', () => {
    const { status, stdout, stderr } = npmTest({})
    expect(stdout).toContain(`${leftOut(['firefox', 'webkit'])}\n`)
    expect(stderr).toContain('npm')
    expect(status).toBe(127)
  })

  test('fails in CI before it builds', () => {
    const { status, stdout, stderr } = npmTest({ CI: 'true' })
    expect(stdout).toContain(`${leftOut(['firefox', 'webkit'])}\n`)
    expect(stderr).not.toContain('npm')
    expect(status).toBe(1)
  })

  test.runIf(isDebianRoot)('asks Debian for each by itself, also when there is none', () => {
    expect(npmTest({ CI: 'true' }).asked).toEqual([
      'update',
      'install -y --no-install-recommends firefox-esr',
      'install -y --no-install-recommends webkit2gtk-driver xvfb python3-gi gir1.2-webkit2-4.1',
    ])
  })
})
