/**
 * What each action may do, whatever led to it. An action is checked against the environment, and then the environment is updated.
 */
import type { Operation } from "../../../src/session/core/Operation.ts"
import type { Outcome, SessionAction } from "../../../src/session/core/SessionAction.ts"
import type { SessionEvent } from "../../../src/session/core/SessionEvent.ts"
import { type Model, writtenUnder } from "../world/Model.ts"
import type { Step } from "../world/Step.ts"
import { broken } from "./Broken.ts"

/** The effects of a step, for the comparison. */
export interface Done {
  readonly settled: Array<{ readonly index: number; readonly outcome: Outcome }>
  readonly delivered: Array<number>
  readonly woken: Array<number>
  readonly encoded: Array<number>
  /** Abandons that were added to the queue, by the operation that they abandon. */
  abandoned: Array<number>
  notices: number
  hasEnded: boolean
  hasShaken: boolean
}

export const indexOf = (operation: Operation): number => operation.owner as number

/** Kinds that are never abandoned. */
export const isExclusive = ({ spec: { kind } }: Operation): boolean =>
  kind === "bind" || kind === "bindStep" || kind === "startTls"

/** A StartTLS was written, and is neither refused nor finished. */
export const isTlsUnderWay = ({ environment, operations }: Model): boolean =>
  operations.some(({ spec }, index) => {
    const call = environment.calls[index]!
    return spec.kind === "startTls" && call.isWritten && (!call.isAnswered || environment.isTlsGranted)
  })

/** Applies a step and checks each of its actions. */
export const takeStep = (model: Model, step: Step): { readonly event: SessionEvent; readonly done: Done } => {
  const event = step.event(model)
  step.before?.(model)
  notice(model, step)
  model.machine.actions.length = 0
  model.machine.apply(event)
  return { event, done: perform(model, event) }
}

/** What the wire has seen, independently of the machine's state. */
const notice = ({ environment, operations }: Model, { about, said }: Step): void => {
  if (said === undefined) return
  environment.isInChunk = true
  if (said._tag !== "Final" && said._tag !== "Refusal") return
  const call = environment.calls[about]!
  const { kind } = operations[about]!.spec
  if (!call.isWritten || call.isAnswered) return
  // An answer to an abandoned operation is dropped, except that it ends a StartTLS.
  if (call.isSettled && kind !== "startTls") return
  call.isAnswered = true
  if (said._tag !== "Final" || !said.isSuccess) return
  if (kind === "startTls") environment.isTlsGranted = true
  if (kind === "bindStep" && !environment.isEnded) environment.isUndecided = true
}

const perform = (model: Model, event: SessionEvent): Done => {
  const done: Done = {
    settled: [],
    delivered: [],
    woken: [],
    encoded: [],
    abandoned: [],
    notices: 0,
    hasEnded: false,
    hasShaken: false
  }
  for (const action of model.machine.actions) performOne(model, event, action, done)
  return done
}

