import { build } from 'esbuild'
import { afterAll, afterEach } from 'vitest'
import { type TestBrowser, launchBrowser } from './browser.ts'
import { type Rig, createRig } from './rig.ts'

/** A browser and a site for all tests of a file, and a collector for each of them. */
export async function shareRig(): Promise<{ chromium: TestBrowser; rig: Rig }> {
  const rig = await createRig()
  const chromium = await launchBrowser()
  afterEach(() => rig.renewCollector())
  afterAll(async () => {
    await chromium.close()
    await rig.close()
  })
  return { chromium, rig }
}

/** What a bundler makes of a module that imports the package as applications do. */
export async function bundle(contents: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    format: 'esm',
    write: false,
    tsconfigRaw: {},
  })
  return outputFiles[0]?.text ?? ''
}
