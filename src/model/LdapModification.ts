/**
 * Modifications: what a modify request does to the attributes of an entry (RFC 4511 section 4.6; `increment` is of
 * RFC 4525). A request takes a list of them, and the server carries out all of them in that order, or none.
 *
 * These are only values. The protocol encodes them, and the server checks them (schema, access control).
 *
 * @since 0.1.0
 */
import { type AttributeInput, valuesFrom } from "./entry/LdapEntry.ts"

export type { AttributeInput } from "./entry/LdapEntry.ts"

/**
 * One change of one attribute.
 *
 * @category models
 * @since 0.1.0
 */
export interface LdapModification {
  /** The kind of change. */
  readonly operation: "add" | "delete" | "replace" | "increment"
  /** The attribute description, options included. */
  readonly attribute: string
  /** The values of the change, as bytes. */
  readonly values: ReadonlyArray<Uint8Array>
}

const noValues: ReadonlyArray<Uint8Array> = []

/**
 * Adds values, and the attribute if the entry doesn't have it.
 *
 * **Details**
 *
 * The server refuses a value that the attribute already has (`AttributeOrValueExists`), and a list without values.
 *
 * @category constructors
 * @since 0.1.0
 */
export const add = (attribute: string, values: AttributeInput): LdapModification => ({
  operation: "add",
  attribute,
  values: valuesFrom(values)
})

/**
 * Deletes the listed values, or the whole attribute if none is listed. Also exported as `delete`.
 *
 * **Details**
 *
 * The server refuses to delete a missing value or attribute (`NoSuchAttribute`); {@link replace} without values deletes an
 * attribute that may be missing. An empty array means the whole attribute, as it does on the wire: a program that
 * computes which values to delete leaves the modification out when there are none.
 *
 * @category constructors
 * @since 0.1.0
 */
export const remove = (attribute: string, values?: AttributeInput): LdapModification => ({
  operation: "delete",
  attribute,
  values: values === undefined ? noValues : valuesFrom(values)
})

export {
  /**
   * Another name of {@link remove}: `LdapModification.delete("mail")`.
   *
   * @category constructors
   * @since 0.1.0
   */
  remove as delete
}

/**
 * Replaces all values of the attribute by these; without values, deletes the attribute if it exists.
 *
 * @category constructors
 * @since 0.1.0
 */
export const replace = (attribute: string, values?: AttributeInput): LdapModification => ({
  operation: "replace",
  attribute,
  values: values === undefined ? noValues : valuesFrom(values)
})

/**
 * Adds a number to every value of an integer attribute (RFC 4525), atomically on the server.
 *
 * **Details**
 *
 * A negative number decrements. The server must announce the feature 1.3.6.1.1.14, and refuses an attribute that is
 * missing or isn't an integer. Give a `bigint` where the number passes `Number.MAX_SAFE_INTEGER`.
 *
 * **Example**
 *
 * ```ts
 * import { LdapModification } from "effect-ldap"
 *
 * const changes = [
 *   LdapModification.replace("mail", "ada@example.org"),
 *   LdapModification.delete("telephoneNumber"),
 *   LdapModification.increment("uidNumber")
 * ]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const increment = (attribute: string, by: number | bigint = 1): LdapModification => ({
  operation: "increment",
  attribute,
  values: valuesFrom(String(by))
})
