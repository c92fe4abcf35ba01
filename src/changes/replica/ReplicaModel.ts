/**
 * A copy as programs see it.
 *
 * @since 0.2.0
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { SqlError } from "effect/sql/SqlError"
import type * as Stream from "effect/Stream"
import type { LdapEntry } from "../../model/entry/LdapEntry.ts"
import type { LdapError } from "../../model/LdapError.ts"
import type { LdapChangesError } from "../ChangesError.ts"
import type { LdapReplicaError } from "./model/ReplicaError.ts"
import type { Verification } from "./ReplicaVerification.ts"
import type { Progress } from "./run/ReplicaProgress.ts"

/**
 * What can go wrong while a copy runs: the directory, the database, the copy itself, or `E` of its `apply`.
 *
 * @category models
 * @since 0.2.0
 */
export type RunError<E = never> = LdapError | LdapChangesError | LdapReplicaError | SqlError | E

/**
 * An entry of a copy.
 *
 * @category models
 * @since 0.2.0
 */
export interface CopiedEntry {
  /** The UUID of the entry. */
  readonly uuid: string
  /** The entry. */
  readonly entry: LdapEntry
}

/**
 * What the database knows of a copy.
 *
 * @category models
 * @since 0.2.0
 */
export interface Status {
  /** The number of entries in the copy. */
  readonly entries: number
  /** Whether there is a checkpoint to go on from. */
  readonly hasCheckpoint: boolean
  /** How many processes have followed the directory, one after another. */
  readonly epoch: number
  /** Which process holds the copy, and until when unless it renews that; `undefined` if none does. */
  readonly holder: { readonly owner: string; readonly until: Date } | undefined
  /** When the last refresh ended; `undefined` before the first. */
  readonly refreshedAt: Date | undefined
  /** When the last batch was committed; `undefined` before the first. */
  readonly committedAt: Date | undefined
}

/**
 * A copy of a subtree. Fibers may share it; `run` and `poll` are one at a time, and the second takes the copy over from the first.
 *
 * @category models
 * @since 0.2.0
 */
export interface LdapReplica<out E = never, out R = never> {
  /** The name of the copy in its database. */
  readonly name: string

  /**
   * Follows the directory into the copy until it is interrupted or fails.
   *
   * **Details**
   *
   * It goes on where the copy is, whichever process has brought it there. Each transaction has up to `batchSize` changes and the checkpoint
   * that covers them. Lost sessions and failures of the database that may pass are tried again. While another process holds the copy, it
   * waits. It fails with `TooManyDeletions` before anything is deleted, with `Superseded` if another process has taken the copy over, and with
   * the error of `apply`. Interruption rolls the open transaction back, and lets another process in at once.
   */
  readonly run: Effect.Effect<void, RunError<E>, R>

  /** Brings the copy up to date once, and ends. */
  readonly poll: Effect.Effect<void, RunError<E>, R>

  /** What `run` and `poll` of this process do, as a value that changes. */
  readonly progress: Stream.Stream<Progress>

  /** The value of `progress` now. */
  readonly current: Effect.Effect<Progress>

  /** What the database knows of the copy, also of runs of other processes; `None` before the first run. */
  readonly status: Effect.Effect<Option.Option<Status>, SqlError>

  /** The entries of the copy, in the order of their UUIDs, read page by page. */
  readonly entries: Stream.Stream<CopiedEntry, SqlError>

  /** One entry of the copy. */
  readonly find: (uuid: string) => Effect.Effect<Option.Option<LdapEntry>, SqlError>

  /**
   * Allows so many deletions once, beside those that `maxDeletions` allows. Then `run` again: the changes that were stopped come again.
   * The number is that of the error; if more come, the copy stops again.
   */
  readonly confirmDeletions: (deletions: number) => Effect.Effect<void, SqlError | LdapReplicaError>

  /**
   * Compares the copy with the directory, entry by entry, by UUID, DN and a hash of the attributes. It reads the whole view.
   *
   * **Details**
   *
   * The copy may be followed meanwhile. A difference that is gone or has changed after `settle` was only late, and isn't
   * counted. `repair: true` has the whole view read again into the copy if there are differences, by the process that holds it or by this
   * one, with the same guard on deletions, and compares again.
   */
  readonly verify: (options?: VerifyInput) => Effect.Effect<Verification, RunError<E>, R>
}

/**
 * How a copy is compared.
 *
 * @category models
 * @since 0.2.0
 */
export interface VerifyInput {
  /** Whether differences are repaired. Default: false, they are only reported. */
  readonly repair?: boolean | undefined

  /** How long a difference has to last. Default 2 seconds. */
  readonly settle?: Duration.Input | undefined
}
