/**
 * Operations whose caller is gone, or whose time limit has passed: withdrawn if the request wasn't written, otherwise abandoned (RFC
 * 4511 section 4.11) or cancelled (RFC 3909), or left to their end if they can't be abandoned.
 */
import { setUnread, setWaiting } from "../Backpressure.ts"
import { nextId, rememberAbandoned } from "../MessageIds.ts"
import type { Operation } from "../Operation.ts"
import type { Core, Outcome } from "../SessionAction.ts"
import type { Unsendable } from "../SessionEvent.ts"
import { enqueue } from "../WriteQueue.ts"
import { end } from "./ending.ts"
import { setTimer, settle, start, withdraw } from "./sending.ts"

export const interrupt = (core: Core, operation: Operation): void => {
  switch (operation.spec.kind) {
    // Neither can be abandoned: the connection stays reserved until the server has answered, or the time limit has passed.
    case "bind":
    case "bindStep":
    case "startTls":
    case "cancel":
      if (operation.stage === "written") operation.isAttended = false
      else takeBack(core, operation)
      return
    case "reservation":
      if (operation.isBegun) operation.isAttended = false
      else withdraw(core, operation)
      return
    default:
      abandon(core, operation, { _tag: "Abandoned" })
  }
}

/** Ends an operation whose request was not written. If it is a Cancel, its target is abandoned. */
const takeBack = (core: Core, operation: Operation): void => {
  withdraw(core, operation)
  if (operation.spec.kind === "cancel") cancelEnded(core, operation, false)
}

export const unsendable = (core: Core, operation: Operation, failure: Unsendable): void => {
  settle(core, operation, { _tag: "Unsendable", failure })
  if (operation.spec.kind === "cancel") cancelEnded(core, operation, false)
}

/** Withdraws the request if it wasn't written; otherwise sends an Abandon. Late responses are dropped. */
export const abandon = (core: Core, operation: Operation, outcome: Outcome): void => {
  const { ids, inFlight, queue } = core.state
  if (operation.stage === "done") return
  if (operation.stage !== "written") {
    return settle(core, operation, outcome._tag === "Abandoned" ? { _tag: "Withdrawn" } : outcome)
  }
  rememberAbandoned(ids, operation.messageId)
  const abandonment = { messageId: nextId(ids, inFlight), target: operation.messageId }
  settle(core, operation, outcome)
  if (enqueue(queue, abandonment)) core.actions.push({ _tag: "PlanFlush" })
}

/** Stops waiting for a response, without telling the server. */
const forget = (core: Core, operation: Operation, outcome: Outcome): void => {
  rememberAbandoned(core.state.ids, operation.messageId)
  settle(core, operation, outcome)
}

export const cancel = (core: Core, operation: Operation, cancellation: Operation): void => {
  if (operation.stage !== "written") {
    withdraw(core, operation)
    return withdraw(core, cancellation)
  }
  leave(core, operation)
  start(core, cancellation)
}

/**
 * Handles the end of a Cancel. If it was granted, the server has ended the operation. Otherwise, and without a response, the operation
 * might go on for ever, so it is abandoned.
 */
export const cancelEnded = (core: Core, cancellation: Operation, isGranted: boolean): void => {
  const target = cancellation.target!
  if (target.stage !== "written") return
  if (isGranted) forget(core, target, { _tag: "Abandoned" })
  else abandon(core, target, { _tag: "Abandoned" })
}

export const letFinish = (core: Core, operation: Operation): void => {
  if (operation.stage !== "written") return takeBack(core, operation)
  leave(core, operation)
  // What waits for its end, for instance the next paged search, waits for its last response.
  setWaiting(core.state.backpressure, operation, true)
  // A bind must not wait for ever for a silent server. An operation that has a time limit keeps it.
  if (operation.hasTimer) return
  if (operation.spec.timeoutMillis !== Infinity) setTimer(core, operation, operation.spec.timeoutMillis)
}

/** The caller of a request in flight is gone: later responses are dropped. */
const leave = ({ state: { backpressure } }: Core, operation: Operation): void => {
  operation.isAttended = false
  setUnread(backpressure, operation, 0)
}

/** Ends a conversation, successful or not: its caller has the result. */
export const finish = (core: Core, operation: Operation): void => {
  if (operation.stage === "done") return
  settle(core, operation, { _tag: "Abandoned" })
  for (const step of core.state.inFlight.values()) {
    if (step.target === operation) return end(core, brokenOff, true)
  }
}

const brokenOff = {
  _tag: "ConnectionLost" as const,
  detail: "a bind was broken off before its answer; it could still take effect, so this side closed the connection",
  cause: undefined
}

/** The time limit of an operation has passed. */
export const operationTimer = (core: Core, operation: Operation): void => {
  if (operation.stage === "done" || !operation.hasTimer) return
  operation.hasTimer = false
  const { kind, timeoutMillis } = operation.spec
  const inDoubt = operation.isBegun
  const outcome: Outcome = { _tag: "TimedOut", afterMillis: timeoutMillis, inDoubt }
  switch (kind) {
    case "bind":
    case "reservation":
    case "startTls": {
      // The answer may still come and take effect, and the caller couldn't tell then who the session is. In the middle of a StartTLS
      // nothing may be sent, not even an unbind (RFC 4511 section 4.14.1), nor while it isn't known whether it has to be wrapped.
      const mayUnbind = kind !== "startTls" && !isUndecided(core)
      settle(core, operation, outcome)
      if (inDoubt) end(core, unanswered(operation), mayUnbind)
      return
    }
    case "cancel":
      forget(core, operation, outcome)
      return cancelEnded(core, operation, false)
    default:
      return abandon(core, operation, outcome)
  }
}

const isUndecided = ({ state: { phase } }: Core): boolean => "channel" in phase && phase.channel._tag === "Undecided"

const unanswered = ({ spec: { kind, timeoutMillis } }: Operation) => ({
  _tag: "ConnectionLost" as const,
  detail: kind === "startTls"
    ? `StartTLS was not finished within ${timeoutMillis} ms, so this side closed the connection`
    : `the bind was not answered within ${timeoutMillis} ms; it could still take effect, so this side closed the connection`,
  cause: undefined
})
