/**
 * Who may use the connection: many operations at a time, or one bind or StartTLS alone (RFC 4511 sections 4.2.1 and 4.14.1).
 *
 * An operation that needs the connection alone waits until nothing is in flight; operations that come meanwhile wait for it.
 * Those that came first go first.
 */
import type { Operation } from "./Operation.ts"

export interface ExclusiveAccess {
  /** The operation that has the connection alone. */
  holder: Operation | undefined
  /** Wait for the connection to be idle, in the order in which they came. */
  readonly alone: Set<Operation>
  /** Wait for the operations above, in the order in which they came. */
  readonly shared: Set<Operation>
}

export const freeAccess = (): ExclusiveAccess => ({ holder: undefined, alone: new Set(), shared: new Set() })

/** Whether an ordinary operation may start now. */
export const isOpen = ({ alone, holder }: ExclusiveAccess): boolean => holder === undefined && alone.size === 0

/** Takes out the next operation that may go on; it becomes the holder if it needs the connection alone. */
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
