import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

export default defineConfig({
  root: import.meta.dirname,
  // The package by its own name, through its exports: what a user's bundler does.
  resolve: {
    alias: {
      'skalin-analytics-plugin': fileURLToPath(import.meta.resolve('skalin-analytics-plugin')),
    },
  },
  build: {
    outDir: 'build',
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1000,
  },
})
