/**
 * Where the attributes of an entry stand in its octets: their names, and for each the range that its values take.
 *
 * An entry makes its index when somebody first asks for an attribute. No value is looked at, and hardly a name is decoded: the
 * same few come again in every entry, most often even in the same order, so that entries share their list of names.
 */
import { BerReader } from "../ber/BerReader.ts"
import { BerWriter } from "../ber/BerWriter.ts"
import { contentStart, elementEnd } from "../ber/element.ts"
import { allTexts } from "./EntryText.ts"

/** An attribute description as it was written, and as descriptions are compared. */
export interface Description {
  readonly text: string
  readonly lower: string
}

/** The attributes of an entry in the server's order; none twice. */
class Names {
  readonly descriptions: ReadonlyArray<Description>
  #byText: Map<string, number> | undefined
  #byLower: Map<string, number> | undefined

  constructor(descriptions: ReadonlyArray<Description>) {
    this.descriptions = descriptions
  }

  /** The place of a description in the order, in any case; -1 where it isn't there. */
  find(description: string): number {
    const at = (this.#byText ??= new Map(this.descriptions.map(({ text }, i) => [text, i]))).get(description)
    return at ?? (this.#byLower ??= byLower(this.descriptions)).get(description.toLowerCase()) ?? -1
  }
}

const byLower = (descriptions: ReadonlyArray<Description>): Map<string, number> =>
  new Map(descriptions.map(({ lower }, i) => [lower, i]))

/** From how many attributes on the text of an entry is made at once, and at the how manieth reading of text. */
const manyAttributes = 7
const manyReadings = 3

export class EntryIndex {
  /** The octets to which the ranges refer. */
  readonly bytes: Buffer
  readonly #names: Names
  /** Two numbers for each description: where its first value begins, and where its last one ends. */
  readonly #ranges: ReadonlyArray<number>
  /** The place that was found last: who reads one attribute after another wants the next. */
  #found = -1
  #readings = 0
  #texts: ReadonlyArray<ReadonlyArray<string>> | undefined

  constructor(bytes: Buffer, names: Names, ranges: ReadonlyArray<number>) {
    this.bytes = bytes
    this.#names = names
    this.#ranges = ranges
  }

  get descriptions(): ReadonlyArray<Description> {
    // Who asks for all names will most likely ask for what they stand for.
    if (this.#texts === undefined) this.#readings = manyReadings - 1
    return this.#names.descriptions
  }

  /** The place of a description in the order, in any case; -1 where it isn't there. */
  find(description: string): number {
    const { descriptions } = this.#names
    const next = this.#found + 1
    const at = next < descriptions.length && descriptions[next]!.text === description
      ? next
      : this.#names.find(description)
    if (at !== -1) this.#found = at
    return at
  }

  /** A reader of the values of the description at a place in the order. */
  values(at: number): BerReader {
    return new BerReader(this.bytes, this.#ranges[2 * at], this.#ranges[2 * at + 1])
  }

  /**
   * All values as text, by place, for who is about to read those at one place; `undefined` as long as it doesn't look as if
   * anybody would read most of them.
   */
  get texts(): ReadonlyArray<ReadonlyArray<string>> | undefined {
    if (
      this.#texts === undefined && ++this.#readings === manyReadings &&
      this.#names.descriptions.length >= manyAttributes
    ) {
      this.#texts = allTexts(this.bytes, this.#ranges)
    }
    return this.#texts
  }
}

/** The names of the entry before. */
let last = new Names([])

/** The index of the content of a SearchResultEntry that was found to be in order. */
export const indexOf = (bytes: Buffer, start: number): EntryIndex => {
  const before = last.descriptions
  // As long as it is the same as those of the entry before, there is no list of its own.
  let descriptions: Array<Description> | undefined
  let count = 0
  const ranges: Array<number> = []
  const list = elementEnd(bytes, start)
  const end = elementEnd(bytes, list)
  for (let attribute = contentStart(bytes, list); attribute < end; attribute = elementEnd(bytes, attribute)) {
    const name = contentStart(bytes, attribute)
    const nameStart = contentStart(bytes, name)
    const values = elementEnd(bytes, name)
    if (descriptions !== undefined) {
      descriptions.push(known(bytes, nameStart, values))
    } else if (count === before.length || !isText(before[count]!.text, bytes, nameStart, values - nameStart)) {
      descriptions = before.slice(0, count)
      descriptions.push(known(bytes, nameStart, values))
    }
    count++
    ranges.push(contentStart(bytes, values), elementEnd(bytes, values))
  }
  if (descriptions === undefined && count < before.length) descriptions = before.slice(0, count)
  if (descriptions === undefined) return new EntryIndex(bytes, last, ranges)
  if (byLower(descriptions).size < count) return merged(bytes, descriptions, ranges)
  return new EntryIndex(bytes, last = new Names(descriptions), ranges)
}

/** No attribute may come twice (RFC 4511 section 4.1.7). From a server that does it all the same, the values are put together. */
const merged = (
  bytes: Buffer,
  descriptions: ReadonlyArray<Description>,
  ranges: ReadonlyArray<number>
): EntryIndex => {
  const found = new Map<string, { readonly description: Description; readonly places: Array<number> }>()
  for (const [at, description] of descriptions.entries()) {
    const first = found.get(description.lower)
    if (first === undefined) found.set(description.lower, { description, places: [at] })
    else first.places.push(at)
  }
  const writer = new BerWriter()
  const together: Array<number> = []
  for (const { places } of found.values()) {
    together.push(writer.size)
    for (const at of places) writer.raw(bytes.subarray(ranges[2 * at], ranges[2 * at + 1]))
    together.push(writer.size)
  }
  const names = new Names(Array.from(found.values(), ({ description }) => description))
  return new EntryIndex(writer.finish(), names, together)
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
