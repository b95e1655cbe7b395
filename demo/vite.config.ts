import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

const dist = (file: string) => fileURLToPath(new URL(`../dist/${file}`, import.meta.url))

/** The stage only: the page is the package's own inspector. */
export default defineConfig({
  root: import.meta.dirname,
  // A build for production has `inspect` do nothing, but here it is what is shown.
  define: { 'process.env.NODE_ENV': '"development"' },
  resolve: {
    alias: [
      { find: 'skalin-analytics-plugin/inspect', replacement: dist('inspect.js') },
      // The package by its own name, through its exports: what a user's bundler does.
      {
        find: /^skalin-analytics-plugin$/,
        replacement: fileURLToPath(import.meta.resolve('skalin-analytics-plugin')),
      },
    ],
  },
  build: {
    outDir: 'build',
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1000,
    rolldownOptions: {
      input: fileURLToPath(new URL('stage.ts', import.meta.url)),
      output: { entryFileNames: 'stage.js', assetFileNames: 'stage.[ext]' },
    },
  },
})
