/**
 * The BER form of filters (RFC 4511 section 4.5.1.7).
 *
 * Both directions work without recursion: a deeply nested filter takes memory in proportion to its depth, but no stack. Encoding
 * doesn't check the filter; requests call `LdapFilter.validate` first.
 *
 * @since 0.1.0
 */
import { BerError, type BerReader, Tag } from "../../ber/BerReader.ts"
import type { BerWriter } from "../../ber/BerWriter.ts"
import { descriptionOctets, descriptionTextAt } from "../losslessText.ts"
import type { And, Extensible, LdapFilter, Not, Or, Substrings } from "./LdapFilterModel.ts"
import { defaultMaxDepth } from "./LdapFilterText.ts"

export const FilterTag = {
  and: 0xa0,
  or: 0xa1,
  not: 0xa2,
  equality: 0xa3,
  substrings: 0xa4,
  greaterOrEqual: 0xa5,
  lessOrEqual: 0xa6,
  present: 0x87,
  approx: 0xa8,
  extensible: 0xa9
} as const

const SubstringTag = { initial: 0x80, any: 0x81, final: 0x82 } as const

const ExtensibleTag = { rule: 0x81, attribute: 0x82, value: 0x83, dnAttributes: 0x84 } as const

// ---------------------------------------------------------------------------------------------------------------------
// Encoding
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Writes a filter.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encode = (filter: LdapFilter, writer: BerWriter): void => {
  // `null` marks the end of the filter that was started last.
  const rest: Array<LdapFilter | null> = [filter]
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    if (next === null) {
      writer.end()
    } else if (next._tag === "And" || next._tag === "Or") {
      writer.start(next._tag === "And" ? FilterTag.and : FilterTag.or)
      rest.push(null)
      for (let i = next.filters.length - 1; i >= 0; i--) rest.push(next.filters[i]!)
    } else if (next._tag === "Not") {
      writer.start(FilterTag.not)
      rest.push(null, next.filter)
    } else {
      encodeItem(next, writer)
    }
  }
}

const encodeItem = (filter: Exclude<LdapFilter, And | Or | Not>, writer: BerWriter): void => {
  switch (filter._tag) {
    case "Equality":
      return encodeAssertion(FilterTag.equality, filter.attribute, filter.value, writer)
    case "GreaterOrEqual":
      return encodeAssertion(FilterTag.greaterOrEqual, filter.attribute, filter.value, writer)
    case "LessOrEqual":
      return encodeAssertion(FilterTag.lessOrEqual, filter.attribute, filter.value, writer)
    case "Approx":
      return encodeAssertion(FilterTag.approx, filter.attribute, filter.value, writer)
    case "Present":
      return writer.octets(descriptionOctets(filter.attribute), FilterTag.present)
    case "Substrings":
      return encodeSubstrings(filter, writer)
    case "Extensible":
      return encodeExtensible(filter, writer)
  }
}

const encodeAssertion = (tag: number, attribute: string, value: Uint8Array, writer: BerWriter): void => {
  writer.start(tag)
  writer.octets(descriptionOctets(attribute))
  writer.octets(value)
  writer.end()
}

const encodeSubstrings = (filter: Substrings, writer: BerWriter): void => {
  writer.start(FilterTag.substrings)
  writer.octets(descriptionOctets(filter.attribute))
  writer.start()
  if (filter.initial !== undefined) writer.octets(filter.initial, SubstringTag.initial)
  for (const any of filter.any) writer.octets(any, SubstringTag.any)
  if (filter.final !== undefined) writer.octets(filter.final, SubstringTag.final)
  writer.end()
  writer.end()
}

const encodeExtensible = (filter: Extensible, writer: BerWriter): void => {
  writer.start(FilterTag.extensible)
  if (filter.rule !== undefined) writer.octets(filter.rule, ExtensibleTag.rule)
  if (filter.attribute !== undefined) writer.octets(descriptionOctets(filter.attribute), ExtensibleTag.attribute)
  writer.octets(filter.value, ExtensibleTag.value)
  // The default value is not encoded (RFC 4511 section 5.1).
  if (filter.dnAttributes) writer.boolean(true, ExtensibleTag.dnAttributes)
  writer.end()
}

// ---------------------------------------------------------------------------------------------------------------------
// Decoding
// ---------------------------------------------------------------------------------------------------------------------

/** A filter that contains filters, and whose content hasn't been read completely. */
interface Open {
  readonly tag: number
  readonly content: BerReader
  readonly filters: Array<LdapFilter>
}

