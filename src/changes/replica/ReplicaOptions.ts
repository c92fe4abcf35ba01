/**
 * The options of a copy, and their check.
 *
 * @since 0.2.0
 */
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { FollowOptions } from "../ChangesOptions.ts"
import { type DeletionLimit, deletionLimitFrom } from "./model/DeletionLimit.ts"
import type { ReplicaChange } from "./model/ReplicaChange.ts"
import { InvalidOption } from "./model/ReplicaError.ts"

/**
 * What is copied, and how.
 *
 * **Details**
 *
 * The options of what is followed (`base`, `scope`, `filter`, `attributes`, `source` …) are those of `LdapChanges.follow`. If one of
 * `base`, `scope`, `filter` or `attributes` is changed, the next run reads the whole view, and deletes what isn't in it any more, within
 * `maxDeletions`.
 *
 * @category models
 * @since 0.2.0
 */
export interface ReplicaOptions<out E = never, out R = never> extends
  Pick<
    FollowOptions,
    | "base"
    | "scope"
    | "filter"
    | "attributes"
    | "source"
    | "schedule"
    | "pollInterval"
    | "heartbeat"
    | "pageSize"
  >
{
  /** Names the copy in its tables: one directory each. Up to 200 characters. */
  readonly name: string

  /**
   * Is given the differences that a batch makes, inside its transaction: what it writes by the same SqlClient is committed together with
   * the rows and the checkpoint, or not at all.
   *
   * **Details**
   *
   * A difference is handed over once, also if the directory sends a change again: the rows of the copy are compared. Several changes of an
   * entry within a batch are one difference. A batch may have several calls. What `apply` does elsewhere may happen again after a crash. A
   * failure rolls the batch back and ends the run with it.
   */
  readonly apply?: ((changes: ReadonlyArray<ReplicaChange>) => Effect.Effect<void, E, R>) | undefined

  /**
   * How many deletions a window of time allows: a number of entries, or a share of those that the copy had at its begin, `"10%"`, which is
   * at least one. More stop the copy before any of them, with `TooManyDeletions`. Default `"10%"`; `Infinity` allows all.
   */
  readonly maxDeletions?: number | `${number}%` | undefined

  /** The length of that window. Default 1 hour. */
  readonly deletionWindow?: Duration.Input | undefined

  /** The largest number of changes in one transaction. Default 500, from 1 to 3,000. More of them take more memory. */
  readonly batchSize?: number | undefined

  /** How long a transaction waits for more changes in a refresh, and for the checkpoint behind a change. Default 1 second. */
  readonly batchTime?: Duration.Input | undefined

  /**
   * For how long a process holds the copy after the last sign of life. A process that dies is followed by another one after that time.
   * Default 30 seconds, at least 1 second. Clocks that differ can't harm: only the process that took the copy over last writes.
   */
  readonly lease?: Duration.Input | undefined

  /** What happens while another process holds the copy: `wait`, or `fail` with `Held`. Default `wait`. */
  readonly whenHeld?: "wait" | "fail" | undefined

  /**
   * What happens after a failure of the database that may pass: `retry` from the checkpoint, after half a second at first, then longer up to
   * 30 seconds, for ever; or `fail`. Default `retry`. A lost connection, locks, and a server that stops, starts or lacks resources may
   * pass; all other failures (of constraints, rights, syntax, values) end the run.
   */
  readonly onDatabaseError?: "retry" | "fail" | undefined
}

/** The options of a copy itself, with their defaults. */
export interface ReplicaSettings {
  readonly limit: DeletionLimit
  readonly windowMillis: number
  readonly batchSize: number
  readonly batchMillis: number
  readonly leaseMillis: number
  readonly whenHeld: "wait" | "fail"
  readonly onDatabaseError: "retry" | "fail"
}

/** The settings, or which option is wrong. The options of what is followed are checked by `LdapChanges`. */
export const settingsFrom = (options: ReplicaOptions<unknown, unknown>): ReplicaSettings | InvalidOption => {
  const { name } = options
  if (typeof name !== "string" || name === "" || name.length > 200 || name.includes("\0")) {
    return invalid("name", "it is a text of 1 to 200 characters")
  }
  if (options.apply !== undefined && typeof options.apply !== "function") return invalid("apply", "it is a function")
  const limit = deletionLimitFrom(options.maxDeletions ?? "10%")
  if (limit === undefined)
    return invalid("maxDeletions", "it is a number of entries from 0, or a share such as \"10%\"")
  const batchSize = options.batchSize ?? 500
  if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > 3_000) {
    return invalid("batchSize", "it is a whole number from 1 to 3,000")
  }
  const windowMillis = millisOf(options.deletionWindow ?? "1 hour", 1)
  if (windowMillis === undefined) return invalid("deletionWindow", "it is a duration of at least a millisecond")
  const batchMillis = millisOf(options.batchTime ?? "1 second", 0)
  if (batchMillis === undefined) return invalid("batchTime", "it is a duration")
  const leaseMillis = millisOf(options.lease ?? "30 seconds", 1_000)
  if (leaseMillis === undefined || leaseMillis > longestLease) {
    return invalid("lease", "it is a duration from a second to a day")
  }
  const { onDatabaseError = "retry", whenHeld = "wait" } = options
  if (!["wait", "fail"].includes(whenHeld)) return invalid("whenHeld", "it is \"wait\" or \"fail\"")
  if (!["retry", "fail"].includes(onDatabaseError)) return invalid("onDatabaseError", "it is \"retry\" or \"fail\"")
  return { limit, windowMillis, batchSize, batchMillis, leaseMillis, whenHeld, onDatabaseError }
}

const longestLease = 86_400_000

const millisOf = (input: Duration.Input, least: number): number | undefined => {
  const duration = Duration.fromInput(input)
  if (Option.isNone(duration)) return undefined
  const millis = Duration.toMillis(duration.value)
  return millis >= least ? millis : undefined
}

const invalid = (field: string, detail: string): InvalidOption => new InvalidOption({ field, detail })
