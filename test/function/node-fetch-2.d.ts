/** As much of node-fetch 2 as a Function sees. */
declare module 'node-fetch-2' {
  const fetch: typeof globalThis.fetch & {
    Request: typeof Request
    Response: typeof Response
    Headers: typeof Headers
  }
  export default fetch
}
