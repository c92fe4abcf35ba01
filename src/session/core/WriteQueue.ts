/**
 * Requests that have not been written to the connection yet.
 *
 * One turn of the event loop runs many fibers: their requests wait for the end of the turn and go out in one write. Until
 * then, and as long as the connection has no room, a request can be withdrawn without a trace.
 */
import type { Operation } from "./Operation.ts"

/** An Abandon of the request with the message id `target` (RFC 4511 section 4.11). */
export interface Abandon {
  readonly messageId: number
  readonly target: number
}

export interface WriteQueue {
  /** In the order of writing. */
  waiting: Set<Operation | Abandon>
  /** Whether a flush is planned for the end of this turn. */
  isPlanned: boolean
  /** Whether the connection accepts more. */
  hasRoom: boolean
}

export const emptyQueue = (): WriteQueue => ({ waiting: new Set(), isPlanned: false, hasRoom: true })

/** Adds an item to the queue. Returns whether a flush has to be planned. */
export const enqueue = (queue: WriteQueue, item: Operation | Abandon): boolean => {
  queue.waiting.add(item)
  if (queue.isPlanned || !queue.hasRoom) return false
  return (queue.isPlanned = true)
}

const nothing: ReadonlySet<never> = new Set()

/** Removes and returns everything that can be written now; nothing if the connection has no room. */
export const takeWritable = (queue: WriteQueue): ReadonlySet<Operation | Abandon> => {
  if (!queue.hasRoom || queue.waiting.size === 0) return nothing
  const writable = queue.waiting
  // A set that is cleared refers to its old table in V8, and with it to what it had (see `InFlight`).
  queue.waiting = new Set()
  return writable
}
