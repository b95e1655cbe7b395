import { forgetOldest } from './forget-oldest.ts'
import { shared } from './shared.ts'

const remembered = 1000

/** Whether `id` is new to an analytics instance, which remembers it from now on. */
export function isNew(instance: object, id: string): boolean {
  const seen = shared(instance, 'skalin-analytics-plugin', () => new Set<string>())
  if (seen.has(id)) return false
  seen.add(id)
  forgetOldest(seen, remembered)
  return true
}
