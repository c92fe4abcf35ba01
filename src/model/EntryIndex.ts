/**
 * Where the attributes of an entry stand in its octets: their names, and for each the range that its values take.
 *
 * An entry makes its index when somebody first asks for an attribute. No value is looked at, and hardly a name is decoded: the
 * same few come again in every entry, so they are kept in a table.
 */
import { BerReader, Tag } from "../ber/BerReader.ts"
import { BerWriter } from "../ber/BerWriter.ts"

/** An attribute description as it was written, and as descriptions are compared. */
export interface Description {
  readonly text: string
  readonly lower: string
}

/** Up to so many attributes are looked through one by one: faster than a table, which would have to be filled first. */
const fewAttributes = 24

export class EntryIndex {
  /** The octets to which the ranges refer. */
  readonly bytes: Buffer
  /** In the server's order; none twice. */
  readonly descriptions: ReadonlyArray<Description>
  /** Two numbers for each description: where its first value begins, and where its last one ends. */
  readonly #ranges: ReadonlyArray<number>
  #byLower: Map<string, number> | undefined

  constructor(bytes: Buffer, descriptions: ReadonlyArray<Description>, ranges: ReadonlyArray<number>) {
    this.bytes = bytes
    this.descriptions = descriptions
    this.#ranges = ranges
  }

  /** A reader of the values of a description, in any case; none where it isn't there. */
  find(description: string): BerReader | undefined {
    const { descriptions } = this
    if (descriptions.length > fewAttributes) {
      const at = (this.#byLower ??= table(descriptions)).get(description.toLowerCase())
      return at === undefined ? undefined : this.values(at)
    }
    for (let i = 0; i < descriptions.length; i++) if (descriptions[i]!.text === description) return this.values(i)
    const lower = description.toLowerCase()
    for (let i = 0; i < descriptions.length; i++) if (descriptions[i]!.lower === lower) return this.values(i)
    return undefined
  }

  /** A reader of the values of the description at a place in the order. */
  values(at: number): BerReader {
    return new BerReader(this.bytes, this.#ranges[2 * at], this.#ranges[2 * at + 1])
  }
}

const table = (descriptions: ReadonlyArray<Description>): Map<string, number> =>
  new Map(descriptions.map(({ lower }, i) => [lower, i]))

/** The index of the content of a SearchResultEntry that was found to be in order. */
export const indexOf = (bytes: Buffer, start: number, end: number): EntryIndex => {
  const descriptions: Array<Description> = []
  const ranges: Array<number> = []
  const reader = new BerReader(bytes, start, end)
  reader.skip()
  const attributesEnd = reader.enter(Tag.sequence)
  while (reader.position < attributesEnd) {
    const attributeEnd = reader.enter(Tag.sequence)
    const nameEnd = reader.enter(Tag.octetString)
    descriptions.push(known(bytes, reader.position, nameEnd))
    reader.position = nameEnd
    const valuesEnd = reader.enter(Tag.set)
    ranges.push(reader.position, valuesEnd)
    reader.position = attributeEnd
  }
  const index = new EntryIndex(bytes, descriptions, ranges)
  return hasRepetition(descriptions) ? merged(index) : index
}

const hasRepetition = (descriptions: ReadonlyArray<Description>): boolean => {
  if (descriptions.length > fewAttributes) return table(descriptions).size < descriptions.length
  for (let i = 1; i < descriptions.length; i++) {
    const { lower } = descriptions[i]!
    for (let j = 0; j < i; j++) {
      const other = descriptions[j]!.lower
      // The lengths tell nearly all of them apart, without a call.
      if (other.length === lower.length && other === lower) return true
    }
  }
  return false
}

/** No attribute may come twice (RFC 4511 section 4.1.7). From a server that does it all the same, the values are put together. */
const merged = (index: EntryIndex): EntryIndex => {
  const found = new Map<string, { readonly description: Description; readonly places: Array<number> }>()
  for (const [at, description] of index.descriptions.entries()) {
    const first = found.get(description.lower)
    if (first === undefined) found.set(description.lower, { description, places: [at] })
    else first.places.push(at)
  }
  const writer = new BerWriter()
  const ranges: Array<number> = []
  for (const { places } of found.values()) {
    ranges.push(writer.size)
    for (const at of places) {
      const { end, position } = index.values(at)
      writer.raw(index.bytes.subarray(position, end))
    }
    ranges.push(writer.size)
  }
  return new EntryIndex(writer.finish(), Array.from(found.values(), ({ description }) => description), ranges)
}

// ---------------------------------------------------------------------------------------------------------------------
// Names that were seen before
// ---------------------------------------------------------------------------------------------------------------------

const tableSize = 512
const longestKnown = 64

/** By a number made of their octets; a name takes the place of another that has the same. So it can't grow. */
const names: Array<Description | undefined> = Array.from({ length: tableSize })

const known = (bytes: Buffer, start: number, end: number): Description => {
  const length = end - start
  if (length === 0 || length > longestKnown) return descriptionOf(bytes, start, end)
  const place = (length * 31 + bytes[start]! * 7 + bytes[start + (length >> 1)]! * 13 + bytes[end - 1]! * 17) &
    (tableSize - 1)
  const candidate = names[place]
  return candidate !== undefined && isText(candidate.text, bytes, start, length)
    ? candidate
    : (names[place] = descriptionOf(bytes, start, end))
}

/** Whether the octets are this text. A text that isn't ASCII never is. */
const isText = (text: string, bytes: Buffer, start: number, length: number): boolean => {
  if (text.length !== length) return false
  for (let i = 0; i < length; i++) {
    const octet = bytes[start + i]!
    if (octet !== text.charCodeAt(i) || octet > 0x7f) return false
  }
  return true
}

const descriptionOf = (bytes: Buffer, start: number, end: number): Description => {
  const text = bytes.toString("utf8", start, end)
  return { text, lower: text.toLowerCase() }
}
