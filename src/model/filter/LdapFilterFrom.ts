/**
 * Makes a filter of what a program gives: text is parsed (LdapFilterParser.ts), and filters of ldapts and ldapjs are recognised by their
 * shape, so any copy or version works, and so do plain objects of the same shape.
 *
 * @since 0.2.0
 */
import * as Data from "effect/Data"
import * as Result from "effect/Result"
import { BerReader } from "../../ber/BerReader.ts"
import { valueFrom } from "../input/values.ts"
import { type LdaptsWriter, makeLdaptsWriter } from "../LdaptsWriter.ts"
import { messageOf } from "../messageOf.ts"
import { type FilterError, validate } from "./LdapFilterAlgebra.ts"
import { decode, FilterTag } from "./LdapFilterBer.ts"
import type { LdapFilter } from "./LdapFilterModel.ts"
import { parse } from "./LdapFilterParser.ts"
import { defaultMaxDepth, type FilterSyntaxError } from "./LdapFilterText.ts"

/**
 * A filter of another library: an object whose `type` names its kind.
 *
 * **Details**
 *
 * In ldapts `type` is a number, the tag of RFC 4511 section 4.5.1.7. In ldapjs 3 it is the name of the class, in ldapjs 2 a short
 * name such as `equal`. The other properties are those of these libraries. Their values are checked when the filter is converted.
 *
 * @category models
 * @since 0.2.0
 */
export interface ForeignFilter {
  readonly type: number | string
  /** The attribute description. */
  readonly attribute?: unknown
  /** The value, as text or bytes. */
  readonly value?: unknown
  /** The filters of `and` and `or`. */
  readonly filters?: unknown
  /** The filter of `not`. */
  readonly filter?: unknown
  /** The first part of a substring filter. */
  readonly initial?: unknown
  /** The parts in the middle of a substring filter. */
  readonly any?: unknown
  /** The last part of a substring filter. */
  readonly final?: unknown
  /** The matching rule of an extensible match, in ldapts. */
  readonly rule?: unknown
  /** The matching rule of an extensible match, in ldapjs. */
  readonly matchingRule?: unknown
  /** The attribute description of an extensible match, in ldapjs. */
  readonly matchType?: unknown
  /** The value of an extensible match, in ldapjs. */
  readonly matchValue?: unknown
  /** Whether an extensible match also tests the parts of the name. */
  readonly dnAttributes?: unknown
  /** Filters of ldapts have a method that encodes them. */
  write?(writer: LdaptsWriter): void
}

/**
 * The object isn't a filter of a supported library. `detail` says what is wrong.
 *
 * @category errors
 * @since 0.2.0
 */
export class ForeignFilterError extends Data.TaggedError("ForeignFilterError")<{ readonly detail: string }> {
  override get message(): string {
    return this.detail
  }
}

/**
 * Converts a filter of another library: RFC 4515 text, a filter of ldapts or ldapjs, or a plain object of their shape. A filter of
 * this library is accepted too.
 *
 * **Details**
 *
 * The library that made a filter isn't needed, and its classes aren't compared, so versions may be mixed. A filter that encodes
 * itself in BER, as those of ldapts do, is read from that encoding, so subclasses of the program work too. Values of other filters
 * are used unchanged: text becomes UTF-8, and escapes are not decoded. ldapjs leaves escapes in the values of filters that it
 * parsed from text, so give such text to {@link parse} instead of ldapjs' `parseFilter`.
 *
 * The result is checked by {@link validate}.
 *
 * **Example**
 *
 * ```ts
 * import { LdapFilter } from "effect-ldap"
 *
 * LdapFilter.from({ type: "AndFilter", filters: [
 *   { type: "EqualityFilter", attribute: "objectClass", value: "person" },
 *   { type: "PresenceFilter", attribute: "mail" }
 * ] }) // Result of (&(objectClass=person)(mail=*))
 * ```
 *
 * @category conversions
 * @since 0.2.0
 */
export const from = (
  filter: string | LdapFilter | ForeignFilter
): Result.Result<LdapFilter, FilterSyntaxError | FilterError | ForeignFilterError> =>
  typeof filter === "string"
    ? parse(filter)
    : isForeign(filter)
    ? Result.flatMap(
      Result.try({
        try: () => read(filter),
        catch: (cause) => new ForeignFilterError({ detail: messageOf(cause) })
      }),
      (read) => validate(read)
    )
    : validate(filter)

/** Whether it may be a filter of another library. Filters of this library have a `_tag` instead. @internal */
export const isForeign = (u: unknown): u is ForeignFilter => typeof u === "object" && u !== null && !("_tag" in u)

/** Throws if it isn't a filter. @internal */
export const read = (filter: unknown): LdapFilter => {
  if (isForeign(filter) && typeof filter.write === "function") {
    const writer = makeLdaptsWriter()
    filter.write(writer)
    const content = new BerReader(writer.buffer)
    const decoded = decode(content)
    content.expectEnd()
    return decoded
  }
  return readFields(filter, 1)
}

// ---------------------------------------------------------------------------------------------------------------------
// By their properties
// ---------------------------------------------------------------------------------------------------------------------

