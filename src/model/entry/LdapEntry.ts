/**
 * Entries: a distinguished name and attributes, each with one or more values (RFC 4511 section 4.5.2).
 *
 * An entry keeps the bytes in which it was received and decodes a value at the first access. Most programs read only some
 * attributes of an entry, so most bytes are never decoded.
 *
 * @since 0.1.0
 */
import { NodeInspectSymbol } from "effect/Inspectable"
import { type BerReader, Tag } from "../../ber/BerReader.ts"
import { BerWriter } from "../../ber/BerWriter.ts"
import { contentStart, elementEnd } from "../../ber/element.ts"
import { secretKind } from "../attribute/secretAttributes.ts"
import { attributesProblem } from "../input/attributes.ts"
import { given, valueFrom, type ValueInput } from "../input/values.ts"
import { InvalidRequest } from "../InvalidRequest.ts"
import { descriptionOctets, dnTextAt } from "../losslessText.ts"
import { base64, type EntryIndex, indexOf, octetsOf } from "./EntryIndex.ts"
import { checkStructure } from "./entryStructure.ts"
import { rangeIn, type ValueRange } from "./ValueRange.ts"

export type { ValueRange }

/**
 * One attribute of an entry.
 *
 * @category models
 * @since 0.1.0
 */
export interface LdapAttribute {
  /**
   * The attribute description as the server wrote it, including options: `cn`, `cn;lang-de`, `userCertificate;binary`. Bytes that
   * are not UTF-8, and backslashes, are written as `\ff`: a valid description has neither.
   */
  readonly description: string
  /** The values, in the server's order. */
  readonly values: ReadonlyArray<Uint8Array>
}

export type { ValueInput }

/**
 * The input for an attribute: a value, or several.
 *
 * @category models
 * @since 0.1.0
 */
export type AttributeInput = ValueInput | ReadonlyArray<ValueInput>

/**
 * Attributes by their descriptions, for a new entry.
 *
 * @category models
 * @since 0.1.0
 */
export type AttributesInput = Readonly<Record<string, AttributeInput>> | ReadonlyArray<LdapAttribute>

const noValues: ReadonlyArray<never> = []

/**
 * An entry that a server returned, or that a program made with {@link make}.
 *
 * **Details**
 *
 * Attribute descriptions are compared ignoring case, and with their options: `get("cn")` doesn't return the values of `cn;lang-de`.
 * Two options only say how values are transferred and may be left out. `userCertificate` also finds `userCertificate;binary` (RFC
 * 4522). `member` finds `member;range=0-1499`; then `range` and `isPartial` say that the server has more values (range retrieval).
 * For an attribute without values (as with `typesOnly`) `has` is true, and there are no values.
 *
 * **Bytes that are not text** are returned unchanged by `getBytes`. These are for instance a SID, a photo, values that aren't
 * UTF-8, and all values of attributes that are known to be binary. The methods for text return them as a data URL (RFC 2397),
 * `data:application/octet-stream;base64,…`, so that different values stay different and aren't mistaken for text. A text value that
 * is such a URL itself looks the same; only `getBytes` distinguishes the two.
 *
 * In names, bytes that aren't UTF-8 are escaped, so that different names stay different.
 *
 * Bytes are views into the message that contained the entry. A view keeps the whole message in memory, so copy bytes that you keep
 * for long. Entries never change, so fibers may share them.
 *
 * @category models
 * @since 0.1.0
 */
export class LdapEntry implements Iterable<LdapAttribute> {
  readonly #bytes: Buffer
  readonly #start: number
  readonly #end: number
  #dn: string | undefined
  #index: EntryIndex | undefined

