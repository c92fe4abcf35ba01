/**
 * The session as a state machine without input or output: an event changes the state and lists actions.
 *
 * `apply` runs to its end, calls nothing outside of this folder and doesn't throw, so nothing can interrupt a step. It
 * knows no clock, no socket and no fiber: `SessionDriver` performs the actions after `apply` has returned, and turns their results
 * into events. src/session/README.md draws the states and the transitions between them, and test/states walks through every state
 * that a bounded world can reach.
 */
import type { LdapMessage } from "../../protocol/LdapMessage.ts"
import { mustRead } from "./Backpressure.ts"
import type { Core, SessionAction } from "./SessionAction.ts"
import type { SessionEvent } from "./SessionEvent.ts"
import { openState, type SessionState } from "./SessionState.ts"
import {
  clearText,
  closed,
  connectionEnded,
  decided,
  end,
  goodbyeTimer,
  handshakeEnded,
  shutDown
} from "./transitions/ending.ts"
import { cancel, finish, interrupt, letFinish, operationTimer, unsendable } from "./transitions/givingUp.ts"
import { readEnd, response } from "./transitions/responses.ts"
import { advance, flush, room, start, stopWaiting, take, wait } from "./transitions/sending.ts"

export class SessionMachine implements Core {
  readonly state: SessionState
  readonly actions: Array<SessionAction> = []
  readonly closeTimeoutMillis: number

  constructor(closeTimeoutMillis: number, state: SessionState = openState()) {
    this.closeTimeoutMillis = closeTimeoutMillis
    this.state = state
  }

  /** The event `Message` without an object for it: there is one for each entry of a search. */
  receive(message: LdapMessage): void {
    // `ReadEnd` follows the last message of a chunk and decides whether to read on.
    response(this, message)
  }

  /** Applies an event and appends the resulting actions to {@link actions}. */
  apply(event: SessionEvent): void {
    if (event._tag === "Message") return this.receive(event.message)
    dispatch(this, event)
    if (this.state.phase._tag === "Open") advance(this)
    regulate(this)
  }
}

const dispatch = (core: Core, event: Exclude<SessionEvent, { readonly _tag: "Message" }>): void => {
  switch (event._tag) {
    case "ReadEnd":
      return readEnd(core, event.leftover, event.malformed)
    case "Start":
      return start(core, event.operation)
    case "Flush":
      return flush(core)
    case "Wait":
      return wait(core, event.operation, event.timeoutMillis)
    case "StopWaiting":
      return stopWaiting(core, event.operation)
    case "Take":
      return take(core, event.operation, event.bytes)
    case "Interrupt":
      return interrupt(core, event.operation)
    case "Cancel":
      return cancel(core, event.operation, event.cancel)
    case "LetFinish":
      return letFinish(core, event.operation)
    case "Unsendable":
      return unsendable(core, event.operation, event.failure)
    case "Finish":
      return finish(core, event.operation)
    case "Decide":
      return decided(core)
    case "GiveUp":
      return end(
        core,
        {
          _tag: event.isLost === true ? "ConnectionLost" : "ProtocolViolation",
          detail: event.detail,
          cause: undefined
        },
        true
      )
    case "Release":
      return end(core, { _tag: "Released" }, true)
    case "NoRoom":
      core.state.queue.hasRoom = false
      return
    case "Room":
      return room(core)
    case "ClearText":
      return clearText(core)
    case "HandshakeEnd":
      return handshakeEnded(core, event.error)
    case "ConnectionEnd":
      return connectionEnded(core, event.end)
    case "ShutdownDone":
      return shutDown(core)
    case "ConnectionClosed":
      return closed(core)
    case "Timer":
      return event.of === "goodbye" ? goodbyeTimer(core) : operationTimer(core, event.of)
  }
}

/** Reads, or makes the peer wait: for a caller, for a handshake, or for a decision about a security layer. */
const regulate = ({ actions, state }: Core): void => {
  const { phase } = state
  if (phase._tag === "Closing" || phase._tag === "Closed") return
  const isReading = mayRead(state)
  if (isReading === state.backpressure.isReading) return
  state.backpressure.isReading = isReading
  actions.push({ _tag: isReading ? "Resume" : "Pause" })
}

const mayRead = ({ access, backpressure, phase }: SessionState): boolean => {
  switch (phase._tag) {
    case "Open": {
      const { _tag } = phase.channel
      if (_tag === "Granted" || _tag === "Handshake" || _tag === "Undecided") return false
      return backpressure.full === 0 || mustRead(backpressure, access)
    }
    case "Ending":
      return phase.channel._tag === "StartTls"
    // Later messages are dropped, but reading goes on: the peer's end comes after them.
    default:
      return true
  }
}
