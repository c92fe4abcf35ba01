/**
 * Reads entries of attributes in one pass over a piece of text, without an object for each line. Most of a text are such entries. A
 * record that is anything else, or wrong, is left to LdifLines.ts and LdifRecord.ts, which read it from its start.
 */
import { asciiOctets } from "./asciiOctets.ts"
import { AttributeList } from "./AttributeList.ts"
import { base64Octets } from "./base64Octets.ts"
import { dnName, expectAfter, expectedName, type Name, nameOf, startsWithName } from "./LdifDescriptions.ts"
import type { Entry } from "./LdifModel.ts"
import { NewEntry } from "./newObjects.ts"

/** @internal */
export class PlainEntries {
  readonly #text: string
  /** Where the last empty line begins. What is read ends before it, or there. */
  readonly #end: number
  #position = 0
  #line = 0
  /** The bytes of a part of the text. Values are parts of it. */
  #block = none
  #blockStart = 0
  #blockEnd = 0

  /** The text must be ASCII, without NUL and carriage returns. */
  constructor(text: string) {
    this.#text = text
    this.#end = text.lastIndexOf("\n\n") + 1
  }

  /** Behind the last entry. */
  get position(): number {
    return this.#position
  }

  /** The number of the line there. */
  get line(): number {
    return this.#line
  }

  /** The entry that begins at this position, which is in this line, and ends with an empty line. */
  read(position: number, line: number): Entry | undefined {
    const text = this.#text
    if (position >= this.#end || !startsWithName(text, position, this.#end, dnName)) return undefined
    // A name in base64 isn't ASCII.
    if (text.charCodeAt(position + "dn:".length) === colonSign) return undefined
    this.#position = position
    this.#line = line
    const dn = this.#value(dnName)
    const attributes = dn === undefined ? undefined : this.#attributes()
    return attributes === undefined ? undefined : new NewEntry(line, dn!.toString("latin1"), attributes)
  }

  #attributes(): Entry["attributes"] | undefined {
    const attributes = new AttributeList()
    let name: Name | undefined = dnName
    do {
      name = this.#name(name)
      if (name === undefined || name.isKeyword) return undefined
      const value = this.#value(name)
      if (value === undefined) return undefined
      attributes.add(name, value)
    } while (this.#text.charCodeAt(this.#position) !== lineFeed)
    this.#position++
    this.#line++
    return attributes.all
  }

  /** The name at the start of the line. */
  #name(last: Name): Name | undefined {
    const text = this.#text
    const start = this.#position
    const expected = expectedName(text, start, this.#end, last)
    if (expected !== undefined) return expected
    const colon = text.indexOf(":", start)
    if (colon < 0) return undefined
    const name = nameOf(text.slice(start, colon))
    if (!name.isDescription) return undefined
    expectAfter(last, name)
    return name
  }

  /** The value of the line with this name. Moves on to the next line. */
  #value(name: Name): Buffer | undefined {
    const text = this.#text
    const colon = this.#position + name.text.length
    const kind = text.charCodeAt(colon + 1)
    if (kind === less) return undefined
    let start = kind === colonSign ? colon + 2 : colon + 1
    while (text.charCodeAt(start) === space || text.charCodeAt(start) === tab) start++
    let end = text.indexOf("\n", start)
    const isFolded = text.charCodeAt(end + 1) === space
    // What is before the value may be folded as well.
    if (isFolded && start === end) return undefined
    for (; text.charCodeAt(end + 1) === space; this.#line++) end = text.indexOf("\n", end + 1)
    this.#line++
    this.#position = end + 1
    if (!isFolded && kind !== colonSign) return this.#octets(start, end)
    const value = text.slice(start, end).replaceAll("\n ", "")
    return kind === colonSign ? base64Octets(value) : asciiOctets(value, 0, value.length)
  }

  /** The bytes of a part of the text, which comes after the parts that were asked for before. */
  #octets(start: number, end: number): Buffer {
    if (end > this.#blockEnd) {
      this.#blockStart = start
      this.#blockEnd = Math.max(end, Math.min(start + blockSize, this.#end))
      this.#block = Buffer.from(this.#text.slice(start, this.#blockEnd), "latin1")
    }
    return this.#block.subarray(start - this.#blockStart, end - this.#blockStart)
  }
}

const none = Buffer.alloc(0)

/** As in asciiOctets.ts. */
const blockSize = 8192

const lineFeed = 0x0a
const tab = 0x09
const space = 0x20
const colonSign = 0x3a
const less = 0x3c
