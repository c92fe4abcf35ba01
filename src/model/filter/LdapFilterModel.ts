/**
 * What a search filter is (RFC 4511 section 4.5.1.7): plain data that never changes, a union by `_tag`.
 *
 * @since 0.1.0
 */
import type { ValueInput } from "../input/values.ts"

/**
 * All of the filters match; `(&)`, without any, is always true (RFC 4526).
 *
 * @category models
 * @since 0.1.0
 */
export interface And {
  readonly _tag: "And"
  readonly filters: ReadonlyArray<LdapFilter>
}

/**
 * One of the filters matches; `(|)`, without any, is always false (RFC 4526).
 *
 * @category models
 * @since 0.1.0
 */
export interface Or {
  readonly _tag: "Or"
  readonly filters: ReadonlyArray<LdapFilter>
}

/**
 * The filter doesn't match. A filter that is undefined for an entry stays undefined when it is negated.
 *
 * @category models
 * @since 0.1.0
 */
export interface Not {
  readonly _tag: "Not"
  readonly filter: LdapFilter
}

/**
 * The attribute has this value, by its own equality rule.
 *
 * @category models
 * @since 0.1.0
 */
export interface Equality {
  readonly _tag: "Equality"
  /** An attribute description: `cn`, `cn;lang-fr`, `2.5.4.3`. */
  readonly attribute: string
  readonly value: Uint8Array
}

/**
 * The attribute has a value that begins with `initial`, then has those of `any` in this order, and ends with `final`.
 * None of them is empty, and there is at least one.
 *
 * @category models
 * @since 0.1.0
 */
export interface Substrings {
  readonly _tag: "Substrings"
  readonly attribute: string
  readonly initial?: Uint8Array | undefined
  readonly any: ReadonlyArray<Uint8Array>
  readonly final?: Uint8Array | undefined
}

/**
 * The attribute has a value that is not less than this one, by its ordering rule.
 *
 * @category models
 * @since 0.1.0
 */
export interface GreaterOrEqual {
  readonly _tag: "GreaterOrEqual"
  readonly attribute: string
  readonly value: Uint8Array
}

/**
 * The attribute has a value that is not greater than this one, by its ordering rule.
 *
 * @category models
 * @since 0.1.0
 */
export interface LessOrEqual {
  readonly _tag: "LessOrEqual"
  readonly attribute: string
  readonly value: Uint8Array
}

/**
 * The entry has the attribute.
 *
 * @category models
 * @since 0.1.0
 */
export interface Present {
  readonly _tag: "Present"
  readonly attribute: string
}

/**
 * The attribute has a value that approximately equals this one. The server decides how; often it uses equality.
 *
 * @category models
 * @since 0.1.0
 */
export interface Approx {
  readonly _tag: "Approx"
  readonly attribute: string
  readonly value: Uint8Array
}

/**
 * A value matches by the matching rule `rule`, or by the attribute's own rule if there is none. Without `attribute`,
 * every attribute that the rule applies to is tested; with `dnAttributes`, also the parts of the entry's distinguished name.
 * At least one of `rule` and `attribute` is given.
 *
 * @category models
 * @since 0.1.0
 */
export interface Extensible {
  readonly _tag: "Extensible"
  /** A name or a numeric OID. */
  readonly rule?: string | undefined
  readonly attribute?: string | undefined
  readonly value: Uint8Array
  readonly dnAttributes: boolean
}

/**
 * A search filter: plain data that never changes, so fibers may share it.
 *
 * @category models
 * @since 0.1.0
 */
export type LdapFilter =
  | And
  | Or
  | Not
  | Equality
  | Substrings
  | GreaterOrEqual
  | LessOrEqual
  | Present
  | Approx
  | Extensible

/**
 * What a value may be made from: see `LdapEntry.ValueInput`.
 *
 * @category models
 * @since 0.1.0
 */
export type FilterValue = ValueInput
