/** A bounded world: which operations there are, what their callers do, and what the peer does. */
import type { OperationSpec } from "../../../src/session/core/Operation.ts"

/** One operation, and the caller that it belongs to. */
export interface Caller {
  readonly name: string
  readonly spec: OperationSpec
  /** What a Cancel cancels, or the reservation that a bind step belongs to. Comes before it in the world. */
  readonly target?: number
  /** What the caller may do at any point, once. A Cancel by another operation of the world comes to these. */
  readonly leaves?: ReadonlyArray<"Interrupt" | "LetFinish">
  /** The request may prove to be one that can't be encoded. */
  readonly isUnsendable?: boolean
}

export interface World {
  readonly name: string
  /** What it is there for. */
  readonly why: string
  /** Part of the smaller bound that runs in `npm test`. */
  readonly isSmall?: boolean
  readonly callers: ReadonlyArray<Caller>
  /** Sizes of the entries that the peer sends, in units (see `unitBytes`). References and intermediate responses have one. */
  readonly entryUnits: ReadonlyArray<number>
  /** The connection may have no room. */
  readonly isNarrow?: boolean
  /** This side may end the session (`GiveUp`). */
  readonly givesUp?: boolean
  /** Events may come late: the operation, or the session, has ended in the meantime. */
  readonly isLate?: boolean
  /** Message ids start again after 2^31 - 1. They are kept as they are, not renamed. */
  readonly ages?: boolean
}
