/**
 * What the connection does, and when. These rules are obligations of the driver and the connection. Each rule has the reason why
 * they keep it.
 */
import type { LdapError } from "../../../src/model/LdapError.ts"
import { maxInt } from "../../../src/protocol/LdapMessage.ts"
import type { ConnectionEvent } from "../../../src/session/core/SessionEvent.ts"
import type { Environment, Model } from "./Model.ts"
import { arrivalsOf, type Step } from "./Step.ts"
import type { World } from "./World.ts"

const connectionStep = (
  name: string,
  isEnabled: (environment: Environment) => boolean,
  event: ConnectionEvent,
  before?: (environment: Environment) => void
): Step => ({
  name,
  about: -1,
  // No other event comes between messages that arrived together.
  isEnabled: ({ environment }) => !environment.isInChunk && isEnabled(environment),
  event: () => event,
  ...(before === undefined ? {} : { before: ({ environment }: Model) => before(environment) })
})

// The machine uses only the reason of a handshake's error.
const handshakeError = (_tag: string) => ({ reason: { _tag, message: "the handshake failed" } }) as unknown as LdapError

const timeIsOver: Step = {
  name: "the time of the goodbye is over",
  about: -1,
  isEnabled: ({ environment }) => !environment.isInChunk && environment.isTimed,
  event: () => ({ _tag: "Timer", of: "goodbye" }),
  before: ({ environment }) => {
    environment.isTimed = false
  }
}

/** Other requests have used up the message ids in the meantime. */
const age: Step = {
  name: "2^31 other requests come and go",
  about: -1,
  isEnabled: ({ environment }) => !environment.isInChunk && !environment.isAged && !environment.isEnded,
  // An event without effect: its work was done by an earlier event.
  event: () => ({ _tag: "Room" }),
  before: ({ environment, machine }) => {
    environment.isAged = true
    machine.state.ids.last = maxInt
  }
}

export const connectionSteps = (world: World): ReadonlyArray<Step> => [
  connectionStep(
    "the turn of the event loop is over",
    // A flush was planned, once.
    (environment) => environment.isFlushPlanned,
    { _tag: "Flush" },
    (environment) => {
      environment.isFlushPlanned = false
    }
  ),
  ...(world.isNarrow === true
    ? [
      // Possible even if nothing was written. That allows more than can really happen.
      connectionStep(
        "the connection has no room",
        (environment) => !environment.isClosed,
        { _tag: "NoRoom" },
        (environment) => {
          environment.hasRoom = false
        }
      ),
      connectionStep(
        "the connection has room",
        (environment) => !environment.isClosed,
        { _tag: "Room" },
        (environment) => {
          environment.hasRoom = true
        }
      )
    ]
    : []),
  {
    name: "what arrived together is parsed",
    about: -1,
    isEnabled: ({ environment }) => environment.isInChunk,
    event: () => ({ _tag: "ReadEnd", leftover: 0, malformed: undefined }),
    before: ({ environment }) => {
      environment.isInChunk = false
    }
  },
  {
    name: "what arrived together is parsed, and the start of a message remains",
    about: -1,
    // The machine requests the remaining bytes only before a handshake. In other cases this is the event above.
    isEnabled: ({ environment }) => environment.isInChunk && environment.isTlsGranted,
    event: () => ({ _tag: "ReadEnd", leftover: 3, malformed: undefined }),
    before: ({ environment }) => {
      environment.isInChunk = false
    }
  },
  {
    name: "what arrives can't be parsed",
    about: -1,
    isEnabled: arrivalsOf(world),
    event: () => ({ _tag: "ReadEnd", leftover: 0, malformed: { detail: "garbage" } }),
    before: ({ environment }) => {
      environment.isInChunk = false
    }
  },
  connectionStep("clear text arrives during the handshake", (environment) => environment.isHandshaking, {
    _tag: "ClearText"
  }),
  connectionStep(
    "the handshake succeeds",
    // A handshake ends once.
    (environment) => environment.isHandshaking,
    { _tag: "HandshakeEnd", error: undefined },
    (environment) => {
      environment.isHandshaking = false
      environment.isTlsGranted = false
    }
  ),
  ...["ConnectFailed", "ProtocolViolation"].map((tag) =>
    connectionStep(
      `the handshake fails (${tag})`,
      (environment) => environment.isHandshaking,
      { _tag: "HandshakeEnd", error: handshakeError(tag) },
      (environment) => {
        environment.isHandshaking = false
      }
    )
  ),
  ...(["ConnectionLost", "ProtocolViolation"] as const).map((_tag) =>
    connectionStep(
      `the connection ends (${_tag})`,
      // It is reported once, even while reading is paused: a reset is noticed without a reader.
      (environment) => !environment.isPeerGone && !environment.isClosed,
      { _tag: "ConnectionEnd", end: { _tag, detail: "gone", cause: undefined } },
      (environment) => {
        environment.isPeerGone = true
      }
    )
  ),
  connectionStep(
    "this side is closed",
    // The answer to `Shutdown`.
    (environment) => environment.isShuttingDown,
    { _tag: "ShutdownDone" },
    (environment) => {
      environment.isShuttingDown = false
    }
  ),
  connectionStep(
    "the connection is freed",
    // The answer to `Close`.
    (environment) => environment.isClosing,
    { _tag: "ConnectionClosed" },
    (environment) => {
      environment.isClosing = false
    }
  ),
  timeIsOver,
  ...(world.ages === true ? [age] : [])
]
