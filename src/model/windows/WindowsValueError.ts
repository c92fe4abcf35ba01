/**
 * The error for invalid values of kinds that only Windows has.
 *
 * @since 0.2.0
 */
import * as Data from "effect/Data"

/**
 * Bytes or text are not a valid value of the expected kind: a SID, a GUID, a security descriptor, SDDL …
 *
 * @category errors
 * @since 0.2.0
 */
export class WindowsValueError extends Data.TaggedError("WindowsValueError")<{
  /** What was expected. */
  readonly expected: string
  /** What is wrong. It never repeats the value. */
  readonly detail: string
  /** The position, if the reader knows it: an offset in bytes, or in UTF-16 code units of text, from 0. */
  readonly position?: number | undefined
}> {
  override get message(): string {
    const place = this.position === undefined ? "" : `, at position ${this.position}`
    return `not a valid ${this.expected}: ${this.detail}${place}`
  }
}
