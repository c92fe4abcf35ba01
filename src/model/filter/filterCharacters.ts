/** The characters of the text form of filters (RFC 4515). */

export const Char = {
  nul: 0x00,
  tab: 0x09,
  lineFeed: 0x0a,
  carriageReturn: 0x0d,
  space: 0x20,
  exclamation: 0x21,
  ampersand: 0x26,
  leftParen: 0x28,
  rightParen: 0x29,
  asterisk: 0x2a,
  colon: 0x3a,
  less: 0x3c,
  equals: 0x3d,
  greater: 0x3e,
  backslash: 0x5c,
  bar: 0x7c,
  tilde: 0x7e,
  lastAscii: 0x7f
} as const

/** The kind of filter that contains other filters, by the character that starts it. */
export const compositeTag = (char: number): "And" | "Or" | "Not" | undefined =>
  char === Char.ampersand ? "And" : char === Char.bar ? "Or" : char === Char.exclamation ? "Not" : undefined

export const isSpace = (char: number): boolean =>
  char === Char.space || char === Char.lineFeed || char === Char.tab || char === Char.carriageReturn

export const isNameCharacter = (char: number): boolean =>
  (char >= 0x61 && char <= 0x7a) || (char >= 0x41 && char <= 0x5a) || (char >= 0x30 && char <= 0x39) ||
  char === 0x2d || char === 0x2e || char === 0x3b || char === 0x5f

/** The value of a hexadecimal digit, or -1. */
export const hexDigit = (char: number): number =>
  char >= 0x30 && char <= 0x39
    ? char - 0x30
    : char >= 0x61 && char <= 0x66
    ? char - 0x57
    : char >= 0x41 && char <= 0x46
    ? char - 0x37
    : -1