const performOne = (model: Model, event: SessionEvent, action: SessionAction, done: Done): void => {
  const { environment, operations } = model
  const { calls } = environment
  if (environment.isClosed && action._tag !== "Settle") broken(`S2: ${action._tag} after Closed`)
  switch (action._tag) {
    case "Encode": {
      const index = indexOf(action.operation)
      const call = calls[index]!
      if (environment.isEnded) broken("S3: a request is encoded after the end")
      if (call.isSettled || call.isEncoded) broken("S3: a request is encoded twice, or after its end")
      idIsFree(model, action.operation.messageId, index)
      call.isEncoded = true
      done.encoded.push(index)
      return
    }
    case "PlanFlush":
      if (environment.isFlushPlanned) broken("a flush is planned twice")
      if (environment.isEnded) broken("S3: a flush is planned after the end")
      if (!environment.hasRoom) broken("a flush is planned, and the connection has no room")
      environment.isFlushPlanned = true
      return
    case "Write":
      if (environment.isEnded) broken("S3: a request is written after the end")
      if (!environment.hasRoom) broken("a request is written although the connection has no room")
      if (environment.isUnbound) broken("S1: something is written after the unbind")
      for (const item of action.items) {
        if ("spec" in item) written(model, item)
        else abandonWritten(model, item.target, item.messageId)
      }
      return
    case "Grant": {
      const call = calls[indexOf(action.operation)]!
      if (call.isGranted || call.isSettled) broken("S7: a reservation is granted twice, or after its end")
      if (environment.isEnded) broken("S3: a reservation is granted after the end")
      calls.forEach((other, index) => {
        if (isOnWire(model, index)) broken(`S7: a reservation is granted while ${index} is in flight`)
        if (other.isGranted && !other.isSettled) broken("S7: two reservations are granted")
      })
      call.isGranted = true
      return
    }
    case "Deliver": {
      const index = indexOf(action.operation)
      const call = calls[index]!
      if (event._tag !== "Message") broken("a response is delivered without one")
      if (call.isSettled || call.isGone || !call.isWritten)
        broken("S11: a response is delivered to an operation that is over")
      if (environment.isEnded) broken("S3: a response is delivered after the end")
      done.delivered.push(index)
      return
    }
    case "Wake": {
      const call = calls[indexOf(action.operation)]!
      if (call.isSettled || call.held === 0 || !call.isWaiting) broken("a stream is woken for nothing")
      if (environment.isEnded) broken("S3: a stream is woken after the end")
      call.isWoken = true
      done.woken.push(indexOf(action.operation))
      return
    }
    case "Settle": {
      const index = indexOf(action.operation)
      const call = calls[index]!
      if (call.isSettled) broken(`S3: operation ${index} is settled twice`)
      if (call.isTimed) broken(`S6: operation ${index} is settled, and its timer runs on`)
      call.isSettled = true
      call.isWaiting = false
      call.isWoken = false
      call.held = 0
      if (action.operation !== operations[index]) broken("an operation is settled that is none")
      settledRightly(model, index, action.outcome)
      done.settled.push({ index, outcome: action.outcome })
      return
    }
    case "SetTimer":
      if (action.of === "goodbye") {
        if (environment.isTimed) broken("S2: the timer of the goodbye is set twice")
        if (action.millis !== model.machine.closeTimeoutMillis) broken("S2: the timer of the goodbye has another time")
        // Once for the goodbye, and once for the release of the connection.
        if (++environment.timings > 2) broken("S2: the time of the goodbye starts again and again")
        environment.isTimed = true
        return
      }
      if (environment.isEnded) broken("S3: the timer of an operation is set after the end")
      if (calls[indexOf(action.of)]!.isSettled) broken("S6: a timer is set for an operation that is over")
      if (calls[indexOf(action.of)]!.isTimed) broken("S6: a timer is set for an operation whose timer runs")
      if (action.millis !== action.of.spec.timeoutMillis) broken("S6: a timer has another time than the operation")
      if (action.millis === Infinity) broken("S6: a timer is set for ever")
      calls[indexOf(action.of)]!.isTimed = true
      return
    case "ClearTimer": {
      const timed = action.of === "goodbye" ? environment : calls[indexOf(action.of)]!
      if (!timed.isTimed) broken("S6: a timer is cleared that wasn't set")
      timed.isTimed = false
      return
    }
    case "Pause":
    case "Resume": {
      const isReading = action._tag === "Resume"
      if (environment.isReading === isReading) broken(`S10: ${action._tag} twice`)
      environment.isReading = isReading
      return
    }
    case "Handshake":
      if (
        event._tag !== "ReadEnd" || event.leftover > 0 || event.malformed !== undefined || !environment.isTlsGranted
      ) {
        broken("S7: a handshake begins although the server has not agreed, or after more than its agreement")
      }
      if (environment.isHandshaking) broken("S7: a second handshake begins")
      environment.isHandshaking = true
      done.hasShaken = true
      return
    case "Notice":
      if (environment.isEnded) broken("S3: a notice after the end")
      done.notices++
      return
    case "End":
      if (environment.isEnded) broken("S3: the session ends twice")
      environment.isEnded = true
      done.hasEnded = true
      environment.isNoticed = action.end._tag === "ServerNotice"
      endedRightly(model, event, action.end._tag)
      return
    case "Unbind":
      if (environment.isUnbound) broken("S1: a second unbind")
      if (!environment.isEnded) broken("S1: an unbind before the end")
      if (environment.isPeerGone) broken("S1: an unbind although the peer has ended the session")
      if (environment.isNoticed) broken("S1: an unbind after the notice of disconnection")
      if (isTlsUnderWay(model)) broken("S1: an unbind in the middle of StartTLS")
      if (environment.isClosing || environment.isClosed) broken("S1: an unbind on a connection that is being freed")
      if (environment.isUndecided && (isReleased(model) || event._tag === "Timer")) {
        broken("S1: an unbind before it is decided how it is to be sent")
      }
      idIsFree(model, action.messageId, -1)
      environment.isUnbound = true
      return
    case "Shutdown":
      if (!environment.isUnbound) broken("S1: this side is closed before the unbind")
      if (environment.isShuttingDown) broken("S1: this side is closed twice")
      environment.isShuttingDown = true
      return
    case "Close":
      if (environment.isClosing || environment.isClosed) broken("S2: the connection is freed twice")
      if (!environment.isEnded) broken("S2: the connection is freed before the end")
      if (!environment.isUnbound) excused(model, event)
      if (environment.isShuttingDown && !(event._tag === "Timer" && event.of === "goodbye")) {
        broken("S1: the connection is freed before this side is closed, so the unbind may not have been sent")
      }
      if (!model.machine.actions.some((other) => other._tag === "SetTimer" && other.of === "goodbye")) {
        broken("S2: what frees the connection doesn't get its own time")
      }
      environment.isClosing = true
      return
    case "Closed":
      environment.isClosed = true
      if (!environment.isEnded) broken("S2: closed before the end")
      if (environment.isTimed) broken("S2: closed, and the timer of the goodbye runs on")
      return
  }
}

