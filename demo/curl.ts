/** A text as one word of a POSIX shell: nothing in single quotes means anything but itself. */
export function shellQuote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

/** The request of a hit as a command. `--data-raw`, because `--data` reads a file after an `@`. */
export function curlCommand(endpoint: string, body: string): string {
  return `curl --data-raw ${shellQuote(body)} ${shellQuote(endpoint)}`
}
