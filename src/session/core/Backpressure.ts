/**
 * Decides whether the session reads. While a caller can't go on without a response, it always reads. If no caller waits and a stream
 * has reached its high-water mark, it doesn't, and TCP makes the peer wait.
 */
import type { ExclusiveAccess } from "./ExclusiveAccess.ts"
import type { Operation } from "./Operation.ts"

/** Bytes of unread responses from which on a stream counts as full. */
export const highWaterMark = 256 * 1024

export interface Backpressure {
  /** Whether the connection was told to read. */
  isReading: boolean
  /** The number of operations that have `isWaiting`. */
  waiting: number
  /** The number of operations that have `isFull`. */
  full: number
}

export const noBackpressure = (): Backpressure => ({ isReading: false, waiting: 0, full: 0 })

/** Whether the session has to read even if streams are full. */
export const mustRead = ({ waiting }: Backpressure, { alone }: ExclusiveAccess): boolean =>
  // An operation that waits for the connection to be idle waits for the responses of all others.
  waiting > 0 || alone.size > 0

export const setWaiting = (backpressure: Backpressure, operation: Operation, isWaiting: boolean): void => {
  if (operation.isWaiting === isWaiting) return
  operation.isWaiting = isWaiting
  backpressure.waiting += isWaiting ? 1 : -1
}

/** Records how many bytes a stream holds. */
export const setUnread = (backpressure: Backpressure, operation: Operation, unread: number): void => {
  operation.unread = unread
  const isFull = unread >= highWaterMark
  if (operation.isFull === isFull) return
  operation.isFull = isFull
  backpressure.full += isFull ? 1 : -1
}
