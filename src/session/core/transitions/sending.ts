/** An operation from its start until its request is written, and its end. */
import { setUnread, setWaiting } from "../Backpressure.ts"
import { isOpen, takeNext } from "../ExclusiveAccess.ts"
import { nextId } from "../MessageIds.ts"
import type { Operation } from "../Operation.ts"
import type { Core, Outcome, SessionAction } from "../SessionAction.ts"
import { messages } from "../SessionState.ts"
import { enqueue, takeWritable } from "../WriteQueue.ts"

export const start = (core: Core, operation: Operation): void => {
  const { access, phase } = core.state
  const { kind, timeoutMillis, remainingMillis = timeoutMillis } = operation.spec
  if (phase._tag !== "Open") {
    return settle(core, operation, { _tag: "SessionEnded", end: phase.end, wasInFlight: false, inDoubt: false })
  }
  if (kind !== "stream" && timeoutMillis !== Infinity) setTimer(core, operation, remainingMillis)
  switch (kind) {
    case "bind":
    case "reservation":
    case "startTls":
      operation.stage = "alone"
      access.alone.add(operation)
      return
    case "bindStep":
      // The conversation that this step belongs to may have been given up in the meantime.
      return operation.target?.stage === "granted" ? send(core, operation) : withdraw(core, operation)
    // An operation that has the connection alone, or waits for that, waits for the end of the cancelled operation.
    case "cancel":
      return send(core, operation)
    default:
      if (isOpen(access)) return send(core, operation)
      operation.stage = "shared"
      access.shared.add(operation)
  }
}

/** Starts the waiting operations that may start now. */
export const advance = (core: Core): void => {
  const { access, inFlight } = core.state
  if (access.alone.size === 0 && access.shared.size === 0) return
  for (;;) {
    const next = takeNext(access, inFlight.size === 0)
    if (next === undefined) return
    if (next.spec.kind === "reservation") {
      next.stage = "granted"
      core.actions.push({ _tag: "Grant", operation: next })
    } else {
      send(core, next)
    }
  }
}

const send = (core: Core, operation: Operation): void => {
  const { backpressure, ids, inFlight, queue } = core.state
  operation.messageId = nextId(ids, inFlight)
  operation.stage = "queued"
  inFlight.add(operation)
  const { kind } = operation.spec
  if (kind === "startTls") core.state.phase = { _tag: "Open", channel: { _tag: "StartTls", operation } }
  if (kind !== "stream") setWaiting(backpressure, operation, true)
  core.actions.push({ _tag: "Encode", operation })
  if (enqueue(queue, operation)) core.actions.push(planFlush)
}

const planFlush: SessionAction = { _tag: "PlanFlush" }

export const flush = (core: Core): void => {
  core.state.queue.isPlanned = false
  write(core)
}

export const room = (core: Core): void => {
  core.state.queue.hasRoom = true
  if (!core.state.queue.isPlanned) write(core)
}

const write = (core: Core): void => {
  if (core.state.phase._tag !== "Open") return
  const items = takeWritable(core.state.queue)
  if (items.length === 0) return
  for (let i = 0; i < items.length; i++) {
    const item = items[i]!
    if (!("spec" in item)) continue
    item.stage = "written"
    item.isBegun = true
    if (item.spec.kind === "bindStep") item.target!.isBegun = true
  }
  core.actions.push({ _tag: "Write", items })
}

/** The caller of a stream waits for its next item. */
export const wait = (core: Core, operation: Operation, timeoutMillis: number): void => {
  if (operation.stage === "done") return
  setWaiting(core.state.backpressure, operation, true)
  if (operation.unread > 0) core.actions.push({ _tag: "Wake", operation })
  else if (timeoutMillis !== Infinity) setTimer(core, operation, timeoutMillis)
}

export const stopWaiting = (core: Core, operation: Operation): void => {
  setWaiting(core.state.backpressure, operation, false)
  clearTimer(core, operation)
}

export const take = (core: Core, operation: Operation, bytes: number): void => {
  // What a caller had unread when it left isn't counted any more.
  if (operation.stage === "done" || !operation.isAttended) return
  stopWaiting(core, operation)
  setUnread(core.state.backpressure, operation, operation.unread - bytes)
}

export const withdraw = (core: Core, operation: Operation): void => settle(core, operation, { _tag: "Withdrawn" })

/** Ends an operation in any stage. Does nothing if it has ended already. */
export const settle = (core: Core, operation: Operation, outcome: Outcome): void => {
  const { access, backpressure, inFlight, phase, queue } = core.state
  switch (operation.stage) {
    case "done":
      return
    case "shared":
      access.shared.delete(operation)
      break
    case "alone":
      access.alone.delete(operation)
      break
    case "queued":
      queue.waiting.delete(operation)
      inFlight.delete(operation)
      break
    case "written":
      inFlight.delete(operation)
      break
    case "granted":
      // Steps of the conversation that wait to be written are dropped too.
      for (const step of inFlight.values()) {
        if (step.target === operation && step.stage === "queued") withdraw(core, step)
      }
      break
    case "created":
  }
  operation.stage = "done"
  clearTimer(core, operation)
  setWaiting(backpressure, operation, false)
  setUnread(backpressure, operation, 0)
  if (access.holder === operation) access.holder = undefined
  if (phase._tag === "Open" && "operation" in phase.channel && phase.channel.operation === operation) {
    core.state.phase = { _tag: "Open", channel: messages }
  }
  core.actions.push({ _tag: "Settle", operation, outcome })
}

export const setTimer = (core: Core, operation: Operation, millis: number): void => {
  operation.hasTimer = true
  core.actions.push({ _tag: "SetTimer", of: operation, millis })
}

export const clearTimer = (core: Core, operation: Operation): void => {
  if (!operation.hasTimer) return
  operation.hasTimer = false
  core.actions.push({ _tag: "ClearTimer", of: operation })
}
