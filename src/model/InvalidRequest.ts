/**
 * The reason of an error for an invalid request. It has a file of its own because the checks of arguments, which LdapError.ts depends on,
 * make it. LdapError.ts exports it with the other reasons.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"

/**
 * The request is invalid; nothing was sent.
 *
 * @category client reasons
 * @since 0.1.0
 */
export class InvalidRequest extends Data.TaggedError("InvalidRequest")<{
  /** The invalid part of the request, such as `filter` or `base`; for one attribute, `attributes.mail`. */
  readonly field: string
  /** What is wrong with it. */
  readonly detail: string
}> {
  /** Always false: the same request would fail again. */
  get isRetryable(): boolean {
    return false
  }
  override get message(): string {
    return `invalid ${this.field}: ${this.detail}`
  }
}
