/**
 * Requests that have not been written to the connection yet.
 *
 * One turn of the event loop runs many fibers: their requests wait for the end of the turn and go out in one write. Until
 * then, and as long as the connection has no room, a request can be withdrawn without a trace.
 */
import { Line, type Placed } from "./Line.ts"
import type { Operation } from "./Operation.ts"

/** An Abandon of the request with the message id `target` (RFC 4511 section 4.11). */
export interface Abandon extends Placed {
  readonly messageId: number
  readonly target: number
}

export interface WriteQueue {
  readonly waiting: Line<Operation | Abandon>
  /** Whether a flush is planned for the end of this turn. */
  isPlanned: boolean
  /** Whether the connection accepts more. */
  hasRoom: boolean
}

export const emptyQueue = (): WriteQueue => ({ waiting: new Line(), isPlanned: false, hasRoom: true })

/** Adds an item to the queue. Returns whether a flush has to be planned. */
export const enqueue = (queue: WriteQueue, item: Operation | Abandon): boolean => {
  queue.waiting.add(item)
  if (queue.isPlanned || !queue.hasRoom) return false
  return (queue.isPlanned = true)
}

const nothing: ReadonlyArray<never> = []

/** Removes and returns everything that can be written now, in its order; nothing if the connection has no room. */
export const takeWritable = ({ hasRoom, waiting }: WriteQueue): ReadonlyArray<Operation | Abandon> =>
  hasRoom && waiting.size > 0 ? waiting.takeAll() : nothing
