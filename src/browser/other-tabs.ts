/**
 * Tells which key of `localStorage` another tab has changed; `null` stands for all. Returns what
 * ends it.
 */
export function watchOtherTabs(onChange: (key: string | null) => void): () => void {
  const listener = ({ key }: StorageEvent) => {
    try {
      onChange(key)
    } catch {
      // What a listener throws would be an error of the page's.
    }
  }
  addEventListener('storage', listener)
  return () => removeEventListener('storage', listener)
}
