import { defineConfig } from 'vite'

/** Into the package, with fixed names: the command line and the demo serve these files. */
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  build: {
    outDir: '../../dist/inspector',
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    license: { fileName: 'THIRD-PARTY-NOTICES.md' },
    rolldownOptions: {
      output: { entryFileNames: 'inspector.js', assetFileNames: 'inspector.[ext]' },
    },
  },
})
