/**
 * The state of a session as plain data: values that can be copied, compared and hashed. It holds no socket, no clock and no
 * function. `SessionMachine` changes it; the search in test/states walks through all of it.
 */
import type { ConnectionEnd } from "../../connection/LdapConnection.ts"
import type { SessionEnd } from "../../model/LdapError.ts"
import { type Backpressure, noBackpressure } from "./Backpressure.ts"
import { type ExclusiveAccess, freeAccess } from "./ExclusiveAccess.ts"
import { InFlight } from "./InFlight.ts"
import { type MessageIds, unusedIds } from "./MessageIds.ts"
import type { Operation } from "./Operation.ts"
import { emptyQueue, type WriteQueue } from "./WriteQueue.ts"

/** What the next bytes on the connection are, in both directions. */
export type Channel =
  /** LDAP messages. */
  | { readonly _tag: "Messages" }
  /** StartTLS was requested: nothing may be sent before the response (RFC 4511 section 4.14.1). */
  | { readonly _tag: "StartTls"; readonly operation: Operation }
  /** The server has agreed. Any bytes that arrived with its response came in clear text. */
  | { readonly _tag: "Granted"; readonly operation: Operation }
  | { readonly _tag: "Handshake"; readonly operation: Operation }
  /** A SASL bind has succeeded; whether a security layer follows is not decided yet (RFC 4513 section 5.2.1.4). */
  | { readonly _tag: "Undecided" }

export type Phase =
  /** Accepts operations. */
  | { readonly _tag: "Open"; readonly channel: Channel }
  /** Released; how the unbind must be sent depends on what the channel becomes. */
  | { readonly _tag: "Ending"; readonly end: SessionEnd; readonly channel: Channel }
  /** The unbind is written, and this side of the connection is being closed. */
  | { readonly _tag: "Unbinding"; readonly end: SessionEnd }
  /** This side is closed; the peer has until `closeTimeout` to close its own. */
  | { readonly _tag: "AwaitingPeer"; readonly end: SessionEnd }
  /** The connection is being closed. */
  | { readonly _tag: "Closing"; readonly end: SessionEnd }
  | { readonly _tag: "Closed"; readonly end: SessionEnd }

export interface SessionState {
  phase: Phase
  /** By message id: requests that wait to be written or for their response. */
  readonly inFlight: InFlight
  readonly ids: MessageIds
  readonly queue: WriteQueue
  readonly access: ExclusiveAccess
  readonly backpressure: Backpressure
  /** Streams to wake once the current chunk is parsed. */
  woken: Array<Operation>
  /** Why nothing more arrives on the connection, once it has reported its end. */
  connectionEnd: ConnectionEnd | undefined
  /** Whether the timer of the goodbye runs. */
  isClosingTimed: boolean
}

export const messages: Channel = { _tag: "Messages" }

export const openState = (): SessionState => ({
  phase: { _tag: "Open", channel: messages },
  inFlight: new InFlight(),
  ids: unusedIds(),
  queue: emptyQueue(),
  access: freeAccess(),
  backpressure: noBackpressure(),
  woken: [],
  connectionEnd: undefined,
  isClosingTimed: false
})
