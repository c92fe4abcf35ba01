/** Invariants of every state: the machine is consistent in itself, and consistent with its environment. */
import { highWaterMark } from "../../../src/session/core/Backpressure.ts"
import type { Operation } from "../../../src/session/core/Operation.ts"
import type { Model } from "../world/Model.ts"
import type { World } from "../world/World.ts"
import { broken } from "./Broken.ts"

/** `S10`, `S7` and so on are the promises of src/README.md. The others are invariants of the machine itself. */
export const checkState = (world: World, model: Model): void => {
  model.operations.forEach((operation, index) => checkPlace(model, operation, index))
  checkSums(model)
  checkAround(model)
  if (model.environment.isEnded) checkEnded(model)
  else if (!model.environment.isInChunk) checkProgress(world, model)
  if (!model.environment.isInChunk) checkReading(model)
}

/** Every operation is exactly in the places that its stage implies. */
const checkPlace = ({ environment, machine: { state } }: Model, operation: Operation, index: number): void => {
  const { stage } = operation
  const { access, inFlight, queue } = state
  const call = environment.calls[index]!
  const isIn = (what: string, is: boolean, should: boolean): void => {
    if (is !== should) broken(`operation ${index} is ${stage}, and is ${is ? "" : "not "}${what}`)
  }
  isIn("settled", call.isSettled, stage === "done")
  isIn("started", call.isStarted, stage !== "created")
  isIn("in flight", inFlight.get(operation.messageId) === operation, stage === "queued" || stage === "written")
  isIn("in the queue", queue.waiting.has(operation), stage === "queued")
  isIn("among those that wait to be alone", access.alone.has(operation), stage === "alone")
  isIn("among those that wait for others", access.shared.has(operation), stage === "shared")
  const needsAlone = operation.spec.kind === "bind" || operation.spec.kind === "startTls"
  const holds = stage === "granted" || (needsAlone && (stage === "queued" || stage === "written"))
  isIn("the holder of the connection", access.holder === operation, holds)
  isIn("waiting for time", operation.hasTimer, call.isTimed)
  if (operation.spec.kind !== "reservation" && stage !== "done") isIn("written", call.isWritten, stage === "written")
  if (stage === "done" && (operation.isWaiting || operation.isFull || operation.hasTimer || operation.unread > 0)) {
    broken(`operation ${index} is over, and still counts for something`)
  }
  if (operation.spec.kind === "stream" && operation.unread !== call.held) {
    broken(`S10: stream ${index} holds ${call.held} bytes, and counts ${operation.unread}`)
  }
}

const checkSums = ({ machine: { state }, operations }: Model): void => {
  const { backpressure, inFlight, queue } = state
  let waiting = 0
  let full = 0
  let sent = 0
  for (const { isFull, isWaiting, stage, unread } of operations) {
    if (isWaiting) waiting++
    if (isFull) full++
    if (stage === "queued" || stage === "written") sent++
    if (isFull !== (unread >= highWaterMark)) broken("S10: a stream is full, or not, by mistake")
  }
  if (backpressure.waiting !== waiting) broken("S10: other operations wait than are counted")
  if (backpressure.full !== full) broken("S10: other streams are full than are counted")
  if (inFlight.size !== sent) broken("something else is in flight")
  for (const item of queue.waiting) {
    if ("spec" in item && !operations.includes(item)) broken("something else is in the queue")
  }
}

/** The machine and its environment agree on what has happened between them. */
const checkAround = ({ environment, machine: { state }, operations }: Model): void => {
  const { phase, queue } = state
  const agree = (what: string, one: boolean, other: boolean): void => {
    if (one !== other) broken(`the machine and its surroundings disagree on ${what}`)
  }
  agree("the end", phase._tag !== "Open", environment.isEnded)
  agree("the last of it", phase._tag === "Closed", environment.isClosed)
  agree("the timer of the goodbye", state.isClosingTimed, environment.isTimed)
  agree("the flush", queue.isPlanned, environment.isFlushPlanned)
  const canRead = phase._tag !== "Closing" && phase._tag !== "Closed"
  if (canRead) agree("reading", state.backpressure.isReading, environment.isReading)
  if (phase._tag === "Open" && phase.channel._tag === "Handshake")
    agree("the handshake", environment.isHandshaking, true)
  if (phase._tag === "Open") {
    const tls = operations.find(({ spec, stage }) =>
      spec.kind === "startTls" && (stage === "queued" || stage === "written")
    )
    agree("StartTLS", tls !== undefined, "operation" in phase.channel)
    agree(
      "the agreement to StartTLS",
      environment.isTlsGranted,
      phase.channel._tag === "Granted" || phase.channel._tag === "Handshake"
    )
    agree("the decision", environment.isUndecided, phase.channel._tag === "Undecided")
  }
}

