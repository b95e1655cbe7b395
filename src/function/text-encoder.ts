/**
 * Hashes are made of UTF-8, which every browser makes by `TextEncoder`. Segment's Functions have
 * Node's `Buffer` instead; both write the same bytes.
 */
declare const Buffer: { from: (text: string) => Uint8Array }

const runtime: { TextEncoder?: unknown } = globalThis
runtime.TextEncoder ??= class {
  encode(text: string): Uint8Array {
    return Buffer.from(text)
  }
}
