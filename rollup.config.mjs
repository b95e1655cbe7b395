import { readdirSync, readFileSync } from 'node:fs'
import nodeResolve from '@rollup/plugin-node-resolve'
import terser from '@rollup/plugin-terser'
import { format } from 'prettier'
import dts from 'rollup-plugin-dts'
import esbuild from 'rollup-plugin-esbuild'
import ts from 'typescript'

const { name, version } = JSON.parse(readFileSync('package.json', 'utf8'))
const external = /^node:/
const prettierOptions = JSON.parse(readFileSync('.prettierrc.json', 'utf8'))
const noticesFile = 'THIRD-PARTY-NOTICES.txt'

const packageFolder = /^.*node_modules[\\/](@[^\\/]+[\\/])?[^\\/]+/

/** The packages that a chunk has code of. */
const bundled = (chunk) =>
  [...new Set(Object.keys(chunk.modules).map((id) => packageFolder.exec(id)?.[0]))]
    .filter((folder) => folder !== undefined)
    .map((folder) => {
      const { name, license } = JSON.parse(readFileSync(`${folder}/package.json`, 'utf8'))
      const file = readdirSync(folder).find((entry) => /^licen[cs]e\b/i.test(entry))
      return { name, license, text: readFileSync(`${folder}/${file}`, 'utf8').trim() }
    })

/** In the file itself, since who hosts it may copy only that. */
const banner = (chunk) => {
  const others = bundled(chunk).map(({ name, license }) => `${name} (${license})`)
  const contents = others.length > 0 ? ` | contains ${others.join(', ')}: ${noticesFile}` : ''
  return `/*! ${name} ${version} | MIT License${contents} */`
}

/** By package: of all builds, which share one file. */
const texts = new Map()

/** What the licences of bundled packages ask for: their whole text goes along. */
const notices = {
  name: 'notices',
  generateBundle(_options, bundle) {
    for (const chunk of Object.values(bundle).filter(({ type }) => type === 'chunk')) {
      for (const { name, text } of bundled(chunk)) texts.set(name, `${name}\n\n${text}\n`)
    }
    if (texts.size === 0) return
    const source = [...texts.values()].join('\n---\n\n')
    this.emitFile({ type: 'asset', fileName: noticesFile, source })
  },
}

const compile = (target, options) =>
  esbuild({
    target,
    ...options,
    tsconfig: 'src/tsconfig.json',
    define: { __VERSION__: JSON.stringify(version) },
  })

/** All that an entry point needs is in its file, so that nothing else has to be installed. */
const plugins = (target, options) => [
  nodeResolve({ browser: true }),
  compile(target, options),
  notices,
]

/** For `import` and for `require`, each with types of its own: TypeScript takes their format from their name. */
const entry = (input, name, target) => [
  {
    input,
    external,
    plugins: plugins(target),
    output: [
      { file: `dist/${name}.js`, format: 'es', banner, sourcemap: true },
      { file: `dist/${name}.cjs`, format: 'cjs', banner, sourcemap: true },
    ],
  },
  {
    input,
    external,
    plugins: [dts({ tsconfig: input.replace(/[^/]+$/, 'tsconfig.json') })],
    output: [
      { file: `dist/${name}.d.ts`, format: 'es' },
      { file: `dist/${name}.d.cts`, format: 'es' },
    ],
  },
]

/** TypeScript without its types and with its comments, since people read what they paste into Segment. */
const readable = {
  name: 'readable',
  transform: (code) => ({
    code: ts.transpileModule(code, {
      compilerOptions: { target: 'ES2021', module: 'ESNext', verbatimModuleSyntax: true },
    }).outputText,
    map: null,
  }),
  renderChunk: (code) => format(code, { ...prettierOptions, parser: 'babel' }),
}

/**
 * TypeScript has checked what is constant. One word for all variables packs better, and lets terser join
 * them; with as many characters, the source map stays right.
 */
const lets = {
  name: 'lets',
  renderChunk: (code) => ({ code: code.replace(/\bconst (?=[\w$[{])/g, 'let   '), map: null }),
}

/** Segment finds handlers by their names. It puts the code into a function: nothing can be exported. */
const handlers = [
  ...['Track', 'Page', 'Screen', 'Identify', 'Group'].map(
    (type) => `async function on${type}(event, settings) { return skalin.handle(event, settings) }`,
  ),
  'async function onBatch(events, settings) { return skalin.handleBatch(events, settings) }',
].join('\n\n')

export default [
  ...entry('src/index.ts', 'index', 'es2021'),
  ...entry('src/testing/index.ts', 'testing', 'node20'),
  ...entry('src/inspect.ts', 'inspect', 'es2021'),
  ...entry('src/inspect-off.ts', 'inspect-off', 'es2021').slice(0, 1),
  {
    input: 'src/cli/bin.ts',
    external,
    plugins: plugins('node20'),
    output: { file: 'dist/cli.js', format: 'es', banner, sourcemap: true },
  },
  {
    input: 'src/script.ts',
    plugins: plugins('es2021', { minifySyntax: true }),
    output: {
      file: 'dist/skalin.min.js',
      format: 'iife',
      banner,
      sourcemap: true,
      // Each takes a little off.
      plugins: [
        lets,
        terser({
          ecma: 2020,
          compress: { passes: 4, inline: 1, hoist_funs: true, unsafe_arrows: true },
        }),
      ],
    },
  },
  {
    input: 'src/function/index.ts',
    plugins: [readable],
    output: {
      file: 'dist/segment-function.js',
      format: 'iife',
      name: 'skalin',
      banner,
      footer: handlers,
    },
  },
]
