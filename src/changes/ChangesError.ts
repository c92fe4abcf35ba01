/**
 * The error of following a directory, for failures that are not those of an LDAP operation. `Effect.catchReason("LdapChangesError", …)`
 * handles one reason.
 *
 * @since 0.2.0
 */
import * as Data from "effect/Data"
import type { LdapDecodeError } from "../schema/LdapSchema.ts"
import type { ChangesSource } from "./LdapChange.ts"

/**
 * The cookie belongs to another request: base, scope, filter or attributes have changed since the cookie was stored.
 *
 * @category reasons
 * @since 0.2.0
 */
export class CookieMismatch extends Data.TaggedError("CookieMismatch")<{
  /** What differs between the cookie and the request. */
  readonly differs: ReadonlyArray<"source" | "base" | "scope" | "filter" | "attributes">
}> {
  override get message(): string {
    return `the cookie was made for another ${
      this.differs.join(" and ")
    }, so it can't say what has changed in this view; ` +
      `follow with onMismatch: "refresh" to read the view again, which also finds what is gone from it`
  }
}

/**
 * The cookie was not made by `LdapChanges`, or was made by a later version of this library. `detail` says which.
 *
 * @category reasons
 * @since 0.2.0
 */
export class CookieUnreadable extends Data.TaggedError("CookieUnreadable")<{ readonly detail: string }> {
  override get message(): string {
    return `the cookie can't be read: ${this.detail}; follow without since to read the view again`
  }
}

/**
 * The server doesn't support this source, or this client may not use it.
 *
 * @category reasons
 * @since 0.2.0
 */
export class SourceUnavailable extends Data.TaggedError("SourceUnavailable")<{
  /** The requested source. */
  readonly source: ChangesSource
  /** What is missing. */
  readonly detail: string
}> {
  override get message(): string {
    return `the server can't be followed by ${this.source}: ${this.detail}`
  }
}

/**
 * An entry arrived without its UUID, so its row can't be identified.
 *
 * @category reasons
 * @since 0.2.0
 */
export class UuidMissing extends Data.TaggedError("UuidMissing")<{
  /** The name of the entry. */
  readonly dn: string
  /** The attribute that should identify it. */
  readonly attribute: string
}> {
  override get message(): string {
    return `the entry has no ${this.attribute} that this client may read: grant it the right to read ${this.attribute}, ` +
      "or narrow the filter to entries that have one"
  }
}

/**
 * An entry doesn't fit the class of `LdapSchema`.
 *
 * @category reasons
 * @since 0.2.0
 */
export class EntryUndecodable extends Data.TaggedError("EntryUndecodable")<{
  /** The UUID of the entry. */
  readonly uuid: string
  /** The name of the entry. */
  readonly dn: string
  /** Why it doesn't fit the class. */
  readonly cause: LdapDecodeError
}> {
  override get message(): string {
    return `${this.cause.message}; correct the entry, widen the class, narrow the filter, or follow with undecodable: "leaveOut"`
  }
}

/**
 * All reasons of an {@link LdapChangesError}.
 *
 * @category models
 * @since 0.2.0
 */
export type LdapChangesErrorReason =
  | CookieMismatch
  | CookieUnreadable
  | SourceUnavailable
  | UuidMissing
  | EntryUndecodable

/**
 * Following can't start or continue, for a reason that another attempt would not change.
 *
 * @category errors
 * @since 0.2.0
 */
export class LdapChangesError extends Data.TaggedError("LdapChangesError")<{
  /** Why following failed. `Effect.catchReason` selects by its tag. */
  readonly reason: LdapChangesErrorReason
  /** The URL of the server, if one was involved. */
  readonly server?: string | undefined
}> {
  override get message(): string {
    return `the directory${
      this.server === undefined ? "" : ` at ${this.server}`
    } can't be followed: ${this.reason.message}`
  }
}
