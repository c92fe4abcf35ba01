/**
 * Decodes values to text: one by one, all of one attribute, or all of an entry as slices of one string.
 *
 * Making a string from bytes costs about as much as four slices of an existing string. So an entry whose values are read one after
 * another decodes its whole text at once and keeps it; callers get slices. A slice keeps the whole string in memory, so the string
 * contains only this entry and has a limited length.
 *
 * The structure of all bytes here has been checked.
 */
import { isAscii } from "node:buffer"
import { endianness } from "node:os"
import { contentStart, elementEnd } from "../../ber/element.ts"

/** The maximum number of bytes that are decoded at once. */
const longest = 4096

/** The most values of an attribute for which memory is allocated before they are read. */
const mostExpected = 65_536

const noValues: ReadonlyArray<never> = []

/** The replacement character for bytes that aren't UTF-8. A server may send this character too. */
export const replacement = "\ufffd"

/** The first value of a set, or `undefined`. */
export const firstText = (bytes: Buffer, set: number): string | undefined => {
  const value = contentStart(bytes, set)
  return value === elementEnd(bytes, set) ? undefined : textAt(bytes, value)
}

/**
 * All values of a set. Groups have thousands, often in the first search of a process, whose code isn't compiled yet. So this is one
 * loop with few calls.
 */
export const allTexts = (bytes: Buffer, set: number): ReadonlyArray<string> => {
  let value = contentStart(bytes, set)
  const end = elementEnd(bytes, set)
  if (value === end) return noValues
  const isLong = end - value > longest
  const expected = isLong ? expectedCount(bytes, value, end) : countValues(bytes, value, end)
  if (expected === 1) return [textAt(bytes, value)]
  const found = new Array<string>(expected)
  let count = 0
  const areAscii = isLong && isAscii(bytes.subarray(value, end))
  let block = ""
  let blockStart = 0
  let blockEnd = 0
  while (value < end) {
    const length = bytes[value + 1]!
    const start = length < 0x80 ? value + 2 : contentStart(bytes, value)
    value = length < 0x80 ? start + length : elementEnd(bytes, value)
    if (value > blockEnd) {
      blockStart = start
      blockEnd = Math.min(start + longest, end)
      // For a few values, decoding all of them takes longer.
      const isWorthIt = blockEnd - start > 8 * (value - start)
      block = isWorthIt && (areAscii || isAscii(bytes.subarray(start, blockEnd)))
        ? bytes.toString("latin1", start, blockEnd)
        : ""
    }
    found[count++] = block === ""
      ? bytes.toString("utf8", start, value)
      : block.substring(start - blockStart, value - blockStart)
  }
  if (count !== expected) found.length = count
  return found
}

/** As many values as there are if all are as long as the first one, since counting them would be another loop. Never 1. */
const expectedCount = (bytes: Buffer, start: number, end: number): number =>
  Math.max(2, Math.min(Math.ceil((end - start) / (elementEnd(bytes, start) - start)), mostExpected))

/** The content of an element as text. */
export const textAt = (bytes: Buffer, value: number): string =>
  bytes.toString("utf8", contentStart(bytes, value), elementEnd(bytes, value))

const countValues = (bytes: Buffer, start: number, end: number): number => {
  let count = 0
  for (let value = start; value < end; value = elementEnd(bytes, value)) count++
  return count
}

// ---------------------------------------------------------------------------------------------------------------------
// All values of an entry
// ---------------------------------------------------------------------------------------------------------------------

/**
 * The text of an entry with this many attributes from `start` to `end`; `undefined` if it is too long. `isLong`: the length of some
 * attribute takes several bytes. `isPlain`: all descriptions are ASCII.
 */
