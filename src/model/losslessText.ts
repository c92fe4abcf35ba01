/**
 * Names that a peer sends, as text. They should be UTF-8. If they are not, U+FFFD would make different names equal, so bytes that
 * are no part of a character are escaped: in a distinguished name as RFC 4514 section 2.4 says (`\ff`), in an attribute description in
 * the same way, in a URL by percent-encoding. Names that are UTF-8 are unchanged.
 */
import { isUtf8 } from "node:buffer"

/** A distinguished name, or an RDN. Sent in this form, it names the same entry. */
export const dnTextAt = (bytes: Buffer, start: number, end: number): string => decode(bytes, start, end, escapeForDn)

/** A distinguished name that is the value of an attribute. */
export const dnTextOf = (value: Uint8Array): string => {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  return dnTextAt(bytes, 0, bytes.length)
}

/** An attribute description. {@link descriptionOctets} gives the bytes back. */
export const descriptionTextAt = (bytes: Buffer, start: number, end: number): string => {
  const hasBackslash = bytes.subarray(start, end).includes(backslash)
  // A valid description has no backslash. One that looks like an escape is escaped, so that the encoding stays reversible.
  return decode(bytes, start, end, escapeByBackslash, hasBackslash)
}

/** The bytes of an attribute description, for the wire; text if it has no escapes. */
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

/** A single backslash before a byte would otherwise form an escape with the backslash that is added here. */
const escapeForDn: Escape = (octet, backslashes) => `${backslashes % 2 === 1 ? "5c" : ""}\\${hex(octet)}`

const replacement = "\ufffd"
const backslash = 0x5c

const decode = (bytes: Buffer, start: number, end: number, escape: Escape, escapesEscapes = false): string => {
  const text = bytes.toString("utf8", start, end)
  // U+FFFD occurs only in text that isn't UTF-8, or in names that contain the character itself.
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

/** Whether the text at a position looks like an escape: a backslash and two hexadecimal digits. */
const isEscape = (bytes: Buffer, at: number, end: number): boolean =>
  bytes[at] === backslash && at + 2 < end && /^[0-9a-f]{2}$/.test(bytes.toString("latin1", at + 1, at + 3))

/** How many bytes the character at a position has; 0 if none begins there. */
const lengthOfCharacter = (bytes: Buffer, at: number, end: number): number => {
  const octet = bytes[at]!
  if (octet < 0x80) return 1
  const length = octet < 0xc2 ? 0 : octet < 0xe0 ? 2 : octet < 0xf0 ? 3 : octet < 0xf5 ? 4 : 0
  return length > 0 && at + length <= end && isUtf8(bytes.subarray(at, at + length)) ? length : 0
}