/** S2 and S3: only the goodbye is left, and its timer runs. */
const checkEnded = ({ environment, machine: { state } }: Model): void => {
  for (const [index, { isSettled, isStarted }] of environment.calls.entries()) {
    if (isStarted && !isSettled) broken(`S3: the session has ended, and operation ${index} goes on`)
  }
  const { access, inFlight, queue } = state
  if (inFlight.size + access.alone.size + access.shared.size + queue.waiting.size > 0 || access.holder !== undefined) {
    broken("S3: the session has ended, and something is left of it")
  }
  if (!environment.isClosed && !environment.isTimed) broken("S2: the session ends, and no time limit runs")
}

/** Everything that has started can make progress, and nothing waits for itself. */
const checkProgress = (world: World, { environment, machine: { state }, operations }: Model): void => {
  const { access, inFlight, queue } = state
  if (queue.waiting.size > 0 && !environment.isFlushPlanned && environment.hasRoom)
    broken("S3: what waits to be written waits for ever")
  if (access.alone.size > 0 && access.holder === undefined && inFlight.size === 0) {
    broken("S7: an operation waits for an idle connection that is idle")
  }
  if (access.shared.size > 0 && access.holder === undefined && access.alone.size === 0) {
    broken("S7: an operation waits for others, and there are none")
  }
  operations.forEach((operation, index) => {
    const call = environment.calls[index]!
    const { kind, timeoutMillis } = operation.spec
    if (!call.isStarted || call.isSettled) return
    if (kind !== "stream" && timeoutMillis !== Infinity && !call.isTimed)
      broken(`S6: operation ${index} has no time limit`)
    if (kind === "stream" && call.isWaiting && call.held > 0 && !call.isWoken) {
      broken(`S10: stream ${index} waits, holds responses, and isn't woken`)
    }
    if (kind === "stream" && call.isWaiting && call.held === 0 && timeoutMillis !== Infinity && !call.isTimed) {
      broken(`S6: stream ${index} waits without a time limit`)
    }
    if (kind === "stream" && call.isTimed && !call.isWaiting && !call.isGone) {
      broken(`S6: the time of stream ${index} runs although its consumer doesn't wait`)
    }
    if (kind === "stream" && call.isTimed && call.isWaiting && call.held > 0) {
      broken(`S6: the time of a wait of stream ${index} runs on, although its consumer was given something`)
    }
    // An operation without a caller is watched by a timer or a Cancel, or can't be abandoned.
    if (!call.isGone || timeoutMillis === Infinity) return
    const isWatched = world.callers.some(({ spec, target }, other) =>
      spec.kind === "cancel" && target === index && environment.calls[other]!.isStarted &&
      !environment.calls[other]!.isSettled
    )
    if (!call.isTimed && !isWatched) broken(`S5: operation ${index} is left to itself`)
  })
}

/** Whether a caller needs the peer's next message, so that the session must read. */
export const isReadingFor = ({ environment, operations }: Model): boolean =>
  operations.some(({ spec: { kind }, stage }, index) => {
    const call = environment.calls[index]!
    if (!call.isStarted || call.isSettled) return false
    // An operation that can't be abandoned blocks the connection and all other operations, even without a caller.
    const isKept = kind === "bind" || kind === "bindStep" || kind === "startTls" || kind === "cancel"
    const isAsked = call.isEncoded && !call.isAnswered && kind !== "stream"
    // Other operations wait for an operation that was left to finish.
    const isLeft = call.isLeftToFinish && !call.isAnswered
    return call.isWaiting || isLeft || stage === "alone" || (isAsked && (!call.isGone || isKept))
  })

/** S10: the session reads if a caller needs it, and otherwise as long as no stream is full. */
const checkReading = ({ environment, machine, operations }: Model): void => {
  const { phase } = machine.state
  if (phase._tag === "Closing" || phase._tag === "Closed") return
  if (environment.isHandshaking || environment.isTlsGranted || environment.isUndecided) {
    if (environment.isReading && phase._tag !== "Unbinding" && phase._tag !== "AwaitingPeer") {
      broken("S7: the session reads on before it is known what comes")
    }
    return
  }
  if (environment.isEnded) {
    if (!environment.isReading) broken("S2: the session doesn't read, and so doesn't see the peer's end")
    return
  }
  const isNeeded = isReadingFor({ environment, machine, operations })
  const isFull = environment.calls.some(({ held }) => held >= highWaterMark)
  if (isNeeded && !environment.isReading) broken("S10: a caller waits for a response, and the session doesn't read")
  if (!isNeeded && isFull && environment.isReading)
    broken("S10: no caller waits, a stream is full, and the session reads on")
  if (!isFull && !environment.isReading) broken("S10: no stream is full, and the session doesn't read")
}
