/**
 * What a whole step must do: exactly the actions of its event. The names (S1 to S13) are those of src/README.md.
 */
import type { Outcome } from "../../../src/session/core/SessionAction.ts"
import type { SessionEvent } from "../../../src/session/core/SessionEvent.ts"
import { type Model, writtenUnder } from "../world/Model.ts"
import type { Step } from "../world/Step.ts"
import type { World } from "../world/World.ts"
import { type Done, indexOf, isExclusive, isOnWire, takeStep } from "./actions.ts"
import { checkAnswer } from "./answers.ts"
import { broken } from "./Broken.ts"
import { checkState } from "./invariants.ts"

/** Applies a step to `after`, which equals `before`, and checks its effects. Throws a `Broken`. */
export const applyStep = (world: World, before: Model, after: Model, step: Step): void => {
  const { done, event } = takeStep(after, step)
  done.abandoned = newAbandons(before, after)
  if (before.environment.isEnded && after.environment.isEnded) nothingNew(done)
  checkStep(before, after, step, event, done)
  checkState(world, after)
}

/** The Abandons that a step has added, in the queue or in what it has written. */
const newAbandons = (before: Model, after: Model): Array<number> => {
  const added: Array<number> = []
  for (let index = 0; index < after.operations.length; index++) {
    const now = abandonsOf(after, index)
    if (now > 1) broken(`S5: a second Abandon of ${index}`)
    if (now === 0 || now <= abandonsOf(before, index)) continue
    const operation = after.operations[index]!
    const { isSettled, isWritten } = after.environment.calls[index]!
    const { kind } = operation.spec
    if (isExclusive(operation) || kind === "cancel") broken(`S5: an Abandon of a ${kind}`)
    if (!isWritten) broken(`S5: an Abandon of ${index}, which was never written`)
    if (!isSettled) broken(`S5: an Abandon of ${index}, which goes on`)
    added.push(index)
  }
  for (const item of after.machine.state.queue.waiting) {
    if (!("spec" in item) && writtenUnder(after, item.target) < 0) broken("S5: an Abandon of nothing")
  }
  return added
}

const abandonsOf = (model: Model, index: number): number => {
  let count = model.environment.calls[index]!.abandons
  for (const item of model.machine.state.queue.waiting) {
    if (!("spec" in item) && writtenUnder(model, item.target) === index) count++
  }
  return count
}

/** S3: what may still happen after the session has ended. */
const nothingNew = (done: Done): void => {
  if (done.abandoned.length > 0) broken("S3: an Abandon after the end")
}

const checkStep = (
  before: Model,
  after: Model,
  step: Step,
  event: SessionEvent,
  done: Done
): void => {
  if (step.said !== undefined) checkAnswer(before, after, step.said, done)
  else checkEvent(before, after, step, event, done)
}

/** Exactly these operations are settled, the first of them with one of these outcomes. */
const only = (done: Done, index: number, ...tags: ReadonlyArray<Outcome["_tag"]>): void => {
  const own = done.settled.find((settled) => settled.index === index)
  if (own === undefined || !tags.includes(own.outcome._tag)) {
    broken(
      `operation ${index} should end with ${tags.join(" or ")}, not ${own === undefined ? "go on" : own.outcome._tag}`
    )
  }
}

