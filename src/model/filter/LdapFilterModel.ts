/**
 * The model of search filters (RFC 4511 section 4.5.1.7): immutable plain data, a union by `_tag`.
 *
 * @since 0.1.0
 */
import type { ValueInput } from "../input/values.ts"

/**
 * Matches if all of the filters match. `(&)`, without any filter, is always true (RFC 4526).
 *
 * @category models
 * @since 0.1.0
 */
export interface And {
  readonly _tag: "And"
  /** The filters that must all match. May be empty. */
  readonly filters: ReadonlyArray<LdapFilter>
}

/**
 * Matches if at least one of the filters matches. `(|)`, without any filter, is always false (RFC 4526).
 *
 * @category models
 * @since 0.1.0
 */
export interface Or {
  readonly _tag: "Or"
  /** The filters of which one must match. May be empty. */
  readonly filters: ReadonlyArray<LdapFilter>
}

/**
 * Matches if the filter doesn't match. If a filter is undefined for an entry, its negation is undefined too.
 *
 * @category models
 * @since 0.1.0
 */
export interface Not {
  readonly _tag: "Not"
  /** The filter that must not match. */
  readonly filter: LdapFilter
}

/**
 * Matches if the attribute has this value, compared by the attribute's equality rule.
 *
 * @category models
 * @since 0.1.0
 */
export interface Equality {
  readonly _tag: "Equality"
  /** An attribute description: `cn`, `cn;lang-fr`, `2.5.4.3`. */
  readonly attribute: string
  /** The value to compare with, as bytes. */
  readonly value: Uint8Array
}

/**
 * Matches if the attribute has a value that begins with `initial`, then contains those of `any` in this order, and ends with
 * `final`. There is at least one part, and no part is empty.
 *
 * @category models
 * @since 0.1.0
 */
export interface Substrings {
  readonly _tag: "Substrings"
  /** An attribute description. */
  readonly attribute: string
  readonly initial?: Uint8Array | undefined
  readonly any: ReadonlyArray<Uint8Array>
  readonly final?: Uint8Array | undefined
}

/**
 * Matches if the attribute has a value greater than or equal to this one, by its ordering rule.
 *
 * @category models
 * @since 0.1.0
 */
export interface GreaterOrEqual {
  readonly _tag: "GreaterOrEqual"
  /** An attribute description. */
  readonly attribute: string
  /** The value to compare with, as bytes. */
  readonly value: Uint8Array
}

/**
 * Matches if the attribute has a value less than or equal to this one, by its ordering rule.
 *
 * @category models
 * @since 0.1.0
 */
export interface LessOrEqual {
  readonly _tag: "LessOrEqual"
  /** An attribute description. */
  readonly attribute: string
  /** The value to compare with, as bytes. */
  readonly value: Uint8Array
}

/**
 * Matches if the entry has the attribute.
 *
 * @category models
 * @since 0.1.0
 */
export interface Present {
  readonly _tag: "Present"
  /** An attribute description. */
  readonly attribute: string
}

/**
 * Matches if the attribute has a value that approximately equals this one. The server decides how; often it tests for equality.
 *
 * @category models
 * @since 0.1.0
 */
export interface Approx {
  readonly _tag: "Approx"
  /** An attribute description. */
  readonly attribute: string
  /** The value to compare with, as bytes. */
  readonly value: Uint8Array
}

/**
 * Matches if a value matches by the matching rule `rule`, or by the attribute's equality rule if `rule` is missing. Without
 * `attribute`, every attribute is tested that the rule can be used with. With `dnAttributes`, the parts of the entry's
 * distinguished name are tested too. At least one of `rule` and `attribute` must be given.
 *
 * @category models
 * @since 0.1.0
 */
export interface Extensible {
  readonly _tag: "Extensible"
  /** A name or a numeric OID. */
  readonly rule?: string | undefined
  readonly attribute?: string | undefined
  /** The value to compare with, as bytes. */
  readonly value: Uint8Array
  readonly dnAttributes: boolean
}

/**
 * A search filter. It is plain data that never changes, so fibers may share it.
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
 * The types of value that a filter accepts: see `LdapEntry.ValueInput`.
 *
 * @category models
 * @since 0.1.0
 */
export type FilterValue = ValueInput
