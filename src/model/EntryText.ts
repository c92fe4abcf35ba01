/**
 * All values of an entry as text, cut out of one string.
 *
 * To ask the runtime for a string costs about as much as to cut four out of one that is there. So an entry of which somebody reads
 * value after value gets its text all at once. The string has nothing of other entries and is of a limited length: that is what
 * a value keeps alive that is kept.
 */
import { endianness } from "node:os"
import { contentStart, elementEnd } from "../ber/element.ts"

/** So many octets at most are made text for the sake of those that are read. */
const longest = 4096

/**
 * The values of each attribute, or `undefined` where they are too long for this. `ranges` has two numbers for each attribute:
 * where its first value begins, and where its last one ends, in octets that were found to be in order.
 */
export const allTexts = (
  bytes: Buffer,
  ranges: ReadonlyArray<number>
): ReadonlyArray<ReadonlyArray<string>> | undefined => {
  if (ranges.length === 0 || ranges[ranges.length - 1]! - ranges[0]! > longest) return undefined
  const values = place(bytes, ranges)
  // Octets in ASCII are the same in Latin-1. Where few values aren't ASCII, each of those is asked for by itself.
  const text = isReadable && foreign > values >> 2
    ? decodeAll(bytes, values)
    : bytes.toString("latin1", ranges[0], ranges[ranges.length - 1])
  const texts: Array<ReadonlyArray<string>> = []
  let next = 0
  for (let at = 1; at < ranges.length; at += 2) {
    const end = ranges[at]!
    if (next === values || ends[next]! > end) {
      texts.push(noValues)
      continue
    }
    // Most attributes have one value: an array that begins with it takes the least memory.
    const cut = [textOf(bytes, text, next++)]
    while (next < values && ends[next]! <= end) cut.push(textOf(bytes, text, next++))
    texts.push(cut)
  }
  return texts
}

const noValues: ReadonlyArray<never> = []

// ---------------------------------------------------------------------------------------------------------------------
// Where values stand while an entry is cut up: used again for every entry, since a list of its own would cost more than
// all the rest. A value takes two octets at least.
// ---------------------------------------------------------------------------------------------------------------------

/** In the octets. */
const starts = new Int32Array(longest / 2)
const ends = new Int32Array(longest / 2)
/** In the text; -1 where a value isn't there. */
const textStarts = new Int32Array(longest / 2)
const textEnds = new Int32Array(longest / 2)
/** How many values aren't ASCII. */
let foreign = 0

/** Finds all values and returns their number. */
const place = (bytes: Buffer, ranges: ReadonlyArray<number>): number => {
  const base = ranges[0]!
  let values = 0
  foreign = 0
  for (let at = 0; at < ranges.length; at += 2) {
    const end = ranges[at + 1]!
    for (let value = ranges[at]!; value < end; values++) {
      const valueStart = contentStart(bytes, value)
      const valueEnd = elementEnd(bytes, value)
      starts[values] = valueStart
      ends[values] = valueEnd
      if (isAscii(bytes, valueStart, valueEnd)) {
        textStarts[values] = valueStart - base
        textEnds[values] = valueEnd - base
      } else {
        textStarts[values] = -1
        foreign++
      }
      value = valueEnd
    }
  }
  return values
}

const isAscii = (bytes: Buffer, start: number, end: number): boolean => {
  for (let i = start; i < end; i++) if (bytes[i]! > 0x7f) return false
  return true
}

const textOf = (bytes: Buffer, text: string, value: number): string => {
  const start = textStarts[value]!
  return start === -1
    ? bytes.toString("utf8", starts[value], ends[value])
    : text.substring(start, textEnds[value])
}

// ---------------------------------------------------------------------------------------------------------------------
// Entries of which much isn't ASCII
// ---------------------------------------------------------------------------------------------------------------------

/** UTF-16 as this machine has it in memory; Node takes it for text where the low octet is the first. */
const units = new Uint16Array(longest)
const unitOctets = Buffer.from(units.buffer)
const isReadable = endianness() === "LE"

/** One text of all values that are UTF-8, and their places in it. */
const decodeAll = (bytes: Buffer, values: number): string => {
  let length = 0
  for (let value = 0; value < values; value++) {
    const end = decode(bytes, starts[value]!, ends[value]!, length)
    textStarts[value] = end === -1 ? -1 : length
    if (end !== -1) textEnds[value] = length = end
  }
  return unitOctets.toString("utf16le", 0, 2 * length)
}

/**
 * Decodes UTF-8 (RFC 3629) to units from `at` on. Returns the unit behind the last one, or -1 where it isn't UTF-8: what becomes
 * of that is left to the runtime.
 */
const decode = (bytes: Buffer, start: number, end: number, at: number): number => {
  let position = start
  let unit = at
  while (position < end) {
    const lead = bytes[position++]!
    if (lead < 0x80) {
      units[unit++] = lead
      continue
    }
    const second = bytes[position++]!
    if (lead < 0xc2 || position > end || (second & 0xc0) !== 0x80) return -1
    if (lead < 0xe0) {
      units[unit++] = ((lead & 0x1f) << 6) | (second & 0x3f)
      continue
    }
    const third = bytes[position++]!
    if (position > end || (third & 0xc0) !== 0x80) return -1
    if (lead < 0xf0) {
      const point = ((lead & 0x0f) << 12) | ((second & 0x3f) << 6) | (third & 0x3f)
      if (point < 0x800 || (point >= 0xd800 && point < 0xe000)) return -1
      units[unit++] = point
      continue
    }
    const fourth = bytes[position++]!
    if (position > end || (fourth & 0xc0) !== 0x80 || lead > 0xf4) return -1
    const point = ((lead & 0x07) << 18) | ((second & 0x3f) << 12) | ((third & 0x3f) << 6) | (fourth & 0x3f)
    if (point < 0x10000 || point > 0x10ffff) return -1
    units[unit++] = 0xd800 + ((point - 0x10000) >> 10)
    units[unit++] = 0xdc00 + ((point - 0x10000) & 0x3ff)
  }
  return unit
}
