/**
 * The reason of an error that stands below all that can be invalid: see LdapError.ts for the others.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"

/**
 * The request can't be sent as it is; nothing left this machine.
 *
 * @category client reasons
 * @since 0.1.0
 */
export class InvalidRequest extends Data.TaggedError("InvalidRequest")<{
  /** Which part of the request, as in `filter` or `base`; of attributes, the one: `attributes.mail`. */
  readonly field: string
  readonly detail: string
}> {
  get isRetryable(): boolean {
    return false
  }
  override get message(): string {
    return `invalid ${this.field}: ${this.detail}`
  }
}
