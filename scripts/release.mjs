// npm run readme: writes into README.md what only the build knows: its size and, in the script tag,
// its version and hash. While CHANGELOG.md begins with "Unreleased", the script tag stays that of the
// last release, the one that a CDN has.
// --release, by `npm version`: names the unreleased changes after the version, then the same.
// --check <tag>, before publishing: writes nothing, and fails unless everything says that release.
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { measureSizes } from './size.mjs'

const at = (path) => new URL(`../${path}`, import.meta.url)
const read = (path) => readFileSync(at(path), 'utf8')
const { name, version } = JSON.parse(read('package.json'))
const [mode, tag] = process.argv.slice(2)

function fail(message) {
  console.error(message)
  process.exit(1)
}

const kilobytes = async () => {
  const sizes = await measureSizes()
  return (sizes.find((measured) => measured.name === 'script-tag build').size / 1000).toFixed(1)
}

const size = async () => [/()\S+( kB gzipped as a script tag)/g, await kilobytes()]
const scriptTag = () => {
  const hash = createHash('sha384').update(readFileSync(at('dist/skalin.min.js')))
  return [
    [new RegExp(`(${name}@)[^/\\s]+(/dist/)`, 'g'), version],
    [/(integrity=")[^"]*(")/g, `sha384-${hash.digest('base64')}`],
  ]
}

function filledIn(figures) {
  return figures.reduce((text, [place, figure]) => {
    if (text.search(place) < 0) fail(`README.md has no place for ${figure}: ${place.source}`)
    return text.replace(place, (_found, before, after) => before + figure + after)
  }, read('README.md'))
}

let changelog = read('CHANGELOG.md')
if (mode === '--release') changelog = changelog.replace(/^## Unreleased$/m, `## ${version}`)
const [, newest] = /^## (.+)$/m.exec(changelog) ?? []
const isRelease = newest === version
if (!isRelease && (mode || newest !== 'Unreleased')) {
  fail(`CHANGELOG.md begins with \`## ${newest}\`, not \`## ${version}\`: say what is new there.`)
}

if (mode === '--check') {
  if (tag !== `v${version}`) fail(`The tag is ${tag}, the version ${version}.`)
  if (filledIn(scriptTag()) !== read('README.md')) {
    fail("README.md's script tag is not that of the build: `npm run readme` writes it.")
  }
} else {
  writeFileSync(at('README.md'), filledIn([await size(), ...(isRelease ? scriptTag() : [])]))
  writeFileSync(at('CHANGELOG.md'), changelog)
}