export const textOf = (
  bytes: Buffer,
  start: number,
  end: number,
  attributes: number,
  isLong: boolean,
  isPlain: boolean
): EntryText | undefined => {
  const length = end - start
  if (length > longest || attributes === 0) return undefined
  if (isLong) copyWithoutLengths(bytes, start, end)
  // The fewest calls of the runtime are fastest: a check for ASCII costs as much as this.
  const text = isLong ? copy.toString("utf8", 0, length) : bytes.toString("utf8", start, end)
  // The text has as many code units as bytes. So either all bytes are ASCII, or each other byte became one U+FFFD, as it does if a
  // value is decoded alone.
  if (text.length === length) return new EntryText(text, start, true, undefined)
  if (!isLong) bytes.copy(copy, 0, start, end)
  const places = isPlain ? placesIn(text, bytes, start, length, attributes) : undefined
  return places === undefined
    ? new EntryText(bytes.toString("latin1", start, end), start, false, undefined)
    : new EntryText(text, start, true, places)
}

export class EntryText {
  /** The text of all attributes, including the bytes between their values. */
  readonly #text: string
  /** The position in the bytes where the text begins. */
  readonly #start: number
  /** Whether any value can be sliced from it. Otherwise some bytes aren't ASCII, and slices with U+FFFD aren't used. */
  readonly #isText: boolean
  /**
   * The positions in the text where each attribute begins, and where the last one ends. Without it there is one code unit for each
   * byte.
   */
  readonly #places: ReadonlyArray<number> | undefined
  /** Whether no value can contain U+FFFD, the replacement for bytes that aren't text. */
  readonly hasOnlyText: boolean

  constructor(text: string, start: number, isText: boolean, places: ReadonlyArray<number> | undefined) {
    this.#text = text
    this.#start = start
    this.#isText = isText
    this.#places = places
    this.hasOnlyText = isText && !text.includes(replacement)
  }

  /** The first value of the attribute at `attribute`, or `undefined`. `place` is its place in the order. */
  first(bytes: Buffer, at: number, attribute: number): string | undefined {
    const set = elementEnd(bytes, contentStart(bytes, attribute))
    const value = contentStart(bytes, set)
    if (value === elementEnd(bytes, set)) return undefined
    if (this.#places === undefined) return this.#cut(bytes, value)
    const start = contentStart(bytes, value)
    const place = this.#places[at]! + start - attribute
    return this.#text.substring(place, place + beginningsIn(bytes, start, elementEnd(bytes, value)))
  }

  /** All values of the attribute at `attribute`. `place` is its place in the order. */
  all(bytes: Buffer, at: number, attribute: number): ReadonlyArray<string> {
    if (this.#places !== undefined) return this.#allPlaced(bytes, this.#places, at, attribute)
    const set = elementEnd(bytes, contentStart(bytes, attribute))
    const end = elementEnd(bytes, set)
    let value = contentStart(bytes, set)
    if (value === end) return noValues
    const first = this.#cut(bytes, value)
    value = elementEnd(bytes, value)
    // Most attributes have one value.
    if (value === end) return [first]
    const found = new Array<string>(1 + countValues(bytes, value, end))
    found[0] = first
    for (let i = 1; value < end; i++) {
      found[i] = this.#cut(bytes, value)
      value = elementEnd(bytes, value)
    }
    return found
  }

  #cut(bytes: Buffer, value: number): string {
    const start = contentStart(bytes, value)
    const end = elementEnd(bytes, value)
    if (!this.#isText) {
      for (let i = start; i < end; i++) if (bytes[i]! > 0x7f) return bytes.toString("utf8", start, end)
    }
    return this.#text.substring(start - this.#start, end - this.#start)
  }

  #allPlaced(bytes: Buffer, places: ReadonlyArray<number>, at: number, attribute: number): ReadonlyArray<string> {
    const set = elementEnd(bytes, contentStart(bytes, attribute))
    const end = elementEnd(bytes, set)
    let value = contentStart(bytes, set)
    if (value === end) return noValues
    const text = this.#text
    let start = contentStart(bytes, value)
    let place = places[at]! + start - attribute
    value = elementEnd(bytes, value)
    if (value === end) return [text.substring(place, places[at + 1])]
    const found = new Array<string>(1 + countValues(bytes, value, end))
    for (let i = 0;; i++) {
      const placeEnd = place + beginningsIn(bytes, start, value)
      found[i] = text.substring(place, placeEnd)
      if (value === end) return found
      start = contentStart(bytes, value)
      place = placeEnd + start - value
      value = elementEnd(bytes, value)
    }
  }
}

