/**
 * Errors of the conversion between entries and domain classes, in both directions.
 *
 * They are separate from `LdapError`: no server has refused anything, and the remedy is to correct the data or
 * the class.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"

/**
 * What is wrong with one field.
 *
 * @category models
 * @since 0.1.0
 */
export interface FieldProblem {
  /** The name of the field in the class. */
  readonly field: string
  /** The attribute description. */
  readonly attribute: string
  /** The index of the value, from 0; `undefined` if the problem is about all of them. */
  readonly index: number | undefined
  /** The value, shortened, and in base64 if it isn't text; `undefined` for secrets, and if there is no value. */
  readonly value: string | undefined
  /** The message of the codec; for a secret, only that the value is invalid. */
  readonly detail: string
}

const describe = ({ attribute, detail, field, index, value }: FieldProblem): string =>
  `${attribute === "" ? "the entry" : attribute}${attribute === field || field === "" ? "" : ` (field ${field})`}${
    index === undefined ? "" : `, value ${index}`
  }${value === undefined ? "" : ` ${value}`}: ${detail}`

/**
 * An entry can't be converted to a value of a domain class. The message names the entry, the attributes and the values. Values of
 * password attributes are not shown.
 *
 * @category errors
 * @since 0.1.0
 */
export class LdapDecodeError extends Data.TaggedError("LdapDecodeError")<{
  /** The identifier of the class. */
  readonly schema: string
  /** The name of the entry. */
  readonly dn: string
  /** At least one. */
  readonly problems: ReadonlyArray<FieldProblem>
}> {
  override get message(): string {
    return `"${this.dn}" is no ${this.schema}: ${this.problems.map(describe).join("; ")}`
  }
}

/**
 * A value of a domain class can't be converted to an entry, for instance because a required text is empty or a time is out of
 * range. Values are never in the message.
 *
 * @category errors
 * @since 0.1.0
 */
export class LdapEncodeError extends Data.TaggedError("LdapEncodeError")<{
  /** The identifier of the class. */
  readonly schema: string
  /** At least one. */
  readonly problems: ReadonlyArray<FieldProblem>
}> {
  override get message(): string {
    return `this ${this.schema} can't be written: ${this.problems.map(describe).join("; ")}`
  }
}
