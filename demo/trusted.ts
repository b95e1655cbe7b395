type Policies = {
  createPolicy: (name: string, rules: { createScriptURL: (url: string) => string }) => unknown
}

/**
 * The page's security policy lets a script's address be set only by way of this. Segment's snippet
 * and its loader set addresses as plain strings.
 */
export function guardScripts(): void {
  const policies = (window as unknown as { trustedTypes?: Policies }).trustedTypes
  policies?.createPolicy('default', {
    createScriptURL(url) {
      const { origin } = new URL(url, location.href)
      if (origin === location.origin || origin === 'https://cdn.segment.com') return url
      throw new TypeError(`No script may come from ${origin}`)
    },
  })
}
