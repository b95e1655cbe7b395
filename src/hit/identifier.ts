/**
 * How likely two letters stand together in a word: a row for the first, a column for the second, `0`
 * for never to `3` for often. Counted in English, French, Spanish, German and Polish, so that what is
 * unlikely here is so in most languages of this alphabet. A letter twice says nothing: `xxx`.
 */
const pairs = `23331222322333131333222122
32113011211211200221201011
30203003312200301212200022
21123111311212310221211022
32332222322333221333222213
20002210200200200212200011
20003021201212200221201010
31003112201212200212201020
32323221212323322233222102
20102000121001200010200000
21102001202201200222201010
31223111301312310022211021
32003110301121320121200020
31333231312112311233221022
22221221212333221333323122
30103102300201320322200010
00000000000000002000300000
32223221312222321232221022
31313112312222321133211022
31103112301211310322202022
22222221221323121332211111
20003000200000200100120000
30112001201101210120102020
10101001200000110001100210
21212110112222120122102021
21112010211112210111201022`.split('\n')

/** What gives an identifier away, wherever it stands. None may take long: names come from the page. */
const signs = [
  // E-mail addresses, handles, and places on a map.
  /@[^:]/,
  // UUIDs and hashes.
  /[\da-f-]{32}/i,
  /\d{5}/,
  // A number of four digits, but a year or a round one: `order-4711`.
  /\b(?!19|20|\d000)\d{4}\b/,
  // A key with its number: `ENG-123`, `P2P-191`.
  /\b[A-Z][A-Z\d]+-\d\d/,
  // A year with a month, a week or a day: `2024-05`, `2024-W19`, `12-May-2024`.
  /\b((19|20)\d\d[-. ]?w?\d\d?|\d\d?[-. ]([a-z]{3,9}[-. ])?(19|20)\d\d)\b/i,
  // Addresses of devices and networks: `00:1a:2b:3c:4d:5e`, `fe80::1`.
  /([\da-f]{2}[:-]){5}|::\d/i,
  // Licence keys and coupons: `X7Q2-9KLM-4TRW`.
  /^(?=.*\d)([A-Z\d]{4,6}-){2}[A-Z\d-]+$/,
]

/** Numbers that are names: `iso-27001`, `SHA-256`, `ed25519`; and letters that no language puts together. */
const standards = /\b(iso|rfc|utf|sha|icd|covid)[- ]?\d+|25519|html/gi

/** `mp4`, `sha256`, `401k`: short letters and a short number. */
const namedNumber = /^(([a-z]{1,5}|[A-Z]{1,5})\d{1,4}|\d{1,4}([a-z]{1,5}|[A-Z]{1,5}))$/

/** A number, the words of camel case (`OAuth` is one), an acronym. What has no case says nothing. */
const pieces = /\d+|O?\p{Lu}?\p{Ll}+|\p{Lu}+(?!\p{Ll})/gu

const column = (word: string, at: number) => (word.charCodeAt(at) | 32) - 97

/**
 * Whether no language makes this of letters and digits: many short pieces, and letters that do not
 * follow each other.
 */
function isRandom(token: string): boolean {
  if (token.length < 6 || namedNumber.test(token)) return false
  // The 2 of `json2csv` and the 4 of `smarty4js` are words, `3d` is one.
  const found = token.replace(/(\p{L})([24](?=\p{L}{2})|[23]d$)/gu, '$1~').match(pieces) ?? []
  let odd = 0
  for (const piece of found) {
    odd += /\d/.test(piece) ? 6 : piece.length < 3 ? 5 : 3
    // Three letters may be an acronym; those of other alphabets say nothing.
    for (let i = 1; piece.length > 3 && i < piece.length; i++) {
      odd += 4 - 2 * Number(pairs[column(piece, i - 1)]?.[column(piece, i)] ?? 2)
    }
  }
  // One word alone must be stranger, but one in capitals less so.
  return odd > (found.length > 1 ? 9 : /\p{Ll}/u.test(token) ? 15 : 10)
}

/** Whether a text holds what looks like an identifier: a number, a date, a hash, a random string. */
function holdsIdentifier(name: string): boolean {
  const text = name.replace(/_/g, '-').replace(standards, '')
  const tokens = text.match(/[\p{L}\p{M}\d]+/gu) ?? []
  return (
    signs.some((sign) => sign.test(text)) ||
    tokens.some(isRandom) ||
    // The alphabets of nanoid and base64url have `-` and `_`: capitals within, and no plain word.
    (/[a-z][A-Z]/.test(text) && !/\b[A-Z]?[a-z]{3,}\b/.test(text) && isRandom(tokens.join('')))
  )
}

/** Numbers without a word are identifiers, but for versions, ratios and the like: `1.2`, `16:9`, `50%`. */
const isNumber = (text: string) =>
  /\d/.test(text) &&
  !/\p{L}/u.test(text) &&
  !/^(?!\d\d.\d\d.\d\d$)(\d\d?([-_:]\d\d?|(\.\d{1,3}){1,2})|\d+%)$/.test(text)

/** How a segment may end, where words of a name may say the same: `Orders(5)`, `id=5`. */
const key = /[a-z][=:(]\d+\)?$/

/** Whether a segment of a path, decoded, stands for one record rather than for a page. */
export function isIdentifier(segment: string): boolean {
  // Digits of other scripts are digits.
  const text = segment.replace(/(?!\d)\p{Nd}/gu, '5')
  return isNumber(text) || key.test(text) || holdsIdentifier(text)
}

/** A name with the words that hold an identifier as `:id`: `Viewed invoice :id`. */
export function withoutIdentifiers(name: string): string {
  return name.replace(/[^\s/]+/g, (word) => (holdsIdentifier(word) ? ':id' : word))
}
