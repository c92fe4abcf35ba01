/**
 * The error of the values that only Windows has.
 *
 * @since 0.2.0
 */
import * as Data from "effect/Data"

/**
 * Bytes or text that are not a value of the kind that was expected: a SID, a GUID, a security descriptor, SDDL …
 *
 * @category errors
 * @since 0.2.0
 */
export class WindowsValueError extends Data.TaggedError("WindowsValueError")<{
  /** What was expected. */
  readonly expected: string
  /** What is wrong. It never repeats the value. */
  readonly detail: string
  /** Where, if the reader knows: an offset in bytes, or in UTF-16 code units of text, from 0. */
  readonly position?: number | undefined
}> {
  override get message(): string {
    const place = this.position === undefined ? "" : `, at position ${this.position}`
    return `not a valid ${this.expected}: ${this.detail}${place}`
  }
}