/**
 * Reads the filter that is the reader's next element, and moves the reader past it.
 *
 * **Details**
 *
 * Throws a {@link BerError} for anything that RFC 4511 does not allow, and for filters that nest deeper than `maxDepth` (a
 * comparison alone has depth 1). Empty `and` and `or` are the constants of RFC 4526. Attribute descriptions are not checked: a
 * server evaluates a filter with an invalid one as Undefined. Values are views into the message.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (reader: BerReader, maxDepth: number = defaultMaxDepth): LdapFilter => {
  const open: Array<Open> = []
  for (;;) {
    const parent = open[open.length - 1]
    let complete: LdapFilter
    if (parent !== undefined && parent.content.done && (parent.tag !== FilterTag.not || parent.filters.length === 1)) {
      open.pop()
      complete = composite(parent)
    } else {
      const from = parent?.content ?? reader
      if (parent?.tag === FilterTag.not && parent.filters.length === 1) from.expectEnd()
      if (open.length >= maxDepth) throw new BerError(`filters nest deeper than ${maxDepth}`, from.position)
      from.limits?.countElements(1, from.position)
      const tag = from.peek()
      if (tag === FilterTag.and || tag === FilterTag.or || tag === FilterTag.not) {
        open.push({ tag, content: from.sequence(tag), filters: [] })
        continue
      }
      complete = decodeItem(tag, from)
    }
    const holder = open[open.length - 1]
    if (holder === undefined) return complete
    holder.filters.push(complete)
  }
}

const composite = ({ filters, tag }: Open): LdapFilter =>
  tag === FilterTag.not ? { _tag: "Not", filter: filters[0]! } : { _tag: tag === FilterTag.and ? "And" : "Or", filters }

const decodeItem = (tag: number, from: BerReader): LdapFilter => {
  switch (tag) {
    case FilterTag.equality:
      return { _tag: "Equality", ...decodeAssertion(from.sequence(tag)) }
    case FilterTag.greaterOrEqual:
      return { _tag: "GreaterOrEqual", ...decodeAssertion(from.sequence(tag)) }
    case FilterTag.lessOrEqual:
      return { _tag: "LessOrEqual", ...decodeAssertion(from.sequence(tag)) }
    case FilterTag.approx:
      return { _tag: "Approx", ...decodeAssertion(from.sequence(tag)) }
    case FilterTag.present:
      return { _tag: "Present", attribute: descriptionText(from, tag) }
    case FilterTag.substrings:
      return decodeSubstrings(from.sequence(tag))
    case FilterTag.extensible:
      return decodeExtensible(from.sequence(tag))
    case -1:
      throw new BerError("expected a filter, found the end", from.position)
    default:
      throw new BerError(`expected a filter, found element 0x${tag.toString(16).padStart(2, "0")}`, from.position)
  }
}

const descriptionText = (reader: BerReader, tag: number = Tag.octetString): string => {
  const end = reader.enter(tag)
  const text = descriptionTextAt(reader.bytes, reader.position, end)
  reader.position = end
  return text
}

const decodeAssertion = (content: BerReader): { readonly attribute: string; readonly value: Uint8Array } => {
  const attribute = descriptionText(content)
  const value = content.octets()
  content.expectEnd()
  return { attribute, value }
}

const decodeSubstrings = (content: BerReader): Substrings => {
  const attribute = descriptionText(content)
  const at = content.position
  const parts = content.sequence(Tag.sequence)
  content.expectEnd()
  if (parts.done) throw new BerError("a substring filter without substrings", at)
  const initial = parts.peek() === SubstringTag.initial ? substring(parts, SubstringTag.initial) : undefined
  const any: Array<Uint8Array> = []
  while (parts.peek() === SubstringTag.any && parts.hasNext()) any.push(substring(parts, SubstringTag.any))
  const final = parts.peek() === SubstringTag.final ? substring(parts, SubstringTag.final) : undefined
  // The remaining element isn't a substring, or is misplaced: an initial that isn't first, or a final that isn't last.
  parts.expectEnd()
  return {
    _tag: "Substrings",
    attribute,
    ...(initial === undefined ? undefined : { initial }),
    any,
    ...(final === undefined ? undefined : { final })
  }
}

const substring = (parts: BerReader, tag: number): Uint8Array => {
  const at = parts.position
  const value = parts.octets(tag)
  if (value.length === 0) throw new BerError("an empty substring", at)
  return value
}

const decodeExtensible = (content: BerReader): Extensible => {
  const at = content.position
  const rule = content.peek() === ExtensibleTag.rule ? content.text(ExtensibleTag.rule) : undefined
  const attribute = content.peek() === ExtensibleTag.attribute
    ? descriptionText(content, ExtensibleTag.attribute)
    : undefined
  if (rule === undefined && attribute === undefined) {
    throw new BerError("an extensible match without a matching rule and an attribute", at)
  }
  const value = content.octets(ExtensibleTag.value)
  const dnAttributes = content.peek() === ExtensibleTag.dnAttributes && content.boolean(ExtensibleTag.dnAttributes)
  content.expectEnd()
  return {
    _tag: "Extensible",
    ...(rule === undefined ? undefined : { rule }),
    ...(attribute === undefined ? undefined : { attribute }),
    value,
    dnAttributes
  }
}
