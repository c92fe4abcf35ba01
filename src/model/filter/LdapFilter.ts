/**
 * Search filters: builders and the `ldapFilter` tag. It also exports everything else about filters.
 *
 * LdapFilterModel.ts defines filters. LdapFilterParser.ts and LdapFilterText.ts have the text form (RFC 4515), LdapFilterBer.ts the
 * BER form. LdapFilterFrom.ts converts filters of other libraries, LdapFilterAlgebra.ts checks, compares and simplifies filters,
 * and LdapFilterMatches.ts matches them against entries.
 *
 * @since 0.1.0
 */
import { valueFrom } from "../input/values.ts"
import type {
  And,
  Approx,
  Equality,
  Extensible,
  FilterValue,
  GreaterOrEqual,
  LdapFilter,
  LessOrEqual,
  Not,
  Or,
  Present,
  Substrings
} from "./LdapFilterModel.ts"
import { parseTemplate } from "./LdapFilterParser.ts"
import { substringsOf } from "./LdapFilterText.ts"

export type { BerReader } from "../../ber/BerReader.ts"
export type { ElementLimits } from "../../ber/ElementLimits.ts"
export type { BerWriter } from "../../ber/BerWriter.ts"
export type { LdaptsWriter } from "../LdaptsWriter.ts"

export { FilterError, isEqual, simplify, validate } from "./LdapFilterAlgebra.ts"
export { decode, encode } from "./LdapFilterBer.ts"
export { type ForeignFilter, ForeignFilterError, from } from "./LdapFilterFrom.ts"
export { matches } from "./LdapFilterMatches.ts"
export type {
  And,
  Approx,
  Equality,
  Extensible,
  FilterValue,
  GreaterOrEqual,
  LdapFilter,
  LessOrEqual,
  Not,
  Or,
  Present,
  Substrings
} from "./LdapFilterModel.ts"
export { parse } from "./LdapFilterParser.ts"
export { type FilterTemplate, template } from "./LdapFilterTemplate.ts"
export { FilterSyntaxError, format, shape } from "./LdapFilterText.ts"
export type { TemplateOptions, TemplateStyle } from "../input/template.ts"
export type { ValueInput } from "../input/values.ts"

// ---------------------------------------------------------------------------------------------------------------------
// Builders
// ---------------------------------------------------------------------------------------------------------------------

/**
 * Matches if all of the filters match.
 *
 * @category combinators
 * @since 0.1.0
 */
export const and = (...filters: ReadonlyArray<LdapFilter>): And => ({ _tag: "And", filters })

/**
 * Matches if at least one of the filters matches.
 *
 * @category combinators
 * @since 0.1.0
 */
export const or = (...filters: ReadonlyArray<LdapFilter>): Or => ({ _tag: "Or", filters })

/**
 * Matches if the filter doesn't match.
 *
 * @category combinators
 * @since 0.1.0
 */
export const not = (filter: LdapFilter): Not => ({ _tag: "Not", filter })

/**
 * `(&)`: matches every entry (RFC 4526).
 *
 * @category constructors
 * @since 0.1.0
 */
export const alwaysTrue: And = { _tag: "And", filters: [] }

/**
 * `(|)`: matches no entry (RFC 4526).
 *
 * @category constructors
 * @since 0.1.0
 */
export const alwaysFalse: Or = { _tag: "Or", filters: [] }

/**
 * Matches if the attribute has this value.
 *
 * **Details**
 *
 * Like all builders, it takes values unescaped: no character needs escaping. Attribute descriptions are part of the program. {@link
 * validate} checks them, and every search calls it.
 *
 * **Example**
 *
 * ```ts
 * import { LdapFilter } from "effect-ldap"
 *
 * LdapFilter.format(LdapFilter.equals("cn", "Parens R Us (for all)")) // (cn=Parens R Us \28for all\29)
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const equals = (attribute: string, value: FilterValue): Equality => ({
  _tag: "Equality",
  attribute,
  value: valueFrom(value)
})

/**
 * Matches if the attribute has a value that contains these parts in this order.
 *
 * **Details**
 *
 * Empty parts are left out, since every value contains them. If no part is left, the filter tests whether the attribute is present.
 *
 * @category constructors
 * @since 0.1.0
 */
export const substrings = (
  attribute: string,
  parts: {
    readonly initial?: FilterValue | undefined
    readonly any?: ReadonlyArray<FilterValue> | undefined
    readonly final?: FilterValue | undefined
  }
): Substrings | Present =>
  substringsOf(attribute, [parts.initial ?? "", ...(parts.any ?? []), parts.final ?? ""].map(valueFrom))

/**
 * Matches if the attribute has a value that starts with `value`. With an empty `value`, every value matches.
 *
 * @category constructors
 * @since 0.1.0
 */
export const startsWith = (attribute: string, value: FilterValue): Substrings | Present =>
  substrings(attribute, { initial: value })

/**
 * Matches if the attribute has a value that ends with `value`. With an empty `value`, every value matches.
 *
 * @category constructors
 * @since 0.1.0
 */
export const endsWith = (attribute: string, value: FilterValue): Substrings | Present =>
  substrings(attribute, { final: value })

