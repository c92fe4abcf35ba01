/**
 * The error of following a directory, where it isn't one of an LDAP operation: `Effect.catchReason("LdapChangesError", …)` handles one
 * reason.
 *
 * @since 0.2.0
 */
import * as Data from "effect/Data"
import type { LdapDecodeError } from "../schema/LdapSchema.ts"
import type { ChangesSource } from "./LdapChange.ts"

/**
 * The cookie belongs to another request: what is followed has changed since it was stored.
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
 * The cookie is not one of `LdapChanges`, or of a later version of this library. `detail` says which.
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
 * The server can't be followed by this source.
 *
 * @category reasons
 * @since 0.2.0
 */
export class SourceUnavailable extends Data.TaggedError("SourceUnavailable")<{
  /** The source that was asked for. */
  readonly source: ChangesSource
  /** What is missing. */
  readonly detail: string
}> {
  override get message(): string {
    return `the server can't be followed by ${this.source}: ${this.detail}`
  }
}

/**
 * An entry came without its UUID, so its row can't be found again.
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
 * Following can't begin or go on, for a reason that no other attempt would change.
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
