import { parseArgs } from 'node:util'
import { mayHoldPassword } from '../hit/url.ts'
import { mustBe } from '../testing/rules.ts'
import { short } from '../testing/printable.ts'

/** What a command takes. */
export type OptionRule = {
  /** What its value must be; `undefined` for an option without one. */
  allowed?: string
  accepts?: (value: string) => boolean
  required?: true
}

export type OptionRules = Readonly<Record<string, OptionRule>>

/** What was given: a text, or `true` for an option without a value. */
export type Given = Readonly<Partial<Record<string, string | true>>>

/** The arguments of a command, or the one sentence that says what is wrong with them. */
export const parseOptions = (
  args: string[],
  rules: OptionRules,
): { given: Given } | { problem: string } => {
  // Not `strict`: its messages are several sentences and quote arguments as they are.
  const { tokens, positionals } = parseArgs({
    args,
    options: Object.fromEntries(
      Object.entries(rules).map(([name, { allowed }]) => [
        name,
        { type: allowed === undefined ? 'boolean' : 'string' },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const given: Partial<Record<string, string | true>> = {}
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const name = short(token.rawName)
    const rule = Object.hasOwn(rules, token.name) ? rules[token.name] : undefined
    if (!rule || token.rawName !== `--${token.name}`)
      return { problem: `Unknown option \`${name}\`.` }
    const { allowed, accepts } = rule
    if (token.name in given) return { problem: `\`${name}\` must come once.` }
    if (allowed === undefined) {
      if (token.value !== undefined) return { problem: `\`${name}\` takes no value.` }
    } else if (!token.inlineValue && token.value?.startsWith('--')) {
      const next = `the option \`${short(token.value)}\`; \`${name}=…\` takes any value`
      return { problem: `\`${name}\` must be ${allowed} (received: ${next}).` }
    } else if (token.value === undefined) {
      return { problem: mustBe(name, allowed, undefined) }
    } else if (!accepts?.(token.value)) {
      if (mayHoldPassword(token.value))
        return { problem: `\`${name}\` must be ${allowed} (received: one with credentials).` }
      return { problem: mustBe(name, allowed, token.value) }
    }
    given[token.name] = token.value ?? true
  }
  const [surplus] = positionals
  if (surplus !== undefined) return { problem: `Unexpected argument \`${short(surplus)}\`.` }
  for (const [name, { required, allowed = '' }] of Object.entries(rules)) {
    if (required && !(name in given)) return { problem: mustBe(`--${name}`, allowed, undefined) }
  }
  return { given }
}
