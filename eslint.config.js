import js from '@eslint/js'
import globals from 'globals'
import tseslint from 'typescript-eslint'

/** An import arrow of the architecture (CONTRIBUTING.md): what `files` may not import. */
const arrow = (files, ...patterns) => ({
  files,
  rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] },
})

/** Of all that browsers and Node have, `files` may use no more than this. */
const onlyGlobals = (files, ...allowed) => ({
  files,
  rules: {
    'no-restricted-globals': [
      'error',
      ...Object.keys({ ...globals.browser, ...globals.node }).filter(
        (name) => !allowed.includes(name),
      ),
    ],
  },
})

export default tseslint.config(
  {
    ignores: [
      'dist',
      'coverage',
      'reports',
      '.artifacts',
      '.stryker-tmp',
      'docs/api',
      'test/fixtures/skalin-*.min.js',
      '**/build/**',
    ],
  },
  js.configs.recommended,
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: {
        project: [
          'tsconfig.json',
          'src/tsconfig.json',
          'src/testing/tsconfig.json',
          'src/cli/tsconfig.json',
        ],
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
    },
  },
  { files: ['**/*.{js,mjs,cjs}'], languageOptions: { globals: globals.node } },
  { files: ['test/fixtures/apps/unit/*.test.*'], languageOptions: { globals: globals.jest } },
  {
    files: ['src/**/*.ts'],
    rules: {
      'max-lines': ['error', { max: 200, skipBlankLines: true, skipComments: true }],
      'no-console': 'error',
    },
  },
  onlyGlobals(['src/hit/**/*.ts'], 'URL', 'URLSearchParams'),
  // What Segment documents that a Function has.
  onlyGlobals(['src/function/**/*.ts'], 'URL', 'clearTimeout', 'fetch', 'setTimeout'),
  // A test environment replaces globals by its own, and by fake timers.
  onlyGlobals(['src/testing/**/*.ts'], 'Buffer'),
  arrow(['src/hit/**/*.ts'], {
    regex: '^(?!\\./)',
    message: 'hit/ is pure and imports only itself.',
  }),
  arrow(['src/function/**/*.ts'], {
    regex: '^(?!\\./|\\.\\./hit/)',
    message: 'function/ runs where no browser is: it shares the mapping and nothing else.',
  }),
  arrow(
    ['src/delivery/**/*.ts'],
    {
      regex: '^\\.\\./(?!hit/hit\\.ts$|browser/)',
      message: 'delivery/ gets the rest as arguments.',
    },
    {
      regex: '^\\.\\./hit/',
      allowTypeImports: true,
      message: 'delivery/ knows of a hit only its type.',
    },
  ),
  arrow(['src/browser/**/*.ts'], {
    regex: '^\\.\\./(?!hit/read\\.ts$)',
    message: 'browser/ knows nothing of Segment or Skalin.',
  }),
  arrow(['src/segment/**/*.ts'], {
    regex: '^\\.\\./(?!browser/|hit/(event|read)\\.ts$)',
    message: 'segment/ knows the host, and nothing of hits, visitors or delivery.',
  }),
  arrow(['src/visitor/**/*.ts'], {
    regex: '^\\.\\./(?!browser/|hit/)',
    message: 'visitor/ knows nothing of Segment or delivery.',
  }),
  arrow(['src/*.ts'], {
    regex: '(/index|/script)\\.ts$|/testing/|^ky$',
    message: 'Entry points are never imported; no page needs ky.',
  }),
)
