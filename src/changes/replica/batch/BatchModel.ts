/**
 * The input and output of a batch, and what a run remembers from one batch to the next.
 *
 * @since 0.2.0
 */
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type { DeletionLimit } from "../model/DeletionLimit.ts"
import type { ReplicaChange } from "../model/ReplicaChange.ts"
import type { ReplicaRow } from "../tables/ReplicaStore.ts"

/** The changes since the cookie are not enough: the view has to be read again without the cookie. */
export class NeedsWholeView extends Data.TaggedError("NeedsWholeView")<{ readonly why: string }> {}

/** The effect of an entry's move on the entries below it. */
export interface Move {
  readonly uuid: string
  readonly fromKey: string
  readonly from: string
  readonly to: string
}

/** What a run knows between its batches. */
export interface RefreshState {
  isRefreshing: boolean
  /** Whether the copy had no rows when the refresh that runs began. */
  isFirst: boolean
  /** Moves of the refresh that runs, which apply at its end. */
  moves: Array<Move>
}

export interface WriterOptions<E, R> {
  readonly limit: DeletionLimit
  readonly windowMillis: number
  /** Is given the differences inside the transaction. */
  readonly apply: ((changes: ReadonlyArray<ReplicaChange>) => Effect.Effect<void, E, R>) | undefined
}

/**
 * How many differences of each kind were made, and how many changes made no difference.
 *
 * @category models
 * @since 0.2.0
 */
export interface BatchCounts {
  /** Entries that were added. */
  readonly added: number
  /** Entries whose values changed. */
  readonly modified: number
  /** Entries that were renamed or moved. */
  readonly moved: number
  /** Entries that were deleted. */
  readonly deleted: number
  /** Entries that were received and had not changed. */
  readonly unchanged: number
}

export interface BatchResult {
  readonly row: ReplicaRow
  readonly state: RefreshState
  readonly counts: BatchCounts
}