/** The names of ldapjs 3, and of ldapjs 2. */
const tagsByName = new Map<string, number>([
  ["AndFilter", FilterTag.and],
  ["and", FilterTag.and],
  ["OrFilter", FilterTag.or],
  ["or", FilterTag.or],
  ["NotFilter", FilterTag.not],
  ["not", FilterTag.not],
  ["EqualityFilter", FilterTag.equality],
  ["equal", FilterTag.equality],
  ["SubstringFilter", FilterTag.substrings],
  ["substring", FilterTag.substrings],
  ["GreaterThanEqualsFilter", FilterTag.greaterOrEqual],
  ["ge", FilterTag.greaterOrEqual],
  ["LessThanEqualsFilter", FilterTag.lessOrEqual],
  ["le", FilterTag.lessOrEqual],
  ["PresenceFilter", FilterTag.present],
  ["present", FilterTag.present],
  ["ApproximateFilter", FilterTag.approx],
  ["approx", FilterTag.approx],
  ["ExtensibleFilter", FilterTag.extensible],
  ["ext", FilterTag.extensible]
])

type Fields = Readonly<Record<string, unknown>>

const readFields = (filter: unknown, depth: number): LdapFilter => {
  if (depth > defaultMaxDepth) throw new Error(`filters nest deeper than ${defaultMaxDepth}`)
  if (!isForeign(filter)) throw new Error(`expected a filter, found ${filter === null ? "null" : typeof filter}`)
  const fields = filter as unknown as Fields
  const { type } = fields
  const tag = typeof type === "string" ? tagsByName.get(type) : type
  switch (tag) {
    case FilterTag.and:
    case FilterTag.or: {
      const { filters } = fields
      if (!Array.isArray(filters)) throw new Error("an AND or OR filter needs an array of filters")
      return { _tag: tag === FilterTag.and ? "And" : "Or", filters: filters.map((each) => readFields(each, depth + 1)) }
    }
    case FilterTag.not:
      return { _tag: "Not", filter: readFields(fields["filter"], depth + 1) }
    case FilterTag.equality:
      return { _tag: "Equality", ...assertion(fields) }
    case FilterTag.greaterOrEqual:
      return { _tag: "GreaterOrEqual", ...assertion(fields) }
    case FilterTag.lessOrEqual:
      return { _tag: "LessOrEqual", ...assertion(fields) }
    case FilterTag.approx:
      return { _tag: "Approx", ...assertion(fields) }
    case FilterTag.present:
      return { _tag: "Present", attribute: text(fields, "attribute") ?? "" }
    case FilterTag.substrings: {
      const any = fields["any"] ?? []
      if (!Array.isArray(any)) throw new Error("`any` of a substring filter is an array")
      const initial = part(fields["initial"])
      const final = part(fields["final"])
      return {
        _tag: "Substrings",
        attribute: text(fields, "attribute") ?? "",
        ...(initial === undefined ? undefined : { initial }),
        any: any.map(value),
        ...(final === undefined ? undefined : { final })
      }
    }
    case FilterTag.extensible: {
      const rule = text(fields, "rule", "matchingRule", "matchRule")
      const attribute = text(fields, "matchType", "attribute")
      return {
        _tag: "Extensible",
        ...(rule === undefined ? undefined : { rule }),
        ...(attribute === undefined ? undefined : { attribute }),
        value: value(fields["value"] ?? fields["matchValue"] ?? ""),
        dnAttributes: fields["dnAttributes"] === true
      }
    }
    default:
      throw new Error(`expected a filter, found an object of type ${JSON.stringify(type)}`)
  }
}

const assertion = (fields: Fields): { readonly attribute: string; readonly value: Uint8Array } => ({
  attribute: text(fields, "attribute") ?? "",
  value: value(octets(fields) ?? fields["value"] ?? "")
})

/** ldapjs returns bytes as text; only the plain form of a filter has the bytes themselves. */
const octets = (fields: Fields): Uint8Array | undefined => {
  const plain = fields["pojo"] ?? fields["json"]
  const found = typeof plain === "object" && plain !== null && "value" in plain ? plain.value : undefined
  return found instanceof Uint8Array ? found : undefined
}

/** The first of these properties that isn't empty. Both libraries use "" for a missing one. */
const text = (fields: Fields, ...names: ReadonlyArray<string>): string | undefined => {
  for (const name of names) {
    const found = fields[name]
    if (found === undefined || found === null || found === "") continue
    if (typeof found !== "string") throw new Error(`\`${name}\` of a filter must be text`)
    return found
  }
  return undefined
}

const part = (found: unknown): Uint8Array | undefined =>
  found === undefined || found === null || found === "" ? undefined : value(found)

const value = (found: unknown): Uint8Array => {
  if (
    typeof found === "string" || found instanceof Uint8Array || typeof found === "number" || typeof found === "bigint"
  ) {
    return valueFrom(found)
  }
  if (typeof found === "boolean") return valueFrom(found ? "TRUE" : "FALSE")
  throw new Error(`a value of a filter must be text or bytes, not ${found === null ? "null" : typeof found}`)
}
