/**
 * The index of an entry: the names of its attributes, and for each the range of bytes that contains its values.
 *
 * An entry makes its index at the first access to an attribute. This decodes no values and few names: most entries have the same
 * names in the same order, so entries share their list of names.
 */
import { isAscii, isUtf8 } from "node:buffer"
import { BerReader, Tag } from "../../ber/BerReader.ts"
import { BerWriter } from "../../ber/BerWriter.ts"
import { contentStart, elementEnd } from "../../ber/element.ts"
import { descriptionTextAt } from "../losslessText.ts"
import { isBinary } from "./attributeKinds.ts"
import { allTexts, type EntryText, firstText, replacement, textOf } from "./EntryText.ts"

/** An attribute description as the server wrote it, and in the form for comparisons. */
export interface Description {
  readonly text: string
  readonly lower: string
  /** The bytes as received. */
  readonly octets: Uint8Array
  /** Whether the attribute is known to be binary, so that its values are never text. */
  readonly isBinary: boolean
  /**
   * In lower case, and without options that only say how values are transferred: `;binary` (RFC 4522), `;range=`. A program finds
   * the attribute by this name, even if the server has added such an option.
   */
  readonly plain: string | undefined
}

/** The attributes of an entry in the server's order, without duplicates. */
class Names {
  readonly descriptions: ReadonlyArray<Description>
  #texts: ReadonlyArray<string> | undefined
  #areAscii: boolean | undefined
  #byText: Map<string, number> | undefined
  #byLower: Map<string, number> | undefined
  #byPlain: Map<string, number> | undefined
  #without: { readonly lower: ReadonlySet<string>; readonly names: Names } | undefined

  constructor(descriptions: ReadonlyArray<Description>) {
    this.descriptions = descriptions
  }

