// No circles, not even of types: who reads a file need not have read one that needs it.
const circle = { severity: 'error', from: {}, to: { circular: true } }

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    { ...circle, name: 'no-circles-of-files' },
    { ...circle, name: 'no-circles-of-folders', scope: 'folder' },
  ],
  options: {
    exclude: { path: '(^|/)(fixtures|dist|node_modules)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    // Imports of types as well.
    tsPreCompilationDeps: true,
  },
}
