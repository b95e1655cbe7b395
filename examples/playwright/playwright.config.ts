import { defineConfig } from '@playwright/test'

const port = Number(process.env.PORT ?? 4180)

export default defineConfig({
  testDir: '.',
  outputDir: '../../.artifacts/playwright',
  use: {
    baseURL: `http://127.0.0.1:${port}`,
    // Only for machines whose browser is not Playwright's own.
    launchOptions: process.env.CHROMIUM_PATH
      ? { executablePath: process.env.CHROMIUM_PATH, chromiumSandbox: process.getuid?.() !== 0 }
      : {},
  },
  webServer: {
    command: `npx vite . --host 127.0.0.1 --port ${port} --strictPort`,
    port,
  },
})
