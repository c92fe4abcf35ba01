/** A bounded world: its operations, the actions of their callers, and the messages of the peer. */
import type { OperationSpec } from "../../../src/session/core/Operation.ts"

/** One operation and its caller. */
export interface Caller {
  readonly name: string
  readonly spec: OperationSpec
  /** The target of a Cancel, or the reservation of a bind step. It comes earlier in the world. */
  readonly target?: number
  /** What the caller may do at any point, once. Cancels by other operations of the world are additional. */
  readonly leaves?: ReadonlyArray<"Interrupt" | "LetFinish">
  /** Whether encoding the request may fail. */
  readonly isUnsendable?: boolean
}

export interface World {
  readonly name: string
  /** The purpose of the world. */
  readonly why: string
  /** Whether it is part of the smaller bound that runs in `npm test`. */
  readonly isSmall?: boolean
  readonly callers: ReadonlyArray<Caller>
  /**
   * Sizes of the entries that the peer sends, in units (see `unitBytes`). References and intermediate responses have the size 1.
   */
  readonly entryUnits: ReadonlyArray<number>
  /** Whether writes can fill the connection's buffer. */
  readonly isNarrow?: boolean
  /** This side may end the session (`GiveUp`). */
  readonly givesUp?: boolean
  /** Whether events may come late: after the operation or the session has ended. */
  readonly isLate?: boolean
  /** Whether message ids start again after 2^31 - 1. Then the ids in states are kept instead of renamed. */
  readonly ages?: boolean
}