  /** For the parser, with bytes that it has checked. Programs use {@link make}. */
  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes
    this.#start = start
    this.#end = end
  }

  /** The distinguished name as the server wrote it. Bytes that are not UTF-8 are escaped (RFC 4514 section 2.4: `\ff`). */
  get dn(): string {
    return (this.#dn ??= dnTextAt(
      this.#bytes,
      contentStart(this.#bytes, this.#start),
      elementEnd(this.#bytes, this.#start)
    ))
  }

  /** How many bytes the entry takes, including names and lengths. */
  get size(): number {
    return this.#end - this.#start
  }

  /** The first value as text, or `undefined`. */
  get(description: string): string | undefined {
    const index = this.#indexed()
    const at = index.findValues(description)
    return at === -1 ? undefined : index.first(at)
  }

  /** All values as text, in the server's order. Empty if the entry doesn't have the attribute. */
  getAll(description: string): ReadonlyArray<string> {
    const index = this.#indexed()
    const at = index.findValues(description)
    return at === -1 ? noValues : index.all(at)
  }

  /**
   * The values of exactly this description as text, if all of them are UTF-8, even for attributes that are known to be binary.
   * Otherwise `undefined`. For compatibility with ldapts.
   *
   * @internal
   */
  utf8(description: string): ReadonlyArray<string> | undefined {
    const index = this.#indexed()
    const at = index.find(description)
    return at === -1 ? noValues : index.utf8(at)
  }

  /**
   * The values that {@link getAll} finds, as text, if all of them are UTF-8 and the server sent all. Otherwise `undefined`. For
   * domain classes.
   *
   * @internal
   */
  wholeTexts(description: string): ReadonlyArray<string> | undefined {
    const index = this.#indexed()
    const at = index.findValues(description)
    if (at === -1) return noValues
    const { lower, plain } = index.descriptions[at]!
    return plain !== undefined && lower.includes(";range=") ? undefined : index.utf8(at)
  }

  /**
   * Says that most values will be read, which makes reading them faster. For domain classes.
   *
   * @internal
   */
  expectReads(): void {
    this.#indexed().expectReads()
  }

  /** The first value as bytes, or `undefined`. */
  getBytes(description: string): Uint8Array | undefined {
    const index = this.#indexed()
    const at = index.findValues(description)
    if (at === -1) return undefined
    const values = index.values(at)
    return values.done ? undefined : values.octets()
  }

  /** All values as bytes, in the server's order. Empty if the entry doesn't have the attribute. */
  getAllBytes(description: string): ReadonlyArray<Uint8Array> {
    const index = this.#indexed()
    const at = index.findValues(description)
    return at === -1 ? noValues : octetsOf(index.values(at))
  }

  has(description: string): boolean {
    return this.#indexed().findValues(description) !== -1
  }

  /**
   * The range of the attribute's values, if the server sent only a range of them (`member;range=0-1499`, Active Directory);
   * `undefined` if it sent all. With `ranges: "all"`, a search or lookup reads the others by range retrieval.
   */
  range(description: string): ValueRange | undefined {
    const index = this.#indexed()
    const at = index.findValues(description)
    return at === -1 ? undefined : rangeIn(index.descriptions[at]!.lower)
  }

  /** Whether the server has more values of the attribute than it sent. Also true for a range that can't be parsed. */
  isPartial(description: string): boolean {
    const index = this.#indexed()
    const at = index.findValues(description)
    const own = at === -1 ? "" : index.descriptions[at]!.lower
    if (!own.includes(";range=")) return false
    const range = rangeIn(own)
    return range === undefined || range.start !== 0 || range.end !== undefined
  }

  /** The attributes in the server's order. */
  get attributes(): ReadonlyArray<LdapAttribute> {
    const index = this.#indexed()
    return index.descriptions.map(({ text }, at) => ({ description: text, values: octetsOf(index.values(at)) }))
  }

  /** The attribute descriptions in the server's order. */
  get descriptions(): ReadonlyArray<string> {
    return this.#indexed().names
  }

  /**
   * All attributes with all values, as plain data: arrays of values by the descriptions as the server wrote them. The DN is not
   * included.
   *
   * **Details**
   *
   * Text values are strings. Others are copies of their bytes (`binary: "bytes"`, the default), or `{ base64 }` for JSON (`binary:
   * "base64"`). {@link make} accepts a record with bytes. Passwords are included, unlike in {@link toJSON}. The object has no
   * prototype, so any attribute name is safe. Changing it doesn't change the entry. If you keep many entries, keep the entries
   * themselves: they take less memory.
   */
  toRecord(options?: { readonly binary?: "bytes" | undefined }): Record<string, ReadonlyArray<string | Uint8Array>>
  toRecord(
    options: { readonly binary: "base64" }
  ): Record<string, ReadonlyArray<string | { readonly base64: string }>>
  toRecord(
    options?: { readonly binary?: "bytes" | "base64" | undefined }
  ): Record<string, ReadonlyArray<string | Uint8Array | { readonly base64: string }>> {
    const record = new AttributeRecord()
    const index = this.#indexed()
    const { names } = index
    const octets: (value: Uint8Array) => Uint8Array | { readonly base64: string } = options?.binary === "base64"
      ? (value) => ({ base64: base64(value) })
      : (value) => new Uint8Array(value)
    for (let at = 0; at < names.length; at++) record[names[at]!] = index.plainValues(at, octets)
    return record
  }

  /**
   * The entry without some of its attributes, by their descriptions in lower case; the same entry if it has none of them.
   *
   * @internal
   */
  without(lower: ReadonlySet<string>): LdapEntry {
    const index = this.#indexed()
    const { descriptions } = index
    if (!descriptions.some((one) => lower.has(one.lower))) return this
    const bytes = this.#bytes
    const list = elementEnd(bytes, this.#start)
    const end = elementEnd(bytes, list)
    // What stays is mostly one piece: servers send the attributes that were added to a request last.
    const kept: Array<Buffer> = []
    let at = 0
    let attribute = contentStart(bytes, list)
    let from = attribute
    for (; attribute < end; at++) {
      const next = elementEnd(bytes, attribute)
      if (lower.has(descriptions[at]?.lower ?? "")) {
        if (from < attribute) kept.push(bytes.subarray(from, attribute))
        from = next
      }
      attribute = next
    }
    if (from < end) kept.push(bytes.subarray(from, end))
    // An attribute that was sent twice is one description, so the places differ.
    if (at !== descriptions.length) {
      return make(this.dn, this.attributes.filter(({ description }) => !lower.has(description.toLowerCase())))
    }
    const length = kept.reduce((sum, one) => sum + one.length, 0)
    const copy = Buffer.concat([bytes.subarray(this.#start, list), sequenceOf(length), ...kept])
    const entry = new LdapEntry(copy, 0, copy.length)
    // Made here: the names of this entry and of the copy would else take turns as those of the previous entry, and be listed anew each time.
    entry.#index = index.without(lower, copy, copy.length - length)
    return entry
  }

  [Symbol.iterator](): Iterator<LdapAttribute> {
    return this.attributes[Symbol.iterator]()
  }

  /**
   * The entry as plain data: text values as strings, other values as `{ base64 }`. Values of password attributes are left out.
   */
  toJSON(): unknown {
    // Without a prototype, since a server may use any attribute name.
    const attributes = Object.create(null) as Record<string, ReadonlyArray<unknown>>
    const index = this.#indexed()
    for (const [at, { isBinary, lower, text }] of index.descriptions.entries()) {
      const octets = octetsOf(index.values(at))
      attributes[text] = secretKind(lower) !== undefined
        ? ["<redacted>"]
        : isBinary
        ? octets.map((value) => ({ base64: base64(value) }))
        : octets.map(readable)
    }
    return { _id: "LdapEntry", dn: this.dn, attributes }
  }

  toString(): string {
    return JSON.stringify(this.toJSON())
  }

  [NodeInspectSymbol](): unknown {
    return this.toJSON()
  }

  #indexed(): EntryIndex {
    return (this.#index ??= indexOf(this.#bytes, this.#start))
  }
}

/** The start of a SEQUENCE whose content has that length. */
const sequenceOf = (length: number): Buffer =>
  length < 0x80
    ? Buffer.of(0x30, length)
    : Buffer.of(0x30, 0x84, length >>> 24, (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff)

/**
 * `Object.create(null)` makes a hash table. Objects of a class without a prototype share their property names, which saves memory.
 */
class AttributeRecord {
  [description: string]: ReadonlyArray<string | Uint8Array | { readonly base64: string }>
}
Reflect.deleteProperty(AttributeRecord.prototype, "constructor")
Object.freeze(Object.setPrototypeOf(AttributeRecord.prototype, null))

const readable = (value: Uint8Array): unknown => {
  try {
    // A byte order mark is kept, since it is part of the value.
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value)
    // oxlint-disable-next-line no-control-regex -- control characters distinguish other data from text
    if (!/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/.test(text)) return text
  } catch {
    // Not text: shown as base64.
  }
  return { base64: base64(value) }
}

/**
 * Whether a value is an {@link LdapEntry}.
 *
 * @category guards
 * @since 0.1.0
 */
export const isLdapEntry = (u: unknown): u is LdapEntry => u instanceof LdapEntry

/**
 * Converts attributes to the one form that the rest of the library uses. An invalid value stays unchanged, and the request that
 * uses it fails.
 *
 * @category conversions
 * @since 0.1.0
 */
export const attributesFrom = (input: AttributesInput): ReadonlyArray<LdapAttribute> => {
  if (Array.isArray(input)) return input as ReadonlyArray<LdapAttribute>
  if (typeof input !== "object" || input === null) return []
  return Object.entries<AttributeInput>(input as Readonly<Record<string, AttributeInput>>).map((
    [description, value]
  ) => ({
    description,
    values: valuesFrom(value)
  }))
}

/**
 * Converts values to bytes.
 *
 * @category conversions
 * @since 0.1.0
 */
export const valuesFrom = (input: AttributeInput): ReadonlyArray<Uint8Array> =>
  (Array.isArray(input) ? (input as ReadonlyArray<ValueInput>) : [input as ValueInput]).map(valueFrom)

export {
  /**
   * Converts one value to bytes.
   *
   * @category conversions
   * @since 0.1.0
   */
  valueFrom
}

/**
 * An entry from plain data.
 *
 * **Details**
 *
 * Attributes and values are part of the program. An invalid value (`undefined`, a `Date`) is a bug in it and throws
 * `InvalidRequest`, which names the attribute.
 *
 * **Example**
 *
 * ```ts
 * import { LdapEntry } from "effect-ldap"
 *
 * const entry = LdapEntry.make("cn=Ada,dc=example", { cn: "Ada", mail: ["ada@example.org", "countess@example.org"] })
 * entry.getAll("MAIL") // both addresses
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (dn: string, attributes: AttributesInput): LdapEntry => {
  if (typeof dn !== "string" || !dn.isWellFormed())
    throw new InvalidRequest({ field: "dn", detail: `${given(dn)} is not the name of an entry` })
  const wrong = attributesProblem(attributes)
  if (wrong !== undefined) throw wrong
  const writer = new BerWriter()
  write(writer, dn, attributesFrom(attributes))
  const bytes = writer.finish()
  return new LdapEntry(bytes, 0, bytes.length)
}

/**
 * Writes the content of a SearchResultEntry.
 *
 * @internal
 */
export const write = (writer: BerWriter, dn: string, attributes: ReadonlyArray<LdapAttribute>): void => {
  writer.octets(dn)
  writer.start()
  for (const { description, values } of attributes) {
    writer.start()
    writer.octets(descriptionOctets(description))
    writer.start(Tag.set)
    for (const value of values) writer.octets(value)
    writer.end()
    writer.end()
  }
  writer.end()
}

/**
 * Reads the content of a SearchResultEntry. It checks the whole structure now, so that decoding values later can't fail.
 *
 * @internal
 */
export const fromBer = (content: BerReader): LdapEntry => {
  const start = content.position
  checkStructure(content)
  return new LdapEntry(content.bytes, start, content.end)
}
