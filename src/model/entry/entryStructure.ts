/**
 * Checks the content of a SearchResultEntry (RFC 4511 section 4.5.2) once, when it arrives, so that decoding its values later can't
 * fail. EntryIndex.ts finds the attributes.
 */
import { BerReader, Tag } from "../../ber/BerReader.ts"
import { contentStart, elementEnd, noEnd } from "../../ber/element.ts"
import type { ElementLimits } from "../../ber/ElementLimits.ts"

/**
 * Moves the reader to the end of its content. Throws a `BerError` if the structure is invalid, or if it has more attributes or
 * values than the limits of the reader allow.
 */
export const checkStructure = (content: BerReader): void => {
  const start = content.position
  if (content.end < noEnd && isPlain(content.bytes, start, content.end)) content.position = content.end
  else checkElements(content)
  if (content.limits !== undefined) countIn(content.bytes, start, content.end, content.limits)
}

const { octetString } = Tag

/**
 * Whether the structure is valid and has no elements that a later version of the protocol might add. Nearly always true.
 *
 * It runs over every element of every entry, so lengths below 128 are read here: functions of `element.ts`, which read a length anew for
 * each question, take a quarter more. And code that isn't compiled yet, as for the first group of a process, makes each call.
 */
const isPlain = (bytes: Buffer, start: number, end: number): boolean => {
  const list = elementEnd(bytes, start)
  if (bytes[start] !== octetString || !(list < end)) return false
  if (bytes[list] !== Tag.sequence || elementEnd(bytes, list) !== end) return false
  for (let attribute = contentStart(bytes, list); attribute < end;) {
    if (bytes[attribute] !== Tag.sequence) return false
    const length = bytes[attribute + 1]!
    const name = length < 0x80 ? attribute + 2 : contentStart(bytes, attribute)
    const attributeEnd = length < 0x80 ? name + length : elementEnd(bytes, attribute)
    if (bytes[name] !== octetString || !(attributeEnd <= end)) return false
    const nameLength = bytes[name + 1]!
    const values = nameLength < 0x80 ? name + 2 + nameLength : elementEnd(bytes, name)
    if (bytes[values] !== Tag.set) return false
    const valuesLength = bytes[values + 1]!
    let value = valuesLength < 0x80 ? values + 2 : contentStart(bytes, values)
    const valuesEnd = valuesLength < 0x80 ? value + valuesLength : elementEnd(bytes, values)
    // Also if the name passes the end of the attribute.
    if (valuesEnd !== attributeEnd) return false
    while (value < attributeEnd) {
      if (bytes[value] !== octetString) return false
      const valueLength = bytes[value + 1]!
      value = valueLength < 0x80 ? value + 2 + valueLength : elementEnd(bytes, value)
    }
    // Also if a value passes the end, or its length is invalid.
    if (value !== attributeEnd) return false
    attribute = attributeEnd
  }
  return true
}

/** The minimum number of bytes of an attribute, and of a value. */
const smallestAttribute = 6
const smallestValue = 2

/**
 * Throws if there are more attributes or values than allowed. Most entries are too short to have too many, so they aren't counted.
 */
const countIn = (bytes: Buffer, start: number, end: number, limits: ElementLimits): void => {
  const size = end - start
  if (size < limits.maxElements * smallestAttribute && size < limits.maxValues * smallestValue) return
  const list = elementEnd(bytes, start)
  const listEnd = elementEnd(bytes, list)
  for (let attribute = contentStart(bytes, list); attribute < listEnd; attribute = elementEnd(bytes, attribute)) {
    limits.countElements(1, attribute)
    const set = elementEnd(bytes, contentStart(bytes, attribute))
    const setEnd = elementEnd(bytes, set)
    for (let value = contentStart(bytes, set); value < setEnd; value = elementEnd(bytes, value)) {
      limits.countValues(1, value)
    }
  }
}

/** Throws at the first invalid element. */
const checkElements = (content: BerReader): void => {
  content.position = content.enter(Tag.octetString)
  const attributesEnd = content.enter(Tag.sequence)
  while (content.position < attributesEnd) {
    const attributeEnd = content.enter(Tag.sequence, attributesEnd)
    content.position = content.enter(Tag.octetString, attributeEnd)
    const valuesEnd = content.enter(Tag.set, attributeEnd)
    while (content.position < valuesEnd) content.position = content.enter(Tag.octetString, valuesEnd)
    if (valuesEnd < attributeEnd) new BerReader(content.bytes, valuesEnd, attributeEnd).passExtensions()
    content.position = attributeEnd
  }
  content.passExtensions()
}
