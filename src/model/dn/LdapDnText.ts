/**
 * Parses the text of distinguished names (RFC 4514 section 3) into lists of attributes. It knows two grammars: RFC 4514, and the
 * forms of RFC 2253 and RFC 1779 that RFC 4514 no longer allows. The template tag uses the same code. In its text, a NUL marks the
 * position of a value, since neither grammar allows a NUL.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import { BerError, BerReader } from "../../ber/BerReader.ts"
import { RdnAttribute, textTags } from "./LdapDnAttribute.ts"

/**
 * Text that is not a distinguished name.
 *
 * @category errors
 * @since 0.1.0
 */
export class DnSyntaxError extends Data.TaggedError("DnSyntaxError")<{
  /** The text that was parsed. It shows `${…}` for each value of the tag, and the placeholders of a template. */
  readonly text: string
  /** The position in `text` where parsing failed, in UTF-16 code units from 0. */
  readonly position: number
  /** What is wrong there. */
  readonly detail: string
}> {
  override get message(): string {
    return `not a distinguished name: ${this.detail}, at position ${this.position}: ${
      excerpt(this.text, this.position)
    }`
  }
}

/** The text around a position, quoted, since a name may contain any character. */
const excerpt = (text: string, position: number): string => {
  const shown = (part: string) => JSON.stringify(part).slice(1, -1)
  const from = Math.max(0, position - 40)
  const to = position + 20
  return `"${from > 0 ? "…" : ""}${shown(text.slice(from, position))} <-- HERE ${shown(text.slice(position, to))}${
    to < text.length ? "…" : ""
  }"`
}

/**
 * What the tag inserts into the text, in order: a value, or whole RDNs.
 *
 * @internal
 */
export type Hole = string | Uint8Array | ReadonlyArray<ReadonlyArray<RdnAttribute>>

/**
 * Parses all RDNs of a text. Throws {@link DnSyntaxError}, which `LdapDn.parse` turns into a failure.
 *
 * @internal
 */
export const readRdns = (
  text: string,
  options: {
    readonly lenient: boolean
    readonly holes?: ReadonlyArray<Hole> | undefined
    /** How errors show the holes. Default `${…}`. */
    readonly written?: ReadonlyArray<string> | undefined
  }
): Array<ReadonlyArray<RdnAttribute>> =>
  new DnReader(text, options.lenient, options.holes ?? noHoles, options.written ?? []).rdns()

/**
 * Whether the text is an attribute type: a name or an object identifier (RFC 4512 section 1.4).
 *
 * @internal
 */
export const isAttributeType = (text: string): boolean =>
  hasOnlyLetters(text) || isName(text, /[^A-Za-z0-9-]/) || (text.includes(".") && isOid(text))

const isLenientType = (text: string): boolean => hasOnlyLetters(text) || isName(text, /[^A-Za-z0-9_-]/) || isOid(text)

/** Nearly all types are such names. A loop is faster than a pattern. */
const hasOnlyLetters = (text: string): boolean => {
  for (let at = 0; at < text.length; at++) {
    // In lower case, if it is a letter.
    const code = text.charCodeAt(at) | 0x20
    if (code < 0x61 || code > 0x7a) return false
  }
  return text !== ""
}

const noHoles: ReadonlyArray<Hole> = []

// These regular expressions look for one character that isn't allowed. They never backtrack, so their time is linear.

const isName = (text: string, others: RegExp): boolean => /^[A-Za-z]/.test(text) && !others.test(text)

const isOid = (text: string): boolean =>
  text !== "" && !/[^0-9.]/.test(text) &&
  text.split(".").every((number) => number === "0" || (number !== "" && !number.startsWith("0")))

const nul = 0x00
const space = 0x20
const quote = 0x22
const sharp = 0x23
const plus = 0x2b
const comma = 0x2c
const semicolon = 0x3b
const less = 0x3c
const equals = 0x3d
const greater = 0x3e
const backslash = 0x5c

/** The value of a hexadecimal digit, or -1. */
const hexDigit = (code: number): number =>
  code >= 0x30 && code <= 0x39
    ? code - 0x30
    : code >= 0x41 && code <= 0x46
    ? code - 0x37
    : code >= 0x61 && code <= 0x66
    ? code - 0x57
    : -1

/** Characters that may follow a backslash: `escaped`, space, sharp and equals of RFC 4514 section 3. */
const isEscapable = (code: number): boolean =>
  code === backslash || code === comma || code === plus || code === quote || code === space || code === sharp ||
  code === equals || code === semicolon || code === less || code === greater

class DnReader {
  readonly #text: string
  readonly #lenient: boolean
  readonly #holes: ReadonlyArray<Hole>
  readonly #written: ReadonlyArray<string>
  #position = 0
  #hole = 0

  constructor(text: string, lenient: boolean, holes: ReadonlyArray<Hole>, written: ReadonlyArray<string>) {
    this.#text = text
    this.#lenient = lenient
    this.#holes = holes
    this.#written = written
  }

