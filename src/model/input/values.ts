/**
 * Converts values of attributes to bytes. An invalid value is passed on unchanged: builders of filters and modifications are
 * plain functions that don't fail. The request that uses the result fails instead, before anything is sent (see attributes.ts).
 */
import { isLdapDn, type LdapDn } from "../dn/LdapDn.ts"

/**
 * The types that a value may be made from: text becomes UTF-8, a number its decimal digits, a boolean `TRUE` or `FALSE` (RFC 4517 section
 * 3.3.3), a name its text (RFC 4514), and bytes are used as they are.
 *
 * **Details**
 *
 * This holds for entries, modifications, comparisons, filters and templates. A number must be finite, and an integer not beyond
 * `Number.MAX_SAFE_INTEGER`, since larger ones have lost digits; use a `bigint` for them. Text with a lone surrogate is not
 * accepted, since UTF-8 has no such character. A `Date` is not accepted, because times have
 * several forms in LDAP: see `LdapSchema.GeneralizedTime` and `LdapSchema.FileTime`.
 *
 * @category models
 * @since 0.1.0
 */
export type ValueInput = string | Uint8Array | number | bigint | boolean | LdapDn

/** The bytes of a value; an invalid value unchanged. */
export const valueFrom = (value: ValueInput): Uint8Array => {
  if (value instanceof Uint8Array) return value
  // The type says bytes, which this is not; the request checks it before it is sent.
  return isValue(value) ? Buffer.from(textOf(value)) : value
}

const textOf = (value: Exclude<ValueInput, Uint8Array>): string =>
  typeof value === "boolean" ? (value ? "TRUE" : "FALSE") : value.toString()

/** Whether something is a value, or the bytes of one. */
export const isValue = (u: unknown): u is ValueInput => {
  switch (typeof u) {
    case "string":
      // A lone surrogate has no UTF-8 form: it would be sent as U+FFFD, which is another value.
      return u.isWellFormed()
    case "bigint":
    case "boolean":
      return true
    case "number":
      return Number.isFinite(u) && (!Number.isInteger(u) || Number.isSafeInteger(u))
    default:
      return u instanceof Uint8Array || isName(u)
  }
}

/** Whether something is a distinguished name, of any copy of this library or of ldapts. */
export const isName = (u: unknown): u is LdapDn =>
  typeof u === "object" && u !== null &&
  (isLdapDn(u) || ("rdns" in u && Array.isArray(u.rdns)) || ("getRDNs" in u && typeof u.getRDNs === "function")) &&
  hasText(u)

/** Whether it has its own `toString`, and that returns text which can be sent. */
export const hasText = (u: object): boolean => {
  if (
    typeof u.toString !== "function" || u.toString === Object.prototype.toString ||
    u.toString === Array.prototype.toString
  ) return false
  try {
    const text: unknown = (u as { readonly toString: () => unknown }).toString()
    return typeof text === "string" && text.isWellFormed()
  } catch {
    // Objects that only look like names may throw anything.
    return false
  }
}

/** Describes an invalid argument without its content, which may be a password. */
export const given = (u: unknown): string => {
  switch (typeof u) {
    case "undefined":
      return "undefined"
    case "string":
      return u === "" ? "empty text" : u.isWellFormed() ? "text" : "text with a lone surrogate"
    case "number":
      return Number.isNaN(u)
        ? "NaN"
        : Number.isSafeInteger(u) || !Number.isFinite(u)
        ? "a number"
        : "a number with lost digits"
    case "object": {
      if (u === null) return "null"
      if (Array.isArray(u)) return "an array"
      if (u instanceof Uint8Array) return "bytes"
      const name: unknown = "constructor" in u && typeof u.constructor === "function" ? u.constructor.name : ""
      return typeof name === "string" && name !== "" && name !== "Object" ? `a ${name}` : "an object"
    }
    default:
      return `a ${typeof u}`
  }
}
