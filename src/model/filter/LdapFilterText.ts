/**
 * The text form of filters (RFC 4515): names, values, printing, and syntax errors.
 *
 * LdapFilterParser.ts parses filters, LdapFilterModel.ts defines them, LdapFilterBer.ts has their BER form.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import { isUtf8 } from "node:buffer"
import type { And, LdapFilter, Not, Or, Present, Substrings } from "./LdapFilterModel.ts"

/** The default limit of nesting. Real filters need far less. */
export const defaultMaxDepth = 100

// ---------------------------------------------------------------------------------------------------------------------
// Errors
// ---------------------------------------------------------------------------------------------------------------------

/** How much of a long filter a message shows on either side of the error. */
const excerptRadius = 60

/**
 * A text that isn't a filter. The message says what was expected, and marks the position.
 *
 * @category errors
 * @since 0.1.0
 */
export class FilterSyntaxError extends Data.TaggedError("FilterSyntaxError")<{
  /** The position of the error in `filter`, in UTF-16 code units from 0. */
  readonly position: number
  /** What is wrong at this position and what to write instead, in one line. */
  readonly detail: string
  /** The whole text; `${…}` stands for the interpolated values of a template. */
  readonly filter: string
}> {
  override get message(): string {
    const start = Math.max(0, this.position - excerptRadius)
    const end = this.position + excerptRadius
    const before = `${start > 0 ? "…" : ""}${oneLine(this.filter.slice(start, this.position))}`
    const after = `${oneLine(this.filter.slice(this.position, end))}${end < this.filter.length ? "…" : ""}`
    return `${this.detail} (position ${this.position})\n  ${before}${after}\n  ${" ".repeat(before.length)}^`
  }
}

/** Line ends and other control characters would misplace the caret in the next line. */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const oneLine = (text: string): string => text.replace(/[\u0000-\u001f\u007f]/g, " ")

// ---------------------------------------------------------------------------------------------------------------------
// Names
// ---------------------------------------------------------------------------------------------------------------------

// No two alternatives start with the same character, so these patterns never backtrack.
const oid = "(?:[A-Za-z][A-Za-z0-9_-]*|(?:0|[1-9][0-9]*)(?:\\.(?:0|[1-9][0-9]*))+)"
const attributePattern = new RegExp(`^${oid}(?:;[A-Za-z0-9-]+)*$`)
const rulePattern = new RegExp(`^${oid}$`)

/**
 * Whether the text is an attribute description (RFC 4512 section 2.5): a name or a numeric OID, optionally with options.
 * Underscores in names are accepted, since some directories have them in their schema.
 *
 * @internal
 */
export const isAttributeDescription = (text: string): boolean => isName(text) || attributePattern.test(text)

/** Whether it is a name without options, as nearly all are. Faster than the pattern. */
const isName = (text: string): boolean => {
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at)
    const isLetter = (char >= 0x61 && char <= 0x7a) || (char >= 0x41 && char <= 0x5a)
    if (!isLetter && (at === 0 || char < 0x30 || char > 0x39)) return false
  }
  return text !== ""
}

/** Whether the text names a matching rule: a name or a numeric OID. @internal */
export const isMatchingRule = (text: string): boolean => rulePattern.test(text)

/** Whether a name between colons would be read as the `dn` flag instead of a matching rule. @internal */
export const isDnFlag = (name: string): boolean => name.length === 2 && name.toLowerCase() === "dn"

// ---------------------------------------------------------------------------------------------------------------------
// Values
// ---------------------------------------------------------------------------------------------------------------------

/**
 * The filter for values that contain these parts in this order, with anything between them: the first at the beginning, the last at
 * the end. An empty part matches everything, so it is left out (RFC 4517 section 3.3.30 has no empty substrings). If no part is
 * left, every value matches, so the filter tests whether the attribute is present.
 *
 * @internal
 */
export const substringsOf = (attribute: string, parts: ReadonlyArray<Uint8Array>): Substrings | Present => {
  const initial = parts[0]
  const final = parts[parts.length - 1]
  const any = parts.slice(1, -1).filter(isGiven)
  return substringsFrom(attribute, isGiven(initial) ? initial : undefined, any, isGiven(final) ? final : undefined)
}

/** The same of parts that aren't empty. @internal */
export const substringsFrom = (
  attribute: string,
  initial: Uint8Array | undefined,
  any: ReadonlyArray<Uint8Array>,
  final: Uint8Array | undefined
): Substrings | Present => {
  // Without a spread, which takes several times as long as the rest.
  if (initial !== undefined) {
    return final === undefined
      ? { _tag: "Substrings", attribute, initial, any }
      : { _tag: "Substrings", attribute, initial, any, final }
  }
  if (final !== undefined) return { _tag: "Substrings", attribute, any, final }
  return any.length === 0 ? { _tag: "Present", attribute } : { _tag: "Substrings", attribute, any }
}

/** A part that isn't a value is kept, so that `validate` reports it. */
const isGiven = (part: unknown): boolean => !(part instanceof Uint8Array) || part.length > 0

// ---------------------------------------------------------------------------------------------------------------------
// Printing
// ---------------------------------------------------------------------------------------------------------------------

/**
 * The text form of a filter (RFC 4515). If `validate` accepts the filter, {@link parse} returns the same filter for this text.
 *
 * **Details**
 *
 * Parentheses, asterisks, backslashes, control characters and bytes that aren't UTF-8 are escaped. Other text stays readable. An
 * invalid attribute description is escaped too, so it can't become syntax; `parse` refuses such a text.
 *
 * @category printing
 * @since 0.1.0
 */
