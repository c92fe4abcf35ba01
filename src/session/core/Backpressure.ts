/**
 * Whether the session reads on. While a caller can't go on without a response it always does. While none waits and a stream
 * holds as much as it should, it doesn't: then TCP makes the peer wait.
 */
import type { ExclusiveAccess } from "./ExclusiveAccess.ts"
import type { Operation } from "./Operation.ts"

/** Bytes of unread responses from which on a stream counts as full. */
export const highWaterMark = 256 * 1024

export interface Backpressure {
  /** The connection was told to bring what it has. */
  isReading: boolean
  /** How many operations have `isWaiting`. */
  waiting: number
  /** How many have `isFull`. */
  full: number
}

export const noBackpressure = (): Backpressure => ({ isReading: false, waiting: 0, full: 0 })

/** Whether the session has to read, however much streams hold. */
export const mustRead = ({ waiting }: Backpressure, { alone }: ExclusiveAccess): boolean =>
  // An operation that waits for the connection to be idle waits for what the others are still sent.
  waiting > 0 || alone.size > 0

export const setWaiting = (backpressure: Backpressure, operation: Operation, isWaiting: boolean): void => {
  if (operation.isWaiting === isWaiting) return
  operation.isWaiting = isWaiting
  backpressure.waiting += isWaiting ? 1 : -1
}

/** Notes how many bytes a stream holds. */
export const setUnread = (backpressure: Backpressure, operation: Operation, unread: number): void => {
  operation.unread = unread
  const isFull = unread >= highWaterMark
  if (operation.isFull === isFull) return
  operation.isFull = isFull
  backpressure.full += isFull ? 1 : -1
}