/** The number of bytes, without continuation bytes of UTF-8. */
const beginningsIn = (bytes: Buffer, start: number, end: number): number => {
  let count = 0
  for (let i = start; i < end; i++) if ((bytes[i]! & 0xc0) !== 0x80) count++
  return count
}

// ---------------------------------------------------------------------------------------------------------------------
// For entries that aren't all ASCII. Their bytes are copied, so that characters can be counted in words, and lengths of several
// bytes, which aren't text, can be overwritten.
// ---------------------------------------------------------------------------------------------------------------------

/** Reused for every entry. */
const copy = Buffer.alloc(longest + 4)
const words = new Int32Array(copy.buffer, copy.byteOffset, copy.length >> 2)
const insides = new Int16Array(words.length)
/** Whether the first byte of a word is the low one, as {@link insidesBefore} assumes. */
const isCountable = endianness() === "LE"

/**
 * The positions in the text where each attribute begins, and where the last one ends. `undefined` if the text doesn't have exactly
 * one code unit for each byte that begins a character: then it isn't valid UTF-8, or has characters of two code units. The bytes
 * between values are ASCII, so a character can't extend from one value into the next.
 */
const placesIn = (
  text: string,
  bytes: Buffer,
  start: number,
  length: number,
  count: number
): ReadonlyArray<number> | undefined => {
  if (!isCountable) return undefined
  const places = new Array<number>(count + 1)
  countInsides(length)
  let attribute = start
  for (let at = 0; at < count; at++) {
    places[at] = attribute - start - insidesBefore(attribute - start)
    const next = elementEnd(bytes, attribute)
    const set = elementEnd(bytes, contentStart(bytes, attribute))
    // An element that a later version of the protocol might have added.
    if (elementEnd(bytes, set) !== next) return undefined
    attribute = next
  }
  places[count] = length - insidesBefore(length)
  return text.length === places[count] ? places : undefined
}

const copyWithoutLengths = (bytes: Buffer, start: number, end: number): void => {
  bytes.copy(copy, 0, start, end)
  for (let attribute = start; attribute < end;) {
    const next = elementEnd(bytes, attribute)
    if (bytes[attribute + 1]! > 0x7f) {
      const name = contentStart(bytes, attribute)
      const set = elementEnd(bytes, name)
      const setEnd = elementEnd(bytes, set)
      clearLength(bytes, attribute, start)
      clearLength(bytes, name, start)
      clearLength(bytes, set, start)
      for (let value = contentStart(bytes, set); value < setEnd; value = elementEnd(bytes, value)) {
        clearLength(bytes, value, start)
      }
    }
    attribute = next
  }
}

const clearLength = (bytes: Buffer, element: number, base: number): void => {
  const end = contentStart(bytes, element) - base
  for (let i = element + 1 - base; i < end; i++) copy[i] = 0
}

/** Counts, for each word, the continuation bytes of UTF-8 before it. */
const countInsides = (length: number): void => {
  const end = length >> 2
  let count = 0
  for (let at = 0; at <= end; at++) {
    insides[at] = count
    count += sumOf(insidesOf(words[at]!))
  }
}

/** The number of continuation bytes before a position in the copied bytes. */
const insidesBefore = (octet: number): number => {
  const before = ~(-1 << ((octet & 3) << 3))
  return insides[octet >> 2]! + sumOf(insidesOf(words[octet >> 2]!) & before)
}

/** For each byte of a word: 1 if it is a continuation byte (10xxxxxx), otherwise 0. */
const insidesOf = (word: number): number => ((word & ~(word << 1)) >>> 7) & 0x01010101

/** The sum of the bytes of a word, if it fits into one byte. */
const sumOf = (word: number): number => Math.imul(word, 0x01010101) >>> 24