export const format = (filter: LdapFilter): string => formatWith(filter, formatValue)

/**
 * The text of a filter with `?` in place of its values, so it has no personal data. For traces and logs.
 *
 * **Example**
 *
 * ```ts
 * import { LdapFilter } from "effect-ldap"
 *
 * LdapFilter.shape(LdapFilter.ldapFilter`(&(objectClass=person)(|(uid=${"ada"})(mail=ada@*)))`)
 * // (&(objectClass=?)(|(uid=?)(mail=?*)))
 * ```
 *
 * @category printing
 * @since 0.1.0
 */
export const shape = (filter: LdapFilter): string => formatWith(filter, () => "?")

/** The beginning of a filter's text. @internal */
export const excerpt = (filter: LdapFilter): string => {
  const text = formatWith(filter, formatValue, 200)
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}

/**
 * The text, cut at about this length. Error messages use it for values of programs without type checks: something that isn't a
 * filter is printed as `(?)`, and an invalid value as `?`.
 */
const formatWith = (
  filter: LdapFilter,
  formatOctets: (value: Uint8Array) => string,
  maxLength = Infinity
): string => {
  const formatValue = (value: Uint8Array) => value instanceof Uint8Array ? formatOctets(value) : "?"
  let text = ""
  // Filters whose printing has begun: a filter that contains itself can't be printed.
  const open = new Set<LdapFilter>()
  const rest: Array<LdapFilter | string | Closing> = [filter]
  while (rest.length > 0 && text.length <= maxLength) {
    const next = rest.pop()!
    if (typeof next === "string") {
      text += next
    } else if (next instanceof Closing) {
      open.delete(next.filter)
      text += ")"
    } else if (!isWritable(next) || open.has(next)) {
      text += "(?)"
    } else if (next._tag === "And" || next._tag === "Or") {
      text += next._tag === "And" ? "(&" : "(|"
      open.add(next)
      rest.push(new Closing(next))
      for (let i = next.filters.length - 1; i >= 0; i--) rest.push(next.filters[i]!)
    } else if (next._tag === "Not") {
      text += "(!"
      open.add(next)
      rest.push(new Closing(next), next.filter)
    } else {
      text += `(${formatItem(next, formatValue)})`
    }
  }
  return text
}

class Closing {
  readonly filter: LdapFilter

  constructor(filter: LdapFilter) {
    this.filter = filter
  }
}

/** Whether it has the properties of its kind of filter that are printed, without a check of its values. */
const isWritable = (u: unknown): boolean => {
  if (typeof u !== "object" || u === null || !("_tag" in u)) return false
  switch (u._tag) {
    case "And":
    case "Or":
      return "filters" in u && Array.isArray(u.filters)
    case "Not":
      return "filter" in u
    case "Substrings":
      return "any" in u && Array.isArray(u.any)
    case "Equality":
    case "GreaterOrEqual":
    case "LessOrEqual":
    case "Approx":
    case "Present":
    case "Extensible":
      return true
    default:
      return false
  }
}

const formatItem = (
  filter: Exclude<LdapFilter, And | Or | Not>,
  formatValue: (value: Uint8Array) => string
): string => {
  switch (filter._tag) {
    case "Equality":
      return `${formatName(filter.attribute)}=${formatValue(filter.value)}`
    case "GreaterOrEqual":
      return `${formatName(filter.attribute)}>=${formatValue(filter.value)}`
    case "LessOrEqual":
      return `${formatName(filter.attribute)}<=${formatValue(filter.value)}`
    case "Approx":
      return `${formatName(filter.attribute)}~=${formatValue(filter.value)}`
    case "Present":
      return `${formatName(filter.attribute)}=*`
    case "Substrings": {
      const initial = filter.initial === undefined ? "" : formatValue(filter.initial)
      const final = filter.final === undefined ? "" : formatValue(filter.final)
      return `${formatName(filter.attribute)}=${[initial, ...filter.any.map(formatValue), final].join("*")}`
    }
    case "Extensible": {
      const attribute = filter.attribute === undefined ? "" : formatName(filter.attribute)
      const dn = filter.dnAttributes ? ":dn" : ""
      const rule = filter.rule === undefined
        ? ""
        : !filter.dnAttributes && isDnFlag(filter.rule)
        // Printed unchanged, it would be read as the flag.
        ? ":\\64n"
        : `:${formatName(filter.rule)}`
      return `${attribute}${dn}${rule}:=${formatValue(filter.value)}`
    }
  }
}

const formatName = (name: string): string =>
  typeof name !== "string"
    ? "?"
    : attributePattern.test(name)
    ? name
    : name.replace(/[^A-Za-z0-9.;_-]+/g, (text) => escapeOctets(Buffer.from(text)))

/** A value as it is written in a filter's text. @internal */
export const formatValue = (value: Uint8Array): string => {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  if (isUtf8(bytes)) return formatText(bytes.toString())
  let text = ""
  for (let i = 0; i < bytes.length;) {
    const lead = bytes[i]!
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
    const character = bytes.subarray(i, i + length)
    if (isUtf8(character)) {
      text += formatText(character.toString())
      i += length
    } else {
      text += escapeOctets(bytes.subarray(i, i + 1))
      i += 1
    }
  }
  return text
}

// RFC 4515 requires escapes only for NUL ( ) * \. Other control characters are escaped too, since a value could otherwise write
// lines into a log.
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const specials = /[\u0000-\u001f\u007f()*\\]/g

const formatText = (text: string): string => text.replace(specials, (char) => escapeOctets(Buffer.from(char)))

const escapeOctets = (octets: Buffer): string => octets.toString("hex").replace(/../g, "\\$&")