/**
 * Matches if the attribute has a value that contains `value`. With an empty `value`, every value matches.
 *
 * @category constructors
 * @since 0.1.0
 */
export const contains = (attribute: string, value: FilterValue): Substrings | Present =>
  substrings(attribute, { any: [value] })

/**
 * Matches if the entry has the attribute.
 *
 * @category constructors
 * @since 0.1.0
 */
export const present = (attribute: string): Present => ({ _tag: "Present", attribute })

/**
 * Matches if the attribute has a value greater than or equal to this one. LDAP has no "greater than": negate {@link lessOrEqual}.
 *
 * @category constructors
 * @since 0.1.0
 */
export const greaterOrEqual = (attribute: string, value: FilterValue): GreaterOrEqual => ({
  _tag: "GreaterOrEqual",
  attribute,
  value: valueFrom(value)
})

/**
 * Matches if the attribute has a value less than or equal to this one.
 *
 * @category constructors
 * @since 0.1.0
 */
export const lessOrEqual = (attribute: string, value: FilterValue): LessOrEqual => ({
  _tag: "LessOrEqual",
  attribute,
  value: valueFrom(value)
})

/**
 * Matches if the attribute has a value that approximately equals this one. The server decides how.
 *
 * @category constructors
 * @since 0.1.0
 */
export const approx = (attribute: string, value: FilterValue): Approx => ({
  _tag: "Approx",
  attribute,
  value: valueFrom(value)
})

/**
 * Matches if a value matches by the matching rule, or by the attribute's equality rule; see {@link Extensible}.
 *
 * @category constructors
 * @since 0.1.0
 */
export const extensible = (
  match:
    & { readonly value: FilterValue; readonly dnAttributes?: boolean | undefined }
    & (
      | { readonly attribute: string; readonly rule?: string | undefined }
      | { readonly rule: string; readonly attribute?: string | undefined }
    )
): Extensible => ({
  _tag: "Extensible",
  ...(match.rule === undefined ? undefined : { rule: match.rule }),
  ...(match.attribute === undefined ? undefined : { attribute: match.attribute }),
  value: valueFrom(match.value),
  dnAttributes: match.dnAttributes ?? false
})

/**
 * Matches if the attribute, an integer, has all bits of `bits` set (Active Directory's LDAP_MATCHING_RULE_BIT_AND).
 *
 * @category Active Directory
 * @since 0.1.0
 */
export const bitAnd = (attribute: string, bits: number | bigint): Extensible =>
  extensible({ attribute, rule: "1.2.840.113556.1.4.803", value: bits })

/**
 * Matches if the attribute, an integer, has at least one bit of `bits` set (Active Directory's LDAP_MATCHING_RULE_BIT_OR).
 *
 * @category Active Directory
 * @since 0.1.0
 */
export const bitOr = (attribute: string, bits: number | bigint): Extensible =>
  extensible({ attribute, rule: "1.2.840.113556.1.4.804", value: bits })

/**
 * Matches if the attribute refers to the entry `dn`, directly or through other entries. The values of the attribute must be
 * distinguished names. For instance `inChain("memberOf", group)` finds nested group members (Active Directory's
 * LDAP_MATCHING_RULE_IN_CHAIN).
 *
 * @category Active Directory
 * @since 0.1.0
 */
export const inChain = (attribute: string, dn: FilterValue): Extensible =>
  extensible({ attribute, rule: "1.2.840.113556.1.4.1941", value: dn })

/**
 * A filter written as a template. Interpolated values can never become syntax.
 *
 * **Details**
 *
 * A string, bytes, a number or an `LdapDn` can be interpolated in an assertion value, alone or next to literal text. A `*` in such
 * a value is an asterisk; a literal `*` next to it makes a substring filter. A filter can be interpolated in the position of a
 * whole filter. The literal text follows RFC 4515, escapes included (`\2a` needs no second backslash), and may have several lines.
 *
 * A template is part of the program. If its literal text isn't a filter, or a value is in a wrong position, the program has a bug,
 * so the tag throws a `FilterSyntaxError`. Inside an Effect that is a defect. A string, bytes or a number in an assertion value
 * never makes it throw.
 *
 * **Example**
 *
 * ```ts
 * import { LdapFilter } from "effect-ldap"
 *
 * const login = "*)(uid=*"
 * LdapFilter.ldapFilter`(&(objectClass=user)(uid=${login}))` // (&(objectClass=user)(uid=\2a\29\28uid=\2a))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const ldapFilter = (
  strings: TemplateStringsArray,
  ...values: ReadonlyArray<FilterValue | LdapFilter>
): LdapFilter => {
  // This text may be user input, so an error in it must not throw. The request that uses the filter fails instead.
  const isHalf = (value: FilterValue | LdapFilter): value is string =>
    typeof value === "string" && !value.isWellFormed()
  const half = values.find(isHalf)
  const filter = parseTemplate(strings.raw, half === undefined ? values : values.map((v) => isHalf(v) ? "x" : v))
  return half === undefined ? filter : { _tag: "Equality", attribute: "value", value: half as unknown as Uint8Array }
}
