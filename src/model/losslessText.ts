/**
 * Names that a peer sends, as text. They should be UTF-8. Where they are not, U+FFFD would make different names the same, so octets that
 * are no part of a character are escaped: in a distinguished name as RFC 4514 section 2.4 says (`\ff`), in an attribute description in
 * the same way, in a URL by percent-encoding. Names that are UTF-8 are as they came.
 */
import { isUtf8 } from "node:buffer"

/** A distinguished name, or an RDN. What it names is the same when it is sent in this form. */
export const dnTextAt = (bytes: Buffer, start: number, end: number): string => decode(bytes, start, end, escapeForDn)

/** A distinguished name that is the value of an attribute. */
export const dnTextOf = (value: Uint8Array): string => {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  return dnTextAt(bytes, 0, bytes.length)
}

/** An attribute description. {@link descriptionOctets} gives the octets back. */
export const descriptionTextAt = (bytes: Buffer, start: number, end: number): string => {
  const hasBackslash = bytes.subarray(start, end).includes(backslash)
  // No description that is valid has a backslash. One that looks like an escape is escaped, so that it isn't taken for one.
  return decode(bytes, start, end, escapeByBackslash, hasBackslash)
}

/** The octets of an attribute description, for the wire: text where there is nothing to undo. */
export const descriptionOctets = (text: string): string | Uint8Array => {
  if (!text.includes("\\")) return text
  const parts = text.split(/\\([0-9a-f]{2})/)
  return Buffer.concat(parts.map((part, i) => i % 2 === 0 ? Buffer.from(part) : Buffer.from(part, "hex")))
}

/** A URL. */
export const urlTextAt = (bytes: Buffer, start: number, end: number): string =>
  decode(bytes, start, end, escapeByPercent)

type Escape = (octet: number, before: number) => string

const hex = (octet: number): string => octet.toString(16).padStart(2, "0")

const escapeByBackslash: Escape = (octet) => `\\${hex(octet)}`

const escapeByPercent: Escape = (octet) => `%${hex(octet).toUpperCase()}`

/** A backslash that stands alone before an octet would take the escape for its own character. */
const escapeForDn: Escape = (octet, backslashes) => `${backslashes % 2 === 1 ? "5c" : ""}\\${hex(octet)}`

const replacement = "\ufffd"
const backslash = 0x5c

const decode = (bytes: Buffer, start: number, end: number, escape: Escape, escapesEscapes = false): string => {
  const text = bytes.toString("utf8", start, end)
  // Only what isn't UTF-8 has it, but for names with the character itself.
  if (!escapesEscapes && (!text.includes(replacement) || isUtf8(bytes.subarray(start, end)))) return text
  let escaped = ""
  let backslashes = 0
  for (let at = start; at < end;) {
    const length = lengthOfCharacter(bytes, at, end)
    const octet = bytes[at]!
    if (length === 0 || (escapesEscapes && isEscape(bytes, at, end))) {
      escaped += escape(octet, backslashes)
      backslashes = 0
      at++
    } else {
      escaped += bytes.toString("utf8", at, at + length)
      backslashes = octet === backslash ? backslashes + 1 : 0
      at += length
    }
  }
  return escaped
}

/** Whether what stands there looks like an escape: a backslash and two hexadecimal digits. */
const isEscape = (bytes: Buffer, at: number, end: number): boolean =>
  bytes[at] === backslash && at + 2 < end && /^[0-9a-f]{2}$/.test(bytes.toString("latin1", at + 1, at + 3))

/** How many octets the character at an octet has; 0 where none begins there. */
const lengthOfCharacter = (bytes: Buffer, at: number, end: number): number => {
  const octet = bytes[at]!
  if (octet < 0x80) return 1
  const length = octet < 0xc2 ? 0 : octet < 0xe0 ? 2 : octet < 0xf0 ? 3 : octet < 0xf5 ? 4 : 0
  return length > 0 && at + length <= end && isUtf8(bytes.subarray(at, at + length)) ? length : 0
}
