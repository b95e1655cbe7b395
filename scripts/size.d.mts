export interface Size {
  name: 'script-tag build' | 'own code'
  /** In bytes, gzipped. */
  size: number
  /** From package.json; a build above it fails. */
  limit: number
}

export function measureSizes(): Promise<Size[]>
