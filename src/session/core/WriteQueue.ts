/**
 * Requests that the connection has not taken yet.
 *
 * One turn of the event loop runs many fibers: what they all send waits for the end of the turn and goes out in one write. Until
 * then, and as long as the connection has no room, a request can be withdrawn without a trace.
 */
import type { Operation } from "./Operation.ts"

/** An Abandon of the request with the message id `target` (RFC 4511 section 4.11). */
export interface Abandon {
  readonly messageId: number
  readonly target: number
}

export interface WriteQueue {
  /** In the order in which they are written. */
  readonly waiting: Set<Operation | Abandon>
  /** A flush comes at the end of this turn. */
  isPlanned: boolean
  /** The connection takes more. */
  hasRoom: boolean
}

export const emptyQueue = (): WriteQueue => ({ waiting: new Set(), isPlanned: false, hasRoom: true })

/** Adds what is to be written. Returns whether a flush has to be planned. */
export const enqueue = (queue: WriteQueue, item: Operation | Abandon): boolean => {
  queue.waiting.add(item)
  if (queue.isPlanned || !queue.hasRoom) return false
  return (queue.isPlanned = true)
}

/** Takes everything that can be written now; nothing where there is no room. */
export const takeWritable = (queue: WriteQueue): ReadonlyArray<Operation | Abandon> => {
  if (!queue.hasRoom || queue.waiting.size === 0) return []
  const writable = [...queue.waiting]
  queue.waiting.clear()
  return writable
}
