/**
 * One attribute of an RDN: a type and a value. It has its text (RFC 4514 section 2) and a key that equal attributes share.
 * LdapDn.ts has names and their operations; LdapDnText.ts parses them.
 *
 * @since 0.1.0
 */
import { isUtf8 } from "node:buffer"
import { Tag } from "../../ber/BerReader.ts"
import { BerWriter } from "../../ber/BerWriter.ts"

/**
 * A type and a value: `uid=ada` in `uid=ada,ou=people`. Made by `rdn` and by `parse`. It is immutable, so don't change the bytes of
 * its value.
 *
 * @category models
 * @since 0.1.0
 */
export class RdnAttribute {
  /** The type as it was written: a name or an object identifier. */
  readonly type: string
  /**
   * The tag of the BER element, if the value was written as `#` and BER and isn't a string, for instance an INTEGER. Then `value`
   * is the content of that element. Elsewhere LDAP has another form for such values.
   */
  readonly berTag: number | undefined
  // Most values are given and read as text, some as bytes. The other form is made at the first use.
  #text: string | undefined
  #value: Uint8Array | undefined
  #key: string | undefined

  /** @internal The caller has checked that the type is valid and that text is well-formed. */
  constructor(type: string, value: string | Uint8Array, berTag?: number) {
    this.type = type
    this.berTag = berTag
    if (typeof value === "string") this.#text = value
    else this.#value = value
  }

  /** The value as bytes. Don't change them. */
  get value(): Uint8Array {
    return (this.#value ??= Buffer.from(this.text))
  }

  /** The value as text; bytes that are not UTF-8 become U+FFFD. */
  get text(): string {
    return (this.#text ??= asBuffer(this.value).toString("utf8"))
  }

  /** A key that equal attributes share, independent of case, spaces and the name of the type. It is itself the text of a name. */
  get key(): string {
    return (this.#key ??= `${typeKey(this.type)}=${this.#isText() ? escapeText(fold(this.text)) : this.#octetsText()}`)
  }

  /** Whether it is the same attribute, with the values compared by their bytes. Types are compared as always. */
  equalsExactly(that: RdnAttribute): boolean {
    return typeKey(this.type) === typeKey(that.type) && this.berTag === that.berTag &&
      Buffer.compare(this.value, that.value) === 0
  }

  toString(): string {
    return `${this.type}=${this.#isText() ? escapeText(this.text) : this.#octetsText()}`
  }

  #isText(): boolean {
    return this.berTag === undefined && (this.#value === undefined || isUtf8(this.#value))
  }

  #octetsText(): string {
    return this.berTag === undefined
      ? escapeOctets(this.value)
      : `#${encodeBer(this.berTag, this.value).toString("hex")}`
  }
}

// ---------------------------------------------------------------------------------------------------------------------
// Text
// ---------------------------------------------------------------------------------------------------------------------

const mayNeedEscape = /^[ #]|["+,;<>\\\0]| $/

/** Escapes the characters that RFC 4514 section 2.4 requires, and no others. */
const escapeText = (text: string): string => {
  if (!mayNeedEscape.test(text)) return text
  const escaped = text.replace(/["+,;<>\\\0]/g, (special) => special === "\0" ? "\\00" : `\\${special}`)
  const led = escaped.startsWith(" ") || escaped.startsWith("#") ? `\\${escaped}` : escaped
  // A single space is both the first and the last character, so it is already escaped.
  return led.endsWith(" ") && led !== "\\ " ? `${led.slice(0, -1)}\\ ` : led
}

/** For bytes that are not UTF-8: each byte that is not ASCII is escaped. */
const escapeOctets = (octets: Uint8Array): string =>
  escapeText(asBuffer(octets).toString("latin1")).replace(
    /[\x80-\xff]/g,
    (octet) => `\\${octet.charCodeAt(0).toString(16)}`
  )

const encodeBer = (tag: number, content: Uint8Array): Buffer => {
  const writer = new BerWriter(content.length + 6)
  writer.octets(content, tag)
  return writer.finish()
}

/**
 * Tags whose content is the UTF-8 text of the value, so the `#` form only spells the same value differently: OCTET STRING,
 * UTF8String, NumericString, PrintableString, IA5String, VisibleString.
 *
 * @internal
 */
export const textTags: ReadonlySet<number> = new Set([Tag.octetString, 0x0c, 0x12, 0x13, 0x16, 0x1a])

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

// ---------------------------------------------------------------------------------------------------------------------
// Keys
// ---------------------------------------------------------------------------------------------------------------------

/** The types of the table in RFC 4514 section 3, and `sn`: short name, long names of RFC 4519, object identifier. */
const knownTypes: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
  ["cn", ["commonname", "2.5.4.3"]],
  ["sn", ["surname", "2.5.4.4"]],
  ["c", ["countryname", "2.5.4.6"]],
  ["l", ["localityname", "2.5.4.7"]],
  ["st", ["stateorprovincename", "2.5.4.8"]],
  ["street", ["streetaddress", "2.5.4.9"]],
  ["o", ["organizationname", "2.5.4.10"]],
  ["ou", ["organizationalunitname", "2.5.4.11"]],
  ["uid", ["userid", "0.9.2342.19200300.100.1.1"]],
  ["dc", ["domaincomponent", "0.9.2342.19200300.100.1.25"]]
]

const shortNames = new Map(knownTypes.flatMap(([short, others]) => others.map((other) => [other, short] as const)))

const typeKey = (type: string): string => {
  const lower = type.toLowerCase()
  return shortNames.get(lower) ?? lower
}

/**
 * Prepares text as caseIgnoreMatch does (RFC 4518): maps characters, normalizes (NFKC), folds case, removes spaces at the ends, and
 * reduces runs of spaces to one. Code points that RFC 4518 prohibits are kept.
 */
const fold = (text: string): string => {
  // Most values are printable ASCII, for which this is sufficient.
  const mapped = /[^\x20-\x7e]/.test(text) ? foldCase(mapSpecials(text).normalize("NFKC")) : text.toLowerCase()
  return mapped.includes("  ") || mapped.startsWith(" ") || mapped.endsWith(" ")
    ? mapped.split(" ").filter((word) => word !== "").join(" ")
    : mapped
}

/** The mapping of RFC 4518 section 2.2, without case folding. */
const mapSpecials = (text: string): string => text.replace(spaces, " ").replace(ignored, "")

const spaces = /[\t-\r\x85\p{Zs}\p{Zl}\p{Zp}]/gu
const ignored = new RegExp(
  "[\\0-\\x08\\x0e-\\x1f\\x7f-\\x84\\x86-\\x9f\\xad\\u034f\\u06dd\\u070f\\u1806\\u180b-\\u180e\\u200b-\\u200f" +
    "\\u202a-\\u202e\\u2060-\\u2063\\u206a-\\u206f\\ufe00-\\ufe0f\\ufeff\\ufff9-\\ufffc" +
    "\\u{1d173}-\\u{1d17a}\\u{e0001}\\u{e0020}-\\u{e007f}]",
  "gu"
)

/**
 * Full case folding. JavaScript has no function for it, but converting to upper case and then to lower case does the same: it makes
 * `ß` and `SS` equal, as RFC 4518 requires. Only the dotless i would become another letter (`I`, then `i`), so it is left out.
 */
const foldCase = (text: string): string =>
  text.split("\u0131").map((part) => part.toLowerCase().toUpperCase().toLowerCase()).join("\u0131").normalize("NFKC")
