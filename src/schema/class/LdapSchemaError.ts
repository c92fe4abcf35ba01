/**
 * What can be wrong between an entry and a domain class, in both directions.
 *
 * These are errors of their own, beside `LdapError`: nothing was refused by a server, and what helps is to mend the data or
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
  readonly field: string
  readonly attribute: string
  /** Which of the values, counted from 0; `undefined` where it is about all of them. */
  readonly index: number | undefined
  /** The value, shortened, and in base64 where it isn't text; `undefined` for secrets, and where there is none. */
  readonly value: string | undefined
  /** What is wrong, in the words of the codec; of a secret only that it can't be taken. */
  readonly detail: string
}

const describe = ({ attribute, detail, field, index, value }: FieldProblem): string =>
  `${attribute === "" ? "the entry" : attribute}${attribute === field || field === "" ? "" : ` (field ${field})`}${
    index === undefined ? "" : `, value ${index}`
  }${value === undefined ? "" : ` ${value}`}: ${detail}`

/**
 * An entry that a domain class can't be made from. The message names the entry, the attributes and the values; those of
 * password attributes are not shown.
 *
 * @category errors
 * @since 0.1.0
 */
export class LdapDecodeError extends Data.TaggedError("LdapDecodeError")<{
  /** The identifier of the class. */
  readonly schema: string
  readonly dn: string
  /** At least one. */
  readonly problems: ReadonlyArray<FieldProblem>
}> {
  override get message(): string {
    return `"${this.dn}" is no ${this.schema}: ${this.problems.map(describe).join("; ")}`
  }
}

/**
 * A value of a domain class that an entry can't be made from: its text is empty where the directory wants some, its time is
 * out of range. Values are never in the message.
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