const isReleased = ({ machine: { state: { phase } } }: Model): boolean =>
  "end" in phase && phase.end._tag === "Released"

/** S1: the cases in which no unbind is sent. */
const excused = (model: Model, event: SessionEvent): void => {
  const { environment } = model
  const isPeers = environment.isPeerGone || environment.isNoticed || isTlsUnderWay(model)
  // Until the time limit passed, it was not decided how the unbind must be sent.
  const isUndecided = environment.isUndecided && event._tag === "Timer"
  if (!isPeers && !isUndecided) broken("S1: the connection is freed without an unbind")
}

const endedRightly = ({ environment }: Model, event: SessionEvent, tag: string): void => {
  const right = (() => {
    switch (event._tag) {
      case "Release":
        return tag === "Released"
      case "GiveUp":
      case "ClearText":
        return tag === "ProtocolViolation"
      case "Message":
        return tag === "ProtocolViolation" || tag === "ServerNotice"
      case "ReadEnd":
        return tag === "ProtocolViolation"
      case "ConnectionEnd":
        return tag === event.end._tag
      case "HandshakeEnd":
        return event.error === undefined
          ? environment.isPeerGone
          : tag === (event.error.reason._tag === "ProtocolViolation" ? "ProtocolViolation" : "ConnectionLost")
      case "Timer":
      case "Finish":
        return tag === "ConnectionLost"
      default:
        return false
    }
  })()
  if (!right) broken(`S3: the session ends with ${tag} on ${event._tag}`)
}

/** Written, and neither answered nor abandoned by this side: the server is processing it. */
export const isOnWire = ({ environment, operations }: Model, index: number): boolean => {
  const call = environment.calls[index]!
  return operations[index]!.spec.kind !== "reservation" && call.isWritten && !call.isAnswered && !call.isSettled
}

