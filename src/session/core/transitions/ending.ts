/**
 * The end of a session. `end` makes the one transition out of `Open`, for every reason: from then on nothing is sent but the
 * unbind, everything in flight fails, and operations that start later fail at once. Then the goodbye: unbind, shutdown, the peer's
 * end, close. `closeTimeout` limits it.
 */
import type { ConnectionEnd } from "../../../connection/LdapConnection.ts"
import type { LdapError, SessionEnd } from "../../../model/LdapError.ts"
import { nextId, rememberAbandoned } from "../MessageIds.ts"
import type { Operation } from "../Operation.ts"
import type { Core } from "../SessionAction.ts"
import { messages } from "../SessionState.ts"
import { settle } from "./sending.ts"

/** `peerListens`: nothing from the peer makes an unbind pointless. Does nothing if the session has ended already. */
export const end = (core: Core, reason: SessionEnd, peerListens: boolean): void => {
  const { access, ids, inFlight, phase, queue } = core.state
  if (phase._tag !== "Open") return
  const { channel } = phase
  core.state.phase = { _tag: "Ending", end: reason, channel }
  core.actions.push({ _tag: "End", end: reason })
  // Between the request for StartTLS and the end of the handshake nothing may be sent (RFC 4511 section 4.14.1).
  const isChanging = channel._tag === "Granted" || channel._tag === "Handshake" ||
    (channel._tag === "StartTls" && channel.operation.stage === "written")
  for (const operation of inFlight.values()) {
    // The server may still be working on this request, so the unbind has another id (RFC 4511 section 4.1.1.1).
    if (operation.stage === "written") rememberAbandoned(ids, operation.messageId)
    failed(core, operation, reason)
  }
  for (const operation of access.alone.takeAll()) failed(core, operation, reason)
  for (const operation of access.shared.takeAll()) failed(core, operation, reason)
  if (access.holder !== undefined) failed(core, access.holder, reason)
  queue.waiting.takeAll()
  if (reason._tag === "Released" && (isChanging || channel._tag === "Undecided")) {
    // How the unbind must be sent depends on the outcome: in clear text, under TLS, or through a security layer.
    setGoodbyeTimer(core)
  } else if (peerListens && !isChanging) {
    goodbye(core)
  } else {
    close(core)
  }
}

const failed = (core: Core, operation: Operation, reason: SessionEnd): void =>
  settle(core, operation, {
    _tag: "SessionEnded",
    end: reason,
    wasInFlight: operation.messageId > 0 || operation.isBegun,
    inDoubt: operation.isBegun
  })

/** Sends the unbind and closes this side. */
export const goodbye = (core: Core): void => {
  const { ids, inFlight, phase } = core.state
  if (phase._tag !== "Ending") return
  core.state.phase = { _tag: "Unbinding", end: phase.end }
  setGoodbyeTimer(core)
  core.actions.push({ _tag: "Unbind", messageId: nextId(ids, inFlight) }, { _tag: "Shutdown" })
}

/** Closes the connection; without a goodbye if none has begun. */
export const close = (core: Core): void => {
  const { phase } = core.state
  if (phase._tag === "Open" || phase._tag === "Closing" || phase._tag === "Closed") return
  core.state.phase = { _tag: "Closing", end: phase.end }
  core.actions.push({ _tag: "Close" })
  // The finalizers of the caller's socket may hang. They get the same time again.
  clearGoodbyeTimer(core)
  setGoodbyeTimer(core)
}

export const goodbyeTimer = (core: Core): void => {
  if (!core.state.isClosingTimed) return
  core.state.isClosingTimed = false
  if (core.state.phase._tag === "Closing") closed(core)
  else close(core)
}

export const shutDown = (core: Core): void => {
  const { connectionEnd, phase } = core.state
  if (phase._tag !== "Unbinding") return
  if (connectionEnd !== undefined) return close(core)
  core.state.phase = { _tag: "AwaitingPeer", end: phase.end }
}

export const closed = (core: Core): void => {
  const { phase } = core.state
  if (phase._tag !== "Closing") return
  core.state.phase = { _tag: "Closed", end: phase.end }
  clearGoodbyeTimer(core)
  core.actions.push({ _tag: "Closed" })
}

/** Nothing more arrives on the connection. */
export const connectionEnded = (core: Core, reason: ConnectionEnd): void => {
  const { state } = core
  state.connectionEnd ??= reason
  // During a TLS handshake the handshake itself reports why it failed.
  if ("channel" in state.phase && state.phase.channel._tag === "Handshake") return
  const { _tag } = state.phase
  if (_tag === "Open") end(core, state.connectionEnd, false)
  // During a shutdown, the peer's end doesn't end the shutdown.
  else if (_tag !== "Unbinding") close(core)
}

/** The peer broke the protocol. */
export const violated = (core: Core, detail: string, cause?: unknown): void => {
  if (core.state.phase._tag === "Open") end(core, { _tag: "ProtocolViolation", detail, cause }, true)
  else if (core.state.phase._tag === "Ending") close(core)
}

/** Bytes between the response to StartTLS and the handshake came in clear text; any machine on the network may have sent them. */
export const clearText = (core: Core): void =>
  violated(core, "bytes in clear text arrived after the answer to StartTLS")

export const handshakeEnded = (core: Core, error: LdapError | undefined): void => {
  const { connectionEnd, phase } = core.state
  if (!("channel" in phase) || phase.channel._tag !== "Handshake") return
  const { operation } = phase.channel
  if (phase._tag === "Ending") {
    // Released during the handshake. The unbind is sent under TLS.
    core.state.phase = { ...phase, channel: messages }
    return error === undefined && connectionEnd === undefined ? goodbye(core) : close(core)
  }
  if (error !== undefined) {
    const { _tag, message: detail } = error.reason
    settle(core, operation, { _tag: "HandshakeFailed", error })
    const isViolation = _tag === "ProtocolViolation"
    return end(core, { _tag: isViolation ? _tag : "ConnectionLost", detail, cause: error }, false)
  }
  settle(core, operation, { _tag: "Secured" })
  if (connectionEnd !== undefined) end(core, connectionEnd, false)
}

/** The outcome of a SASL bind is decided, which ends the bind. */
export const decided = (core: Core): void => {
  const { access, phase } = core.state
  if (!("channel" in phase) || phase.channel._tag !== "Undecided") return
  core.state.phase = { ...phase, channel: messages }
  if (phase._tag === "Ending") goodbye(core)
  else if (access.holder !== undefined) settle(core, access.holder, { _tag: "Abandoned" })
}

const setGoodbyeTimer = (core: Core): void => {
  if (core.state.isClosingTimed) return
  core.state.isClosingTimed = true
  core.actions.push({ _tag: "SetTimer", of: "goodbye", millis: core.closeTimeoutMillis })
}

const clearGoodbyeTimer = (core: Core): void => {
  if (!core.state.isClosingTimed) return
  core.state.isClosingTimed = false
  core.actions.push({ _tag: "ClearTimer", of: "goodbye" })
}