  /** One list for all entries. It is frozen, since programs receive it. */
  get texts(): ReadonlyArray<string> {
    return (this.#texts ??= Object.freeze(this.descriptions.map(({ text }) => text)))
  }

  get areAscii(): boolean {
    return (this.#areAscii ??= this.descriptions.every(({ octets }) => isAscii(octets)))
  }

  /** The place of a description in the order, ignoring case; -1 if it is missing. */
  find(description: string): number {
    const at = (this.#byText ??= new Map(this.descriptions.map(({ text }, i) => [text, i]))).get(description)
    return at ?? (this.#byLower ??= byLower(this.descriptions)).get(description.toLowerCase()) ?? -1
  }

  /** The place of a description that differs from this one only in how its values are transferred; -1 if there is none. */
  findTransferred(description: string): number {
    const places = (this.#byPlain ??= byPlain(this.descriptions))
    return places.size === 0 ? -1 : places.get(description.toLowerCase()) ?? -1
  }

  /** Without some of them. Entries that follow one another are mostly cut the same way, so the last list is kept. */
  without(lower: ReadonlySet<string>): Names {
    if (this.#without?.lower !== lower) {
      this.#without = { lower, names: new Names(this.descriptions.filter((one) => !lower.has(one.lower))) }
    }
    return this.#without.names
  }
}

const byPlain = (descriptions: ReadonlyArray<Description>): Map<string, number> => {
  const found = new Map<string, number>()
  for (const [at, { plain }] of descriptions.entries()) {
    if (plain !== undefined && !found.has(plain)) found.set(plain, at)
  }
  return found
}

const byLower = (descriptions: ReadonlyArray<Description>): Map<string, number> =>
  new Map(descriptions.map(({ lower }, i) => [lower, i]))

/**
 * The number of attributes from which the text of an entry is decoded as a whole, and the number of reads after which that happens.
 */
const manyAttributes = 7
const manyReadings = 3

/** From so many values on, one look at all their bytes costs less than one at each text. */
const manyValues = 16

/** The number of attributes from which all places are recorded, once a program reads them out of order. */
const tooManyToCount = 64

export class EntryIndex {
  /** The bytes that contain the attributes. */
  readonly bytes: Buffer
  readonly #names: Names
  readonly #start: number
  readonly #end: number
  readonly #isLong: boolean
  /** The attribute that was found last, and its place. Programs often read attributes in order, so the next one is near. */
  #at = 0
  #attribute: number
  #attributes: ReadonlyArray<number> | undefined
  #readings = 0
  #text: EntryText | undefined

  /** The index of the attributes from `start` to `end`. `isLong`: the length of some attribute takes several bytes. */
  constructor(bytes: Buffer, names: Names, start: number, end: number, isLong: boolean) {
    this.bytes = bytes
    this.#names = names
    this.#start = this.#attribute = start
    this.#end = end
    this.#isLong = isLong
  }

  get descriptions(): ReadonlyArray<Description> {
    return this.#names.descriptions
  }

  /** The descriptions as the server wrote them. */
  get names(): ReadonlyArray<string> {
    // A program that reads all names will most likely read their values.
    this.expectReads()
    return this.#names.texts
  }

  /** Says that most values will be read, so that the first read decodes the text of the whole entry. */
  expectReads(): void {
    if (this.#readings < manyReadings) this.#readings = manyReadings - 1
  }

  /** The index of a copy without some of the attributes. Its attributes begin at `start` of `bytes` and are the rest of them. */
  without(lower: ReadonlySet<string>, bytes: Buffer, start: number): EntryIndex {
    return new EntryIndex(bytes, this.#names.without(lower), start, bytes.length, this.#isLong)
  }

  /** The place of a description in the order, ignoring case; -1 if it is missing. */
  find(description: string): number {
    const { descriptions } = this.#names
    const at = this.#at
    return at < descriptions.length && descriptions[at]!.text === description
      ? at
      : at + 1 < descriptions.length && descriptions[at + 1]!.text === description
      ? at + 1
      : this.#names.find(description)
  }

  /**
   * The place of the values that a description refers to. `userCertificate` also finds `userCertificate;binary`, and `member` finds
   * `member;range=0-1499`, which Active Directory sends together with an empty `member`.
   */
  findValues(description: string): number {
    const at = this.find(description)
    const transferred = this.#names.findTransferred(description)
    return transferred === -1 || (at !== -1 && !this.values(at).done) ? at : transferred
  }

  /** A reader of the values of the description at a place in the order. */
  values(at: number): BerReader {
    const set = this.#setOf(this.#seek(at))
    return new BerReader(this.bytes, contentStart(this.bytes, set), elementEnd(this.bytes, set))
  }

  /**
   * The first value, as text, of the description at a place in the order. Bytes that aren't text are converted by {@link
   * octetsAsText}.
   */
  first(at: number): string | undefined {
    if (this.#names.descriptions[at]!.isBinary) {
      const values = this.values(at)
      return values.done ? undefined : octetsAsText(values.octets())
    }
    const text = this.#text ?? this.#nextText()
    const attribute = this.#seek(at)
    const value = text === undefined
      ? firstText(this.bytes, this.#setOf(attribute))
      : text.first(this.bytes, at, attribute)
    return value === undefined || text?.hasOnlyText === true || !value.includes(replacement)
      ? value
      : asText(value, this.values(at).octets())
  }

  /**
   * All values, as text, of the description at a place in the order. Bytes that aren't text are converted by {@link octetsAsText}.
   */
  all(at: number): ReadonlyArray<string> {
    if (this.#names.descriptions[at]!.isBinary) return octetsOf(this.values(at)).map(octetsAsText)
    const texts = this.#texts(at)
    if (!this.#mayBeOctets(at, texts)) return texts
    return octetsOf(this.values(at)).map((octets, i) => asText(texts[i]!, octets))
  }

  /** All values of the description at a place in the order. Text values are strings; values that are bytes are converted. */
  plainValues<A>(at: number, convert: (octets: Uint8Array) => A): ReadonlyArray<string | A> {
    if (this.#names.descriptions[at]!.isBinary) return octetsOf(this.values(at)).map(convert)
    const texts = this.#texts(at)
    if (!this.#mayBeOctets(at, texts)) return texts
    return octetsOf(this.values(at)).map((octets, i) => isUtf8(octets) ? texts[i]! : convert(octets))
  }

  /** All values as text if all of them are UTF-8, even for attributes that are known to be binary. Otherwise `undefined`. */
  utf8(at: number): ReadonlyArray<string> | undefined {
    const texts = this.#texts(at)
    return !this.#mayBeOctets(at, texts) || octetsOf(this.values(at)).every((octets) => isUtf8(octets))
      ? texts
      : undefined
  }

  #texts(at: number): ReadonlyArray<string> {
    const text = this.#text ?? this.#nextText()
    const attribute = this.#seek(at)
    return text === undefined ? allTexts(this.bytes, this.#setOf(attribute)) : text.all(this.bytes, at, attribute)
  }

  /** Whether the values need another check. A loop, since this runs for every attribute that is read. */
  #mayBeOctets(at: number, texts: ReadonlyArray<string>): boolean {
    if (this.#text?.hasOnlyText === true) return false
    if (texts.length > manyValues) {
      const set = this.#setOf(this.#seek(at))
      if (isAscii(this.bytes.subarray(contentStart(this.bytes, set), elementEnd(this.bytes, set)))) return false
    }
    for (let i = 0; i < texts.length; i++) if (texts[i]!.includes(replacement)) return true
    return false
  }

  #setOf(attribute: number): number {
    return elementEnd(this.bytes, contentStart(this.bytes, attribute))
  }

  #seek(at: number): number {
    let attribute = this.#attribute
    if (at !== this.#at) {
      if (at < this.#at) {
        if (this.#names.descriptions.length > tooManyToCount) {
          this.#attributes ??= elementsIn(this.bytes, this.#start, this.#end)
        }
        attribute = this.#start
        this.#at = 0
      }
      if (this.#attributes !== undefined) attribute = this.#attributes[at]!
      else for (let i = this.#at; i < at; i++) attribute = elementEnd(this.bytes, attribute)
      this.#at = at
      this.#attribute = attribute
    }
    return attribute
  }

  /** Counts a read. After enough reads most of the entry will probably be used, so it decodes the text of the whole entry. */
  #nextText(): EntryText | undefined {
    const count = this.#names.descriptions.length
    return ++this.#readings === manyReadings && count >= manyAttributes
      ? (this.#text = textOf(this.bytes, this.#start, this.#end, count, this.#isLong, this.#names.areAscii))
      : undefined
  }
}

const asText = (text: string, octets: Uint8Array): string =>
  text.includes(replacement) && !isUtf8(octets) ? octetsAsText(octets) : text

/**
 * Bytes that aren't text, as a data URL (RFC 2397). The URL is recognisable and contains all bytes. So different values stay
 * different, and aren't mistaken for text.
 */
export const octetsAsText = (octets: Uint8Array): string => `data:application/octet-stream;base64,${base64(octets)}`

export const base64 = (octets: Uint8Array): string =>
  Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString("base64")

const noOctets: ReadonlyArray<never> = []

/** Views of all values. */
export const octetsOf = (values: BerReader): ReadonlyArray<Uint8Array> => {
  if (values.done) return noOctets
  const found: Array<Uint8Array> = [values.octets()]
  while (!values.done) found.push(values.octets())
  return found
}

const elementsIn = (bytes: Buffer, start: number, end: number): ReadonlyArray<number> => {
  const found: Array<number> = []
  for (let at = start; at < end; at = elementEnd(bytes, at)) found.push(at)
  return found
}

/** The names of the previous entry. */
let last = new Names([])

/** The index of the content of a SearchResultEntry, whose structure has been checked. */
export const indexOf = (bytes: Buffer, start: number): EntryIndex => {
  const before = last.descriptions
  // As long as the names are those of the previous entry, the entry needs no list of its own.
  let descriptions: Array<Description> | undefined
  let count = 0
  let isLong = false
  const list = elementEnd(bytes, start)
  const first = contentStart(bytes, list)
  const end = elementEnd(bytes, list)
  for (let attribute = first; attribute < end; attribute = elementEnd(bytes, attribute)) {
    const name = contentStart(bytes, attribute)
    const nameStart = contentStart(bytes, name)
    const nameEnd = elementEnd(bytes, name)
    if (descriptions !== undefined) {
      descriptions.push(known(bytes, nameStart, nameEnd))
    } else if (count === before.length || !isSame(before[count]!.octets, bytes, nameStart, nameEnd)) {
      descriptions = before.slice(0, count)
      descriptions.push(known(bytes, nameStart, nameEnd))
    }
    isLong ||= name - attribute > 2
    count++
  }
  if (descriptions === undefined && count < before.length) descriptions = before.slice(0, count)
  if (descriptions === undefined) return new EntryIndex(bytes, last, first, end, isLong)
  if (byLower(descriptions).size < count) return merged(bytes, descriptions, elementsIn(bytes, first, end))
  return new EntryIndex(bytes, last = new Names(descriptions), first, end, isLong)
}

/** No attribute may occur twice (RFC 4511 section 4.1.7). If a server sends one twice, the values are merged. */
const merged = (
  bytes: Buffer,
  descriptions: ReadonlyArray<Description>,
  attributes: ReadonlyArray<number>
): EntryIndex => {
  const found = new Map<string, { readonly description: Description; readonly places: Array<number> }>()
  for (const [at, description] of descriptions.entries()) {
    const first = found.get(description.lower)
    if (first === undefined) found.set(description.lower, { description, places: [at] })
    else first.places.push(at)
  }
  const writer = new BerWriter()
  for (const { description, places } of found.values()) {
    writer.start()
    writer.octets(description.octets)
    writer.start(Tag.set)
    for (const at of places) {
      const set = elementEnd(bytes, contentStart(bytes, attributes[at]!))
      writer.raw(bytes.subarray(contentStart(bytes, set), elementEnd(bytes, set)))
    }
    writer.end()
    writer.end()
  }
  const together = writer.finish()
  const names = new Names(Array.from(found.values(), ({ description }) => description))
  return new EntryIndex(together, names, 0, together.length, true)
}

// ---------------------------------------------------------------------------------------------------------------------
// Names that were seen before
// ---------------------------------------------------------------------------------------------------------------------

const tableSize = 512
const longestKnown = 64

/** Indexed by a number computed from their bytes. A name replaces another one with the same number, so the table can't grow. */
const names: Array<Description | undefined> = Array.from({ length: tableSize })

const known = (bytes: Buffer, start: number, end: number): Description => {
  const length = end - start
  if (length === 0 || length > longestKnown) return descriptionOf(bytes, start, end)
  const place = (length * 31 + bytes[start]! * 7 + bytes[start + (length >> 1)]! * 13 + bytes[end - 1]! * 17) &
    (tableSize - 1)
  const candidate = names[place]
  return candidate !== undefined && isSame(candidate.octets, bytes, start, end)
    ? candidate
    : (names[place] = descriptionOf(bytes, start, end))
}

const isSame = (octets: Uint8Array, bytes: Buffer, start: number, end: number): boolean => {
  if (octets.length !== end - start) return false
  for (let i = 0; i < octets.length; i++) if (octets[i] !== bytes[start + i]) return false
  return true
}

const descriptionOf = (bytes: Buffer, start: number, end: number): Description => {
  const text = descriptionTextAt(bytes, start, end)
  const lower = text.toLowerCase()
  const plain = lower.includes(";") ? lower.replace(/;(?:binary|range=[^;]*)(?=;|$)/g, "") : lower
  return {
    text,
    lower,
    octets: new Uint8Array(bytes.subarray(start, end)),
    isBinary: isBinary(lower),
    plain: plain === lower ? undefined : plain
  }
}
