/**
 * Access to the connection: many operations at a time, or one bind or StartTLS alone (RFC 4511 sections 4.2.1 and 4.14.1).
 * An operation that needs the connection alone waits until nothing is in flight; operations that start meanwhile wait for it.
 * The order is first come, first served.
 */
import { Line } from "./Line.ts"
import type { Operation } from "./Operation.ts"

export interface ExclusiveAccess {
  /** The operation that has exclusive use of the connection. */
  holder: Operation | undefined
  /** Operations that wait for the connection to be idle, in order of arrival. */
  readonly alone: Line<Operation>
  /** Operations that wait for those in `alone`, in order of arrival. */
  readonly shared: Line<Operation>
}

export const freeAccess = (): ExclusiveAccess => ({ holder: undefined, alone: new Line(), shared: new Line() })

/** Whether an ordinary operation may start now. */
export const isOpen = ({ alone, holder }: ExclusiveAccess): boolean => holder === undefined && alone.size === 0

/** Removes the next operation that may go on; it becomes the holder if it needs the connection alone. */
export const takeNext = (access: ExclusiveAccess, isIdle: boolean): Operation | undefined => {
  if (access.holder !== undefined) return undefined
  const alone = access.alone.first
  if (alone !== undefined) {
    if (!isIdle) return undefined
    access.alone.delete(alone)
    access.holder = alone
    return alone
  }
  const shared = access.shared.first
  if (shared !== undefined) access.shared.delete(shared)
  return shared
}