const checkEvent = (
  before: Model,
  after: Model,
  { about }: Step,
  event: SessionEvent,
  done: Done
): void => {
  const call = before.environment.calls[about]
  const operation = after.operations[about]
  const wasOpen = !before.environment.isEnded
  if (event._tag !== "ReadEnd" && event._tag !== "Wait" && done.woken.length > 0)
    broken("a stream is woken by something else")
  switch (event._tag) {
    case "ConnectionEnd": {
      // During a handshake, the handshake itself reports why it failed.
      const isHandshakes = before.environment.isHandshaking && !before.environment.isClosing &&
        !before.environment.isClosed
      const isEnded = after.environment.isEnded && (wasOpen || after.environment.isClosing)
      if (isHandshakes && isEnded) broken("S7: the connection ends before the handshake has said why")
      if (!isHandshakes && !after.environment.isEnded) broken("S3: the session goes on without a connection")
      return
    }
    case "Release":
    case "GiveUp":
      if (!after.environment.isEnded) broken(`S3: ${event._tag} doesn't end the session`)
      return
    default:
  }
  if (call !== undefined && operation !== undefined && "spec" in operation) {
    checkCall(before, after, about, event, done)
  } else if (event._tag === "Decide" && wasOpen && before.environment.isUndecided) {
    // That is the end of the conversation.
    const reservation = before.environment.calls.findIndex(({ isGranted, isSettled }) => isGranted && !isSettled)
    only(done, reservation, "Abandoned")
    if (done.settled.length > 1) broken("S3: a decision ends another operation")
  } else if (done.settled.length > 0 && !done.hasEnded && event._tag !== "HandshakeEnd") {
    broken(`S3: ${event._tag} ends an operation`)
  }
  if (event._tag === "HandshakeEnd" && wasOpen && event.error === undefined) {
    const index = after.operations.findIndex(({ spec }, at) =>
      spec.kind === "startTls" && before.environment.calls[at]!.isWritten && !before.environment.calls[at]!.isSettled
    )
    only(done, index, "Secured")
  }
  if (event._tag === "HandshakeEnd" && wasOpen && event.error !== undefined) {
    if (!after.environment.isEnded) broken("S7: a session goes on after a handshake that failed")
    if (!done.settled.some(({ outcome }) => outcome._tag === "HandshakeFailed"))
      broken("S7: the handshake failed, silently")
  }
  if (event._tag === "ReadEnd" && event.malformed !== undefined && !after.environment.isEnded) {
    broken("S11: garbage doesn't end the session")
  }
  if (event._tag === "ClearText" && wasOpen && !done.hasEnded) broken("S7: clear text during the handshake is believed")
  if (event._tag === "ReadEnd" && before.environment.isTlsGranted && !before.environment.isClosing) {
    const isClean = event.leftover === 0 && event.malformed === undefined && !before.environment.isHandshaking
    const isLive = !before.environment.isUnbound && (wasOpen || !before.environment.isClosing)
    if (isClean && isLive && !done.hasShaken) broken("S7: the handshake doesn't begin")
    if (event.leftover > 0 && wasOpen && !done.hasEnded)
      broken("S7: what follows the agreement in clear text is believed")
  }
}