const written = (model: Model, operation: Operation): void => {
  const { environment, operations } = model
  const index = indexOf(operation)
  const call = environment.calls[index]!
  if (call.isWritten) broken(`a request is written twice: ${index}`)
  if (call.isSettled) broken(`S3: a request is written that was withdrawn: ${index}`)
  if (!call.isEncoded) broken(`a request is written that was not encoded: ${index}`)
  nothingIsExclusive(model, index)
  if (isExclusive(operation)) {
    for (let other = 0; other < operations.length; other++) {
      if (isOnWire(model, other)) broken(`S7: ${operation.spec.kind} is written while ${other} is in flight`)
    }
  }
  call.isWritten = true
  if (operation.spec.kind === "bindStep") environment.calls[indexOf(operation.target!)]!.isWritten = true
}

const abandonWritten = (model: Model, target: number, messageId: number): void => {
  const { environment } = model
  const index = writtenUnder(model, target)
  const call = environment.calls[index]
  if (call === undefined) return broken("S5: an Abandon of nothing is written")
  if (++call.abandons > 1) broken(`S5: a second Abandon of ${index}`)
  if (messageId === target) broken("S5: an Abandon has the id of what it abandons")
  nothingIsExclusive(model, -1)
}

/** S7: while a bind or StartTLS is on the wire, or between its steps, only its next step is written. */
const nothingIsExclusive = (model: Model, index: number): void => {
  const { environment, operations } = model
  operations.forEach((operation, other) => {
    if (isExclusive(operation) && isOnWire(model, other)) broken(`S7: written while ${other} has the connection alone`)
    const call = environment.calls[other]!
    // An Abandon may have been queued before the connection was granted.
    const isHeld = call.isGranted && !call.isSettled && (call.isWritten || index >= 0)
    if (isHeld && operations[index]?.target !== operation) broken(`S7: written between the steps of ${other}`)
  })
  if (environment.isUndecided) broken("S7: written before it is decided how")
  if (environment.isTlsGranted) broken("S7: written before the handshake has ended")
}

/** S5: the id of a request differs from the ids of all requests that may still be answered. */
const idIsFree = (model: Model, id: number, index: number): void => {
  if (id <= 0 || id > 2147483647) broken(`S5: ${id} is no message id`)
  model.operations.forEach((operation, other) => {
    const call = model.environment.calls[other]!
    const mayBeAnswered = call.isEncoded && !call.isAnswered && (call.isWritten || !call.isSettled)
    if (other !== index && operation.messageId === id && mayBeAnswered) {
      broken(`S5: the message id of ${other} is given to another request`)
    }
  })
}

/** What the caller is told about its request must be true. */
const settledRightly = ({ environment, operations }: Model, index: number, outcome: Outcome): void => {
  const call = environment.calls[index]!
  const { spec, target } = operations[index]!
  switch (outcome._tag) {
    case "Answered":
      if (!call.isAnswered) broken(`S11: ${index} is answered, and the peer has said nothing`)
      return
    case "Secured":
    case "HandshakeFailed":
      if (spec.kind !== "startTls" || !call.isAnswered) broken(`S7: ${index} ends with ${outcome._tag}`)
      return
    case "TimedOut":
    case "SessionEnded": {
      if (outcome.inDoubt !== call.isWritten) broken(`${index}: inDoubt is ${outcome.inDoubt}, and it isn't so`)
      if (outcome._tag === "SessionEnded" && outcome.wasInFlight !== (call.isEncoded || call.isWritten)) {
        broken(`${index}: wasInFlight is ${outcome.wasInFlight}, and it isn't so`)
      }
      // The time limit of a conversation covers its steps.
      const timed = spec.kind === "bindStep" ? target!.spec : spec
      if (outcome._tag === "TimedOut" && outcome.afterMillis !== timed.timeoutMillis) {
        broken("S6: another time than was set")
      }
      return
    }
    case "Withdrawn":
    case "Unsendable":
      if (call.isWritten) broken(`${index}: ${outcome._tag}, but it was written`)
      return
    case "Abandoned":
      if (!call.isWritten && spec.kind !== "reservation") broken(`${index}: abandoned, but never written`)
      return
    case "TooManyEntries":
      if (spec.entryLimit !== outcome.limit) broken(`S12: ${index} has another limit`)
      return
    case "Unread":
      if (spec.maxUnread !== outcome.maxUnread) broken(`S12: ${index} has another limit`)
      return
  }
}
