/**
 * The error of a copy, where it isn't one of the directory or of the database.
 *
 * @since 0.2.0
 */
import * as Data from "effect/Data"

/**
 * More entries would be deleted than `maxDeletions` allows. None of them was deleted, and the copy has stopped.
 *
 * @category reasons
 * @since 0.2.0
 */
export class TooManyDeletions extends Data.TaggedError("TooManyDeletions")<{
  /** How many are to be deleted now. */
  readonly deletions: number
  /** How many were deleted before within the same window. */
  readonly before: number
  /** How many the window allows. */
  readonly limit: number
  /** How many entries the copy has. */
  readonly entries: number
}> {
  override get message(): string {
    const before = this.before === 0 ? "" : ` beside ${this.before} that were deleted before`
    return `${this.deletions} of ${this.entries} entries would be deleted${before}, and maxDeletions allows ${this.limit}: ` +
      `see whether the directory, the filter and the rights of the bind DN are right, then confirm with confirmDeletions(${this.deletions})`
  }
}

/**
 * Another process follows the directory into this copy now. Nothing was written.
 *
 * @category reasons
 * @since 0.2.0
 */
export class Superseded extends Data.TaggedError("Superseded")<{
  /** The epoch of this process. Each process that takes the copy over has a higher one. */
  readonly epoch: number
}> {
  override get message(): string {
    return `another process has taken the copy over since this one began (epoch ${this.epoch})`
  }
}

/**
 * Another process holds the copy, and `whenHeld: "fail"` was chosen.
 *
 * @category reasons
 * @since 0.2.0
 */
export class Held extends Data.TaggedError("Held")<{
  /** The owner of the lock. */
  readonly owner: string
  /** When its lease ends unless it is renewed. */
  readonly until: Date
}> {
  override get message(): string {
    return `the process ${this.owner} follows this directory, with a lease until ${this.until.toISOString()}`
  }
}

/**
 * An entry of the directory doesn't fit the class of `LdapSchema`, and `undecodable: "fail"` was chosen.
 *
 * @category reasons
 * @since 0.2.0
 */
export class Undecodable extends Data.TaggedError("Undecodable")<{
  /** The UUID of the entry. */
  readonly uuid: string
  /** The name of the entry. */
  readonly dn: string
  /** Why it can't be stored. */
  readonly cause: unknown
}> {
  override get message(): string {
    const why = this.cause instanceof Error ? this.cause.message : String(this.cause)
    return `${why}; correct the entry, widen the class, narrow the filter, or choose undecodable: "leaveOut"`
  }
}

/**
 * An option is wrong.
 *
 * @category reasons
 * @since 0.2.0
 */
export class InvalidOption extends Data.TaggedError("InvalidOption")<{
  /** The name of the option. */
  readonly field: string
  /** What is wrong with it. */
  readonly detail: string
}> {
  override get message(): string {
    return `the option ${this.field} is wrong: ${this.detail}`
  }
}

/**
 * All reasons of an {@link LdapReplicaError}.
 *
 * @category models
 * @since 0.2.0
 */
export type LdapReplicaErrorReason = TooManyDeletions | Superseded | Held | Undecodable | InvalidOption

/**
 * A copy can't begin or go on; `Effect.catchReason("LdapReplicaError", …)` handles one reason.
 *
 * @category errors
 * @since 0.2.0
 */
export class LdapReplicaError extends Data.TaggedError("LdapReplicaError")<{
  /** Why the copy stopped. `Effect.catchReason` selects by its tag. */
  readonly reason: LdapReplicaErrorReason
  /** The name of the copy. */
  readonly replica: string
}> {
  override get message(): string {
    return `the copy "${this.replica}": ${this.reason.message}`
  }
}
