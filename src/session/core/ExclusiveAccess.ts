/**
 * Access to the connection: many operations at a time, or one bind or StartTLS alone (RFC 4511 sections 4.2.1 and 4.14.1).
 * An operation that needs the connection alone waits until nothing is in flight; operations that start meanwhile wait for it.
 * The order is first come, first served.
 */
import type { Operation } from "./Operation.ts"

export interface ExclusiveAccess {
  /** The operation that has exclusive use of the connection. */
  holder: Operation | undefined
  /** Operations that wait for the connection to be idle, in order of arrival. */
  readonly alone: Set<Operation>
  /** Operations that wait for those in `alone`, in order of arrival. */
  readonly shared: Set<Operation>
}

export const freeAccess = (): ExclusiveAccess => ({ holder: undefined, alone: new Set(), shared: new Set() })

/** Whether an ordinary operation may start now. */
export const isOpen = ({ alone, holder }: ExclusiveAccess): boolean => holder === undefined && alone.size === 0

/** Removes the next operation that may go on; it becomes the holder if it needs the connection alone. */
export const takeNext = (access: ExclusiveAccess, isIdle: boolean): Operation | undefined => {
  if (access.holder !== undefined) return undefined
  for (const operation of access.alone) {
    if (!isIdle) return undefined
    access.alone.delete(operation)
    access.holder = operation
    return operation
  }
  for (const operation of access.shared) {
    access.shared.delete(operation)
    return operation
  }
  return undefined
}