  rdns(): Array<ReadonlyArray<RdnAttribute>> {
    const text = this.#text
    if (!text.isWellFormed()) this.#fail("a lone surrogate is not a character", loneSurrogate(text))
    const rdns: Array<ReadonlyArray<RdnAttribute>> = []
    this.#skipSpaces()
    if (this.#position === text.length) return rdns
    while (true) {
      if (this.#peek() === nul && this.#hole < this.#holes.length) this.#splice(rdns)
      else rdns.push(this.#rdn())
      if (this.#position === text.length) return rdns
      const separator = this.#peek()
      if (separator !== comma && !(separator === semicolon && this.#lenient)) this.#fail(this.#unexpected(separator))
      this.#position++
    }
  }

  #rdn(): ReadonlyArray<RdnAttribute> {
    const attributes = [this.#attribute()]
    while (this.#peek() === plus) {
      this.#position++
      attributes.push(this.#attribute())
    }
    return attributes
  }

  #attribute(): RdnAttribute {
    const type = this.#type()
    this.#skipSpaces()
    const first = this.#peek()
    if (first === sharp) return this.#hexValue(type)
    if (first === quote && this.#lenient) return this.#quotedValue(type)
    return this.#stringValue(type)
  }

  /** Reads the type and the equals sign. */
  #type(): string {
    this.#skipSpaces()
    const text = this.#text
    const start = this.#position
    let end = start
    while (end < text.length && !endsType(text.charCodeAt(end))) end++
    let typeEnd = end
    if (this.#lenient) { while (typeEnd > start && text.charCodeAt(typeEnd - 1) === space) typeEnd-- }
    let type = text.slice(start, typeEnd)
    if (this.#lenient && /^oid\./i.test(type)) type = type.slice(4)
    if (type === "") {
      if (end === text.length) this.#fail("the text ends where an attribute type should begin", end)
      if (text.charCodeAt(end) === nul) this.#fail("a type can't be interpolated, only values and whole RDNs can", end)
      this.#fail(`expected an attribute type, found ${this.#found(end)}`, end)
    }
    if (!(this.#lenient ? isLenientType(type) : isAttributeType(type))) {
      this.#fail(`"${type}" is not an attribute type`, start)
    }
    if (text.charCodeAt(end) !== equals) this.#fail(`expected "=" after the attribute type "${type}"`, end)
    this.#position = end + 1
    return type
  }

  #stringValue(type: string): RdnAttribute {
    const text = this.#text
    const start = this.#position
    let at = start
    // The end of the text that is certainly part of the value. Spaces after it belong to the value only if more text follows.
    let end = start
    let plain = true
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (code === comma || code === plus || code === semicolon) break
      if (code === backslash) {
        at = this.#escape(at)
        plain = false
      } else if (code === nul && this.#holes.length > 0) {
        plain = false
      } else if (code === space) {
        if (at === start) this.#fail("a space at the start of a value must be escaped", at)
        continue
      } else if (code === quote || code === less || code === greater || code === nul) {
        this.#fail(`${this.#found(at)} must be escaped in a value`, at)
      }
      end = at + 1
    }
    if (end < at && !this.#lenient) this.#fail("a space at the end of a value must be escaped", at - 1)
    this.#position = at
    return new RdnAttribute(type, plain ? text.slice(start, end) : this.#unescape(start, end))
  }

  /** The old quoted form. Inside it, only the quote and the backslash are special. */
  #quotedValue(type: string): RdnAttribute {
    const text = this.#text
    const start = this.#position + 1
    let at = start
    for (; text.charCodeAt(at) !== quote; at++) {
      if (at >= text.length) this.#fail("the quoted value has no closing quotation mark", start - 1)
      if (text.charCodeAt(at) === backslash) at = this.#escape(at)
      else if (text.charCodeAt(at) === nul) {
        this.#fail(
          this.#holes.length > 0
            ? `${this.#found(at)} can't be interpolated between quotation marks; leave them out`
            : "NUL must be escaped in a value",
          at
        )
      }
    }
    this.#position = at + 1
    this.#skipSpaces()
    const next = this.#peek()
    if (next !== -1 && next !== comma && next !== plus && next !== semicolon) {
      this.#fail("expected a separator after the quoted value")
    }
    return new RdnAttribute(type, this.#unescape(start, at))
  }

  /** Checks the escape at a backslash and returns the position of its last character. */
  #escape(at: number): number {
    const next = this.#text.charCodeAt(at + 1)
    if (isEscapable(next)) return at + 1
    if (hexDigit(next) >= 0 && hexDigit(this.#text.charCodeAt(at + 2)) >= 0) return at + 2
    return this.#fail("a backslash must be followed by a special character or two hexadecimal digits", at)
  }

  /** The value between two positions, whose escapes have been checked, with the interpolated values. */
  #unescape(start: number, end: number): string | Uint8Array {
    if (this.#holes.length === 0) return unescape(this.#text.slice(start, end))
    const parts: Array<string | Uint8Array> = []
    let from = start
    for (let at = start; at < end; at++) {
      if (this.#text.charCodeAt(at) !== nul) continue
      parts.push(unescape(this.#text.slice(from, at)), this.#valueHole(at))
      from = at + 1
    }
    parts.push(unescape(this.#text.slice(from, end)))
    return parts.every((part) => typeof part === "string")
      ? parts.join("")
      : Buffer.concat(parts.map((part) => typeof part === "string" ? Buffer.from(part) : part))
  }

  /** `#` and the hexadecimal form of a BER element. */
  #hexValue(type: string): RdnAttribute {
    const text = this.#text
    const start = this.#position + 1
    let end = start
    while (end < text.length && hexDigit(text.charCodeAt(end)) >= 0) end++
    this.#position = end
    this.#skipSpaces()
    const next = this.#peek()
    if (next !== -1 && next !== comma && next !== plus && !(next === semicolon && this.#lenient)) {
      this.#fail(
        `${this.#found(this.#position)} is not a hexadecimal digit; a "#" at the start of a value must be escaped`
      )
    }
    if (end === start || (end - start) % 2 !== 0) {
      this.#fail(`"#" takes an even number of hexadecimal digits, found ${end - start}`, start - 1)
    }
    const bytes = Buffer.from(text.slice(start, end), "hex")
    try {
      const reader = new BerReader(bytes)
      const tag = reader.skip()
      reader.expectEnd()
      reader.position = 0
      const content = reader.octets(tag)
      return new RdnAttribute(type, content, textTags.has(tag) ? undefined : tag)
    } catch (error) {
      if (!(error instanceof BerError)) throw error
      // Some names from before RFC 2253 have the value's own bytes here.
      if (this.#lenient) return new RdnAttribute(type, bytes)
      return this.#fail(`the bytes after "#" are not one BER element (${error.message})`, start - 1)
    }
  }

  #splice(rdns: Array<ReadonlyArray<RdnAttribute>>): void {
    const hole = this.#holes[this.#hole++]
    if (typeof hole !== "object" || hole instanceof Uint8Array)
      return this.#fail("only an LdapDn or an Rdn can be interpolated in the position of an RDN")
    this.#position++
    for (const rdn of hole) rdns.push(rdn)
  }

  #valueHole(at: number): string | Uint8Array {
    const hole = this.#holes[this.#hole++]
    // Text that isn't well-formed is kept. The request that uses the name refuses it.
    if (typeof hole === "string" || hole instanceof Uint8Array) return hole
    return this.#fail("only text or bytes can be interpolated in a value; for a name, interpolate its text", at)
  }

  #skipSpaces(): void {
    if (this.#lenient) { while (this.#peek() === space) this.#position++ }
  }

  /** Describes the character at a position for an error. */
  #found(at: number): string {
    const code = this.#text.charCodeAt(at)
    if (code !== nul) return `"${String.fromCharCode(code)}"`
    return this.#holes.length === 0 ? "NUL" : this.#written[this.#text.slice(0, at).split("\0").length - 1] ?? "${…}"
  }

  #unexpected(code: number): string {
    return code === semicolon
      ? `";" must be escaped in a value; it separates RDNs only in the old form`
      : `expected "," or the end after an RDN, found ${this.#found(this.#position)}`
  }

  /** The code unit at the cursor, or -1 at the end. */
  #peek(): number {
    return this.#position < this.#text.length ? this.#text.charCodeAt(this.#position) : -1
  }

  #fail(detail: string, position = this.#position): never {
    if (this.#holes.length === 0) throw new DnSyntaxError({ text: this.#text, position, detail })
    const shown = (text: string) => {
      let hole = 0
      return text.replaceAll("\0", () => this.#written[hole++] ?? "${…}")
    }
    throw new DnSyntaxError({
      text: shown(this.#text),
      position: shown(this.#text.slice(0, position)).length,
      detail
    })
  }
}

/**
 * Decodes escapes that have been checked. Bytes are collected first, since a character may take several of them, and some are not
 * UTF-8.
 */
const unescape = (text: string): string | Uint8Array => {
  let at = text.indexOf("\\")
  if (at < 0) return text
  // An escape is longer than the character that it encodes.
  const octets = Buffer.allocUnsafe(Buffer.byteLength(text))
  let length = 0
  let literal = 0
  while (at >= 0) {
    length += octets.write(text.slice(literal, at), length)
    const high = hexDigit(text.charCodeAt(at + 1))
    if (high < 0) {
      octets[length++] = text.charCodeAt(at + 1)
      literal = at + 2
    } else {
      octets[length++] = high * 16 + hexDigit(text.charCodeAt(at + 2))
      literal = at + 3
    }
    at = text.indexOf("\\", literal)
  }
  length += octets.write(text.slice(literal), length)
  return octets.subarray(0, length)
}

const endsType = (code: number): boolean =>
  code === equals || code === comma || code === plus || code === semicolon || code === nul

const loneSurrogate = (text: string): number => {
  for (let at = 0; at < text.length; at++) {
    const code = text.codePointAt(at) ?? 0
    if (code > 0xffff) at++
    else if (code >= 0xd800 && code <= 0xdfff) return at
  }
  return text.length
}