const checkCall = (before: Model, after: Model, index: number, event: SessionEvent, done: Done): void => {
  const call = before.environment.calls[index]!
  const operation = after.operations[index]!
  const { kind, timeoutMillis } = operation.spec
  const wasOpen = !before.environment.isEnded
  const mayNotBeLeft = isExclusive(operation) || kind === "cancel" || kind === "reservation"
  // Operations that end together: a Cancel and its target, a reservation and its steps.
  const own = new Set([index])
  after.operations.forEach(({ target }, other) => {
    if (target === operation && kind === "reservation") own.add(other)
  })
  if (kind === "cancel") own.add(indexOf(operation.target!))
  if (event._tag === "Cancel") own.add(indexOf(event.cancel))
  // A bind that isn't answered may still take effect later.
  const isInDoubt = event._tag === "Timer"
    ? (isExclusive(operation) || kind === "reservation") && call.isWritten
    : event._tag === "Finish" &&
      after.operations.some(({ target }, step) => target === operation && isOnWire(before, step))
  const endsAll = isInDoubt && !call.isSettled
  if (endsAll && !done.hasEnded) broken("S6: the session goes on, although a bind may still take effect")
  if (done.hasEnded && !endsAll) broken(`S6: ${event._tag} of ${index} ends the session`)
  for (const settled of done.settled) {
    if (!endsAll && !own.has(settled.index)) broken(`S6: ${event._tag} of ${index} ends ${settled.index}`)
  }
  for (const abandoned of done.abandoned) {
    if (!own.has(abandoned)) broken(`S5: ${event._tag} of ${index} abandons ${abandoned}`)
  }
  if (call.isSettled) {
    if (done.settled.length + done.encoded.length + done.abandoned.length > 0 && event._tag !== "Cancel") {
      broken(`${event._tag} of ${index} does something after its end`)
    }
    return
  }
  switch (event._tag) {
    case "Start":
      if (!wasOpen) only(done, index, "SessionEnded")
      else if (kind === "bindStep" && before.environment.calls[indexOf(operation.target!)]!.isSettled) {
        only(done, index, "Withdrawn")
      } else {
        if (done.settled.length > 0) broken("S3: an operation ends at its start")
        if (timeoutMillis !== Infinity && kind !== "stream" && !after.environment.calls[index]!.isTimed) {
          broken("S6: an operation starts without its timer")
        }
        if (kind !== "bindStep" && !mayNotBeLeft && done.encoded.includes(index) === isReserved(before)) {
          broken("S7: an operation goes past one that needs the connection alone, or waits for none")
        }
      }
      break
    case "Interrupt":
      if (!call.isWritten) only(done, index, "Withdrawn")
      else if (mayNotBeLeft) {
        if (done.settled.length > 0) broken("S5: what can't be abandoned ends")
      } else {
        only(done, index, "Abandoned")
        abandonedOnce(done, index)
      }
      break
    case "LetFinish":
      if (!call.isWritten) only(done, index, "Withdrawn")
      else if (done.settled.length + done.abandoned.length > 0) broken("an operation ends that was left to finish")
      else if (timeoutMillis !== Infinity && !after.environment.calls[index]!.isTimed) {
        broken("S7: an operation that was left to finish has no time limit")
      }
      break
    case "Cancel": {
      const cancel = indexOf(event.cancel)
      if (!call.isWritten) {
        only(done, index, "Withdrawn")
        only(done, cancel, "Withdrawn")
      } else {
        if (done.settled.length > 0) broken("an operation ends before its Cancel is answered")
        if (!done.encoded.includes(cancel)) broken("S5: the Cancel isn't sent")
        if (event.cancel.spec.timeoutMillis !== Infinity && !after.environment.calls[cancel]!.isTimed) {
          broken("S6: a Cancel starts without its timer")
        }
      }
      break
    }
    case "Unsendable":
      only(done, index, "Unsendable")
      break
    case "Finish":
      only(done, index, "Abandoned")
      break
    case "Timer":
      only(done, index, "TimedOut")
      if (call.isWritten && !mayNotBeLeft) abandonedOnce(done, index)
      break
    case "Wait": {
      const isWoken = done.woken.includes(index)
      if (isWoken !== call.held > 0)
        broken(isWoken ? "S10: a stream is woken for nothing" : "S10: a stream waits, and holds responses")
      if (!isWoken && timeoutMillis !== Infinity && !after.environment.calls[index]!.isTimed) {
        broken("S6: a wait without a timer")
      }
      break
    }
    case "StopWaiting":
      if (after.environment.calls[index]!.isTimed) broken("S6: the time of a wait goes on after it")
      break
    default:
  }
  // If a Cancel has no effect, its target is abandoned.
  if (kind === "cancel" && after.environment.calls[index]!.isSettled && wasOpen) {
    const target = indexOf(operation.target!)
    if (!isOnWire(before, target)) return
    if (!after.environment.calls[target]!.isSettled)
      broken(`S5: the Cancel is over, and what it was to cancel, ${target}, goes on`)
    abandonedOnce(done, target)
  }
}

/** Whether an operation has the connection alone, or waits for that. */
const isReserved = ({ environment, operations }: Model): boolean =>
  operations.some(({ spec: { kind } }, index) => {
    const { isSettled, isStarted } = environment.calls[index]!
    return isStarted && !isSettled && (kind === "bind" || kind === "startTls" || kind === "reservation")
  })

const abandonedOnce = (done: Done, index: number): void => {
  if (done.abandoned.length !== 1 || done.abandoned[0] !== index) broken(`S5: no Abandon of ${index}`)
}
